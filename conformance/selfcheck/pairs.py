"""Servers with two faults at once: their causes must be told apart."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from conformance.cases import CHECKS
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.servers import name_of_pair
from conformance.selfcheck.detection import expected_checks, explains
from conformance.selfcheck.plan import AREAS_OF_MANY_REQUESTS, SelfCheckJob, plan_fault_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.refserver.faults import Fault
    from conformance.selfcheck.detection import ServerResult

FaultPair: TypeAlias = "tuple[Fault, Fault]"
DEFAULT_PAIRS, THOROUGH_PAIRS = 24, 60
_SEED, _MAX_DRAWS = 1, 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """The causes found on a server with two faults, as sentences; `is_right` if they are two, one of each fault."""

    profile: str
    pair: FaultPair
    causes: tuple[str, ...]
    is_right: bool

    @classmethod
    def of(cls, server: ServerResult, pair: FaultPair) -> PairResult | None:
        """Judges what was found. None if no check fails that must notice one of them: the other one hides it."""
        expected_ids = [{check.id for check in expected_checks(fault, CHECKS)} for fault in pair]
        failed_ids = {verdict.id for verdict in server.bad_verdicts}
        if not all(ids & failed_ids for ids in expected_ids):
            return None
        explained = sorted([explains(cause, ids) for ids in expected_ids] for cause in server.causes)
        return cls(
            profile=server.profile,
            pair=pair,
            causes=tuple(cause.sentence for cause in server.causes),
            is_right=explained == [[False, True], [True, False]],
        )


def choose_pairs(profiles: Sequence[str], faults: Sequence[Fault], count: int) -> list[tuple[str, FaultPair]]:
    """Up to `count` pairs of faults, drawn at random, the same each time, each with a profile that both fit.

    Both make a check fail, no check must notice both, and both change nothing but answers.
    """
    candidates = [fault for fault in faults if _is_suitable(fault)]
    return list(itertools.islice(_draw(profiles, candidates), count)) if len(candidates) > 1 else []


def _is_suitable(fault: Fault) -> bool:
    """Whether a fault can be combined with others, and makes checks fail in its own area alone."""
    is_judged = any(not check.observes for check in expected_checks(fault, CHECKS))
    return is_judged and fault.change.is_only_answers and not fault.collateral_reason


def _draw(profiles: Sequence[str], faults: Sequence[Fault]) -> Iterator[tuple[str, FaultPair]]:
    generator = random.Random(_SEED)  # noqa: S311 - a sample
    for _ in range(_MAX_DRAWS):
        one, other = generator.sample(faults, 2)
        profile = generator.choice(profiles)
        expected_ids, other_ids = ({check.id for check in expected_checks(fault, CHECKS)} for fault in (one, other))
        fits = all(fault.applies_to(reduced_contract(profile)) for fault in (one, other))
        if fits and not expected_ids & other_ids:
            yield profile, (one, other)


def server_of_pair(pair: FaultPair) -> str:
    """The name of the server with both faults."""
    return name_of_pair(*(fault.name for fault in pair))


def plan_pair_job(profile: str, pair: FaultPair) -> SelfCheckJob:
    """The job of the server with both faults: the operations and checks of both."""
    jobs = [plan_fault_job(profile, fault, AREAS_OF_MANY_REQUESTS) for fault in pair]
    return SelfCheckJob(
        profile=profile,
        server=server_of_pair(pair),
        selectors=tuple(dict.fromkeys(selector for job in jobs for selector in job.selectors)),
        check_ids=frozenset().union(*(job.check_ids for job in jobs)),
        is_pair=True,
    )
