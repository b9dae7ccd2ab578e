"""Breakage: a target that no longer takes acceptable requests, and the request that broke it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from conformance.core.model import Level
from conformance.fuzz.finding import Certainty, Finding
from conformance.fuzz.judge import FailureKind, Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.fuzz.case import Case
    from conformance.fuzz.case_runner import CaseRunner

DOWN_FAILURES = frozenset({FailureKind.SERVER_ERROR, FailureKind.UNANSWERED, FailureKind.WRONGLY_REJECTED})
"""What a control comes to where the target is broken."""
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)
_MAX_RECOVERY_S = 12.0
_FAILURES_PER_PAUSE = 30
"""So many failures in a row are waited out before each pause."""


class SentCase(NamedTuple):
    """One request that was sent, and whether it was accepted as it should be; None where it need not be."""

    case: Case
    was_accepted: bool | None
    failed: bool


async def report_target_down(
    case_runner: CaseRunner, history: Sequence[SentCase], control: Case, judgement: Judgement
) -> Finding:
    """The finding of a target that is broken for good: with what most likely did it."""
    suspects = _suspects(history, 2 * case_runner.wire.connections)
    reply, judgement_now = await case_runner.run(control)
    suspect = suspects[0] if suspects else None
    description = "the target no longer takes acceptable requests"
    if suspects:
        description += f"; one of the last {len(suspects)} requests before that did it, most likely the one shown"
    return Finding(
        failure_kind=FailureKind.BREAKS_LATER_REQUESTS,
        dedup_key="target",
        reason=suspect.about if suspect else "something",
        message=f"after {suspect.about if suspect else 'something'}, {description}",
        expected="acceptable requests are accepted",
        received=(judgement_now or judgement).received,
        level=Level.MUST,
        certainty=Certainty.CONFIRMED,
        case=control,
        calls=tuple(sorted({control.call, *((suspect.call,) if suspect else ())})),
        preceding=(suspect,) if suspect else (),
        exchange=case_runner.redacted_exchange(suspect or control, reply),
    )


def _suspects(history: Sequence[SentCase], max_suspects: int) -> list[Case]:
    """The first failure after all was well, and the requests before it, newest first.

    `around` is how many may be guilty: twice as many as were in flight.
    """
    accepted = [number for number, sent in enumerate(history) if sent.was_accepted]
    last_accepted = accepted[-1] if accepted else 0
    first_failed = next(
        (number for number, past in enumerate(history) if past.failed and number > last_accepted), len(history) - 1
    )
    recent = [*history[max(0, first_failed - max_suspects) : first_failed + 1]][::-1]
    return [past.case for past in recent if past.was_accepted is None]


async def recovers(case_runner: CaseRunner, control: Case) -> bool:
    """Whether a target comes back to itself: after a few more failures, or within a few seconds."""
    deadline_s = time.monotonic() + _MAX_RECOVERY_S
    for pause_s in _PAUSES_S:
        await asyncio.sleep(pause_s)
        for _ in range(_FAILURES_PER_PAUSE):
            _, judgement = await case_runner.run(control)
            if judgement is None or judgement.failure_kind not in DOWN_FAILURES:
                return True
            if judgement.failure_kind is FailureKind.UNANSWERED:
                break
        if time.monotonic() > deadline_s:
            break
    return False
