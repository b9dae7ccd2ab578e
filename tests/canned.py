"""A check against a function: requests go in, answers come out, and nothing is on a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from conformance import engine
from conformance.cases import CHECKS
from conformance.catalogue import chosen, trials
from conformance.contract import Contract
from conformance.engine import Sender
from conformance.model import Exchange, Mishap, Request, Response, Verdict
from conformance.payloads import Ground, Keys
from conformance.profile import load
from conformance.verdicts import judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.catalogue import Trial
    from conformance.engine import Finding
    from conformance.wire import Wire

Answer: TypeAlias = Callable[[Request], Response | Mishap]
"""What a target makes of a request."""

KEYS = Keys(write_key="Canned-Key-12345", bearer="canned-token")


@dataclass(slots=True)
class CannedWire:
    """A wire whose target is a function."""

    answer: Answer
    sent: list[Request] = field(default_factory=list)

    async def exchange(self, request: Request) -> Exchange:
        """What the function says."""
        self.sent.append(request)
        await asyncio.sleep(0)
        found = self.answer(request)
        if isinstance(found, Mishap):
            return Exchange(request=request, mishap=found, detail=f"a mishap: {found}")
        return Exchange(request=request, response=found)


def verdicts(profile: str, check: str, answer: Answer) -> list[Verdict]:
    """What the checks that a glob names come to on a target, in the order in which they end."""
    found: list[Verdict] = []

    def done(trial: Trial, finding: Finding) -> None:
        found.append(judged(trial, finding))

    sender = Sender(wire=cast("Wire", CannedWire(answer)))
    ground = Ground(seen=sender.seen)
    every = trials(Contract(load(profile)), KEYS, CHECKS)
    asyncio.run(
        engine.run([replace(trial, ground=ground) for trial in chosen(every, [check], [])], sender, 4, done)
    )
    return found


def outcomes(found: Sequence[Verdict]) -> set[str]:
    """The outcomes of verdicts, each once."""
    return {item.outcome.value for item in found}
