"""A check against a function: requests go in, answers come out, and nothing is on a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from conformance.cases import CHECKS
from conformance.checks.selection import select_trials
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.model import Exchange, Request, Response, TransportFailure, Verdict
from conformance.profile import load
from conformance.requests import Keys, PreflightResult
from conformance.run import engine
from conformance.run.sender import Sender
from conformance.run.verdicts import build_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.trial import Trial
    from conformance.run.engine import CheckResult
    from conformance.wire import Wire

Answer: TypeAlias = Callable[[Request], Response | TransportFailure]
"""What a target makes of a request."""

KEYS = Keys(write_key="Canned-Key-12345", bearer="canned-token")


@dataclass(slots=True)
class FunctionWire:
    """A wire whose target is a function."""

    answer: Answer
    sent: list[Request] = field(default_factory=list)

    async def exchange(self, request: Request) -> Exchange:
        """What the function says."""
        self.sent.append(request)
        await asyncio.sleep(0)
        answer = self.answer(request)
        if isinstance(answer, TransportFailure):
            return Exchange(request=request, failure=answer, failure_detail=f"a mishap: {answer}")
        return Exchange(request=request, response=answer)


def run_checks(profile: str, check: str, answer: Answer) -> list[Verdict]:
    """What the checks that a glob names come to on a target, in the order in which they end."""
    verdicts: list[Verdict] = []

    def on_result(trial: Trial, finding: CheckResult) -> None:
        verdicts.append(build_verdict(trial, finding))

    sender = Sender(wire=cast("Wire", FunctionWire(answer)))
    ground = PreflightResult(shared_exchanges=sender.shared_exchanges)
    every = make_trials(Contract(load(profile)), KEYS, CHECKS)
    asyncio.run(
        engine.run_all(
            [replace(trial, preflight=ground) for trial in select_trials(every, [check], [])], sender, 4, on_result
        )
    )
    return verdicts


def outcomes_of(verdicts: Sequence[Verdict]) -> set[str]:
    """The outcomes of verdicts, each once."""
    return {item.outcome.value for item in verdicts}
