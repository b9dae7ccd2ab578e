"""Judging the judge: every pair of a server and a profile, several of them side by side."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.checks.trial import make_trials
from conformance.core import event_loop
from conformance.core.errors import InconclusiveError
from conformance.core.model import Area, OperationKind
from conformance.refserver.faults import FAULTS
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.variants import CORRECT_SERVER, VARIANTS
from conformance.requests import Keys
from conformance.run.execution import execute
from conformance.run.plan import build_plan
from conformance.selfcheck.detection import ServerResult, expected_checks
from conformance.selfcheck.score import Score
from conformance.selfcheck.server_pool import ServerPool
from conformance.settings import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.check import Check
    from conformance.core.model import Verdict
    from conformance.refserver.faults import Fault
    from conformance.refserver.variants import Variant

SELF_CHECK_KEYS = Keys(write_key="conformance-Self-check-key", bearer="conformance-self-check-token")
DEFAULT_PROFILES_PER_FAULT, ALL_PROFILES_PER_FAULT = 1, 99
"""A fault is told under so many of the profiles that it fits, or a few more."""
_DEADLINE_S = 5.0
_WORKERS = (os.cpu_count() or 1) + 1


class ProgressCallback(Protocol):
    """Somebody who is told how far a self-check is."""

    def __call__(self, done: int, total: int) -> None:
        """Takes the number of pairs that are judged, and of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheckJob:
    """A server under a profile that is still to be judged: the operations that it has, and the checks."""

    profile: str
    server: str
    selectors: tuple[str, ...]
    check_ids: frozenset[str]


def plan_fault_job(profile: str, fault: Fault, *, thorough: bool = True) -> SelfCheckJob:
    """What shows a fault: an operation for each check that must notice it, and the whole catalogue.

    What only observes, and what presses hard, is left out where no such check is named: it could notice
    nothing, at some length. One that is not thorough does the same with the area that asks most.
    """
    expected = expected_checks(fault, CHECKS)
    kinds = {kind for check in expected for kind in ({OperationKind.EVENT} & check.kinds or check.kinds)}
    expected_ids = {check.id for check in expected}
    skipped_areas = set() if thorough else {Area.ROBUSTNESS} - {check.area for check in expected}
    return SelfCheckJob(
        profile=profile,
        server=fault.name,
        selectors=(*sorted(kinds), *fault.extra_operations),
        check_ids=frozenset(
            check.id
            for check in CHECKS
            if check.id in expected_ids or not (_is_costly(check) or check.area in skipped_areas)
        ),
    )


def _is_costly(check: Check) -> bool:
    return check.observes or (check.tier in {Tier.BURST, Tier.VOLUME} and check.area is not Area.FUZZ)


def _choose_profiles(
    faults: Sequence[Fault], profiles: Sequence[str], profiles_per_fault: int
) -> dict[Fault, set[str]]:
    """So many profiles for each fault, going round; and one more where a check would see no fault else."""
    selectors = tuple(
        dict.fromkeys((*OperationKind, *(selector for fault in faults for selector in fault.extra_operations)))
    )
    applicable_by_profile = {
        profile: {
            item.check.id
            for item in make_trials(reduced_contract(profile, selectors), SELF_CHECK_KEYS, CHECKS)
            if item.operation and item.facts
        }
        for profile in profiles
    }
    profiles_by_fault: dict[Fault, set[str]] = {}
    covered_checks: set[str] = set()
    expected_by_fault = {fault: {check.id for check in expected_checks(fault, CHECKS)} for fault in faults}
    for number, fault in enumerate(faults):
        fitting_profiles = [profile for profile in profiles if fault.applies_to(reduced_contract(profile))]
        start = number % max(1, len(fitting_profiles))
        profiles_by_fault[fault] = {*(fitting_profiles[start:] + fitting_profiles[:start])[:profiles_per_fault]}
        covered_checks.update(
            *(expected_by_fault[fault] & applicable_by_profile[profile] for profile in profiles_by_fault[fault])
        )
    for fault, profile in itertools.product(faults, profiles):
        if (
            fault.applies_to(reduced_contract(profile))
            and not expected_by_fault[fault] & applicable_by_profile[profile] <= covered_checks
        ):
            profiles_by_fault[fault].add(profile)
            covered_checks |= expected_by_fault[fault] & applicable_by_profile[profile]
    return profiles_by_fault


def plan_jobs(
    profiles: Sequence[str],
    faults: Sequence[Fault] = FAULTS,
    variants: Sequence[Variant] = VARIANTS,
    profiles_per_fault: int = DEFAULT_PROFILES_PER_FAULT,
) -> list[SelfCheckJob]:
    """The correct server of each profile, with all operations that any fault needs; then what fits.

    Every variant goes with each profile, every fault with as many of them as `each` says.
    """
    all_check_ids = frozenset(check.id for check in CHECKS)
    profiles_by_fault = _choose_profiles(faults, profiles, profiles_per_fault)
    cheap_check_ids = frozenset(check.id for check in CHECKS if not _is_costly(check))
    planned = []
    for profile in profiles:
        fault_jobs = [
            plan_fault_job(profile, fault, thorough=profiles_per_fault > DEFAULT_PROFILES_PER_FAULT)
            for fault in faults
            if profile in profiles_by_fault[fault]
        ]
        selectors = tuple(
            dict.fromkeys((*OperationKind, *(selector for item in fault_jobs for selector in item.selectors)))
        )
        planned.append(
            SelfCheckJob(profile=profile, server=CORRECT_SERVER.name, selectors=selectors, check_ids=all_check_ids)
        )
        planned += fault_jobs
        planned += [
            SelfCheckJob(
                profile=profile,
                server=variant.name,
                selectors=tuple(OperationKind),
                check_ids=all_check_ids if variant.is_sent_bursts else cheap_check_ids,
            )
            for variant in variants
            if variant.applies_to(reduced_contract(profile))
        ]
    return planned


async def run_self_check(
    profiles: Sequence[str],
    on_progress: ProgressCallback,
    faults: Sequence[Fault] = FAULTS,
    variants: Sequence[Variant] = VARIANTS,
    profiles_per_fault: int = DEFAULT_PROFILES_PER_FAULT,
) -> Score:
    """Judges pairs, and the checks by them. Raises CannotJudge if the servers can't be started."""
    planned = plan_jobs(profiles, faults, variants, profiles_per_fault)
    queue, results = iter(planned), list[ServerResult]()
    loop = asyncio.get_running_loop()

    async def worker(servers: ServerPool, processes: ProcessPoolExecutor) -> None:
        for self_check_job in queue:
            url = await servers.open(self_check_job.profile, self_check_job.server, self_check_job.selectors)
            verdicts = await loop.run_in_executor(processes, run_job, url, self_check_job)
            servers.close(url)
            results.append(
                ServerResult(profile=self_check_job.profile, server=self_check_job.server, verdicts=verdicts)
            )
            on_progress(len(results), len(planned))

    spawn_context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_WORKERS, mp_context=spawn_context) as pool:
        async with ServerPool(SELF_CHECK_KEYS) as hall:
            await asyncio.gather(*(worker(hall, pool) for _ in range(_WORKERS)))
    return Score.of(profiles, results, faults, variants)


def run_job(url: str, self_check_job: SelfCheckJob) -> dict[str, Verdict]:
    """What the checks make of one server, by name."""
    options = {
        "write_key": SELF_CHECK_KEYS.write_key,
        "bearer": SELF_CHECK_KEYS.bearer,
        "deadline": str(_DEADLINE_S),
        "fuzz": "0",
    }
    selected_checks = [check for check in CHECKS if check.id in self_check_job.check_ids]
    plan = build_plan(
        table.resolve(options), url, reduced_contract(self_check_job.profile, self_check_job.selectors), selected_checks
    )
    try:
        result = event_loop.run(execute(plan, lambda *_: None))
    except InconclusiveError as error:
        raise InconclusiveError(f"{self_check_job.server} under {self_check_job.profile}: {error}") from None
    return {verdict.name: verdict for verdict in result.verdicts}
