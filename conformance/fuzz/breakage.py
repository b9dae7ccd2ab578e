"""Breakage: a target that no longer takes acceptable requests, and the request that broke it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from conformance.fuzz.finding import Certainty, Finding
from conformance.fuzz.judge import Fault, Judgement
from conformance.model import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.fuzz.bench import Bench
    from conformance.fuzz.case import Case

BROKEN = frozenset({Fault.SERVER_ERROR, Fault.UNANSWERED, Fault.REFUSED})
"""What a control comes to where the target is broken."""
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)
_LONGEST_S = 12.0
_FAILURES = 30
"""So many failures in a row are waited out before each pause."""


class Past(NamedTuple):
    """One request that was sent, and whether it was accepted as it should be; None where it need not be."""

    case: Case
    is_good: bool | None
    failed: bool


async def examine(bench: Bench, log: Sequence[Past], control: Case, judgement: Judgement) -> Finding:
    """The finding of a target that is broken for good: with what most likely did it."""
    suspects = _suspects(log, 2 * bench.wire.connections)
    reply, now = await bench.ask(control)
    shown = suspects[0] if suspects else None
    words = "the target no longer takes acceptable requests"
    if suspects:
        words += f"; one of the last {len(suspects)} requests before that did it, most likely the one shown"
    return Finding(
        fault=Fault.BROKEN,
        kind="target",
        reason=shown.about if shown else "something",
        message=f"after {shown.about if shown else 'something'}, {words}",
        expected="acceptable requests are accepted",
        received=(now or judgement).received,
        level=Level.MUST,
        certainty=Certainty.CONFIRMED,
        case=control,
        calls=tuple(sorted({control.call, *((shown.call,) if shown else ())})),
        before=(shown,) if shown else (),
        exchange=bench.kept(shown or control, reply),
    )


def _suspects(log: Sequence[Past], around: int) -> list[Case]:
    """The first failure after all was well, and the requests before it, newest first.

    `around` is how many may be guilty: twice as many as were in flight.
    """
    good = [number for number, past in enumerate(log) if past.is_good]
    last = good[-1] if good else 0
    first = next((number for number, past in enumerate(log) if past.failed and number > last), len(log) - 1)
    near = [*log[max(0, first - around) : first + 1]][::-1]
    return [past.case for past in near if past.is_good is None]


async def recovers(bench: Bench, control: Case) -> bool:
    """Whether a target comes back to itself: after a few more failures, or within a few seconds."""
    until_s = time.monotonic() + _LONGEST_S
    for pause_s in _PAUSES_S:
        await asyncio.sleep(pause_s)
        for _ in range(_FAILURES):
            _, judgement = await bench.ask(control)
            if judgement is None or judgement.fault not in BROKEN:
                return True
            if judgement.fault is Fault.UNANSWERED:
                break
        if time.monotonic() > until_s:
            break
    return False
