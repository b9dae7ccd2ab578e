"""Campaigns for tests: against targets of another hand, with cases that take no generators."""

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
    """The first cases of the series, then of the mutator, labelled; half and half."""
    contract = Contract(load(profile))
    oracle = Oracle(contract)
    ordered = itertools.islice(systematic_cases(contract), count // 2)
    random = itertools.islice(mutated_cases(contract, seed), count - count // 2)
    return tuple(case._replace(expected_facts=oracle.expected_facts(case)) for case in itertools.chain(ordered, random))


def run_campaign(
    url: str, profile: str, cases: Iterable[Case], *, keys: Keys = KEYS, deadline_s: float = 10.0
) -> CampaignResult:
    """What a campaign with some cases comes to."""

    async def run() -> CampaignResult:
        wire = Wire(target=parse_target(url), redactor=Redactor(keys.placeholders_by_secret()), deadline_s=deadline_s)
        async with wire:
            return await Campaign(Contract(load(profile)), keys, wire, PreflightResult()).run(cases)

    return asyncio.run(run())


class CrashError(Exception):
    """A crash inside a target."""


def crashing_on_any(*tests: Callable[[Call], bool]) -> type[Application]:
    """A target that fails on what one of some tests holds for."""

    class Crashing(Application):
        """A correct target but for that."""

        def check_value(self, call: Call) -> list[RefusalError]:
            """Looks first whether it is time to crash."""
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
