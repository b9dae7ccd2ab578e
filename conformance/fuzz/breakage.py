"""Breakage: a target that no longer takes acceptable requests, and the request that broke it."""

from __future__ import annotations

import asyncio
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
_PAUSES_S = (0.2, 0.5, 1.0)


class Past(NamedTuple):
    """One request that was sent, and whether it was accepted as it should be; None where it need not be."""

    case: Case
    is_good: bool | None
    failed: bool


async def examine(bench: Bench, log: Sequence[Past], control: Case, judgement: Judgement) -> Finding:
    """The finding of a target that is broken: with the request that did it, as far as that can be known."""
    suspects = _suspects(log, 2 * bench.wire.connections)
    guilty = await _caught(bench, suspects, control)
    reply, now = await bench.ask(control)
    shown = guilty or (suspects[0] if suspects else None)
    words = "the target no longer takes acceptable requests"
    if guilty is None and suspects:
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


async def _caught(bench: Bench, suspects: Sequence[Case], control: Case) -> Case | None:
    """The request after which a target that has come back to itself is broken again."""
    if not await recovers(bench, control):
        return None
    for case in suspects:
        await bench.ask(case)
        if await _is_broken(bench, control):
            return case
    return None


async def recovers(bench: Bench, control: Case) -> bool:
    """Whether a target comes back to itself within a moment."""
    for pause_s in _PAUSES_S:
        if not await _is_broken(bench, control):
            return True
        await asyncio.sleep(pause_s)
    return not await _is_broken(bench, control)


async def _is_broken(bench: Bench, control: Case) -> bool:
    _, judgement = await bench.ask(control)
    return judgement is not None and judgement.fault in BROKEN
