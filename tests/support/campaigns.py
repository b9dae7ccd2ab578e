"""Campaigns for tests, with cases that need no generators."""

from __future__ import annotations

import asyncio
import functools
import itertools
from typing import TYPE_CHECKING

from conformance.contract import Contract
from conformance.fuzz.campaign import Campaign, CampaignResult
from conformance.fuzz.mutated_cases import mutated_cases
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.systematic_cases import systematic_cases
from conformance.profile import load
from conformance.requests import Keys, PreflightResult
from conformance.wire import Redactor, Wire, parse_target
from tests.targets.application import Application
from tests.targets.messages import Answer
from tests.targets.options import BEARER, KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.fuzz.case import Case
    from tests.targets.messages import Call, RefusalError, Request

KEYS = Keys(write_key=KEY, bearer=BEARER)


@functools.cache
def labelled_cases(profile: str, count: int, seed: int = 1) -> tuple[Case, ...]:
    """The first systematic cases, then mutated ones, half and half, labelled by the oracle."""
    contract = Contract(load(profile))
    oracle = Oracle(contract)
    systematic = itertools.islice(systematic_cases(contract), count // 2)
    mutated = itertools.islice(mutated_cases(contract, seed), count - count // 2)
    return tuple(
        case._replace(expected_facts=oracle.expected_facts(case)) for case in itertools.chain(systematic, mutated)
    )


def run_campaign(  # noqa: PLR0913 - each is a choice of its own
    url: str,
    profile: str,
    cases: Iterable[Case],
    *,
    keys: Keys = KEYS,
    deadline_s: float = 10.0,
    max_time_s: float | None = None,
) -> CampaignResult:
    """The result of a campaign with some cases."""

    async def run() -> CampaignResult:
        wire = Wire(target=parse_target(url), redactor=Redactor(keys.placeholders_by_secret()), deadline_s=deadline_s)
        async with wire:
            return await Campaign(Contract(load(profile)), keys, wire, PreflightResult()).run(
                cases, max_time_s=max_time_s
            )

    return asyncio.run(run())


class CrashError(Exception):
    """A crash inside a target."""


def crashing_on_any(*tests: Callable[[Call], bool]) -> type[Application]:
    """A target that answers 500 to the calls for which one of some tests holds."""

    class Crashing(Application):
        """A correct target but for that."""

        def check_value(self, call: Call) -> list[RefusalError]:
            """Crashes if a test holds."""
            if any(test(call) for test in tests):
                raise CrashError
            return super().check_value(call)

        def answer(self, request: Request) -> Answer:
            """Answers a crash with a 500."""
            try:
                return super().answer(request)
            except CrashError:
                return Answer(500, {"Content-Type": "text/plain"}, b"oops")

    return Crashing
