"""A target that is down: it no longer accepts valid requests, and one of the last requests is the cause."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from conformance.core.model import Level
from conformance.fuzz.finding import Certainty, Finding, Scope
from conformance.fuzz.judge import FailureKind, Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.fuzz.case import Case
    from conformance.fuzz.case_runner import CaseRunner

DOWN_FAILURES = frozenset({FailureKind.SERVER_ERROR, FailureKind.UNANSWERED, FailureKind.WRONGLY_REJECTED})
"""Failures of a control request that mean the target is down."""
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)
_MAX_RECOVERY_S = 12.0
_FAILURES_PER_PAUSE = 30
"""After so many failures in a row, the next pause begins."""


class SentCase(NamedTuple):
    """A case that was sent. `was_accepted` is None for a request that need not be accepted.

    `was_success` holds for whatever was accepted and may be.
    """

    case: Case
    was_accepted: bool | None
    failed: bool
    was_success: bool = False


async def report_target_down(
    case_runner: CaseRunner, history: Sequence[SentCase], control: Case, judgement: Judgement
) -> Finding:
    """The finding for a target that stays down, with the request that most likely caused it."""
    suspects = _suspects(history, 2 * case_runner.wire.connections)
    reply, judgement_now = await case_runner.run(control)
    suspect = suspects[0] if suspects else None
    description = "the target no longer accepts valid requests"
    if suspects:
        description += f"; one of the {len(suspects)} requests before that is the cause, most likely the one shown"
    return Finding(
        failure_kind=FailureKind.BREAKS_LATER_REQUESTS,
        dedup_key=Scope.TARGET.value,
        scope=Scope.TARGET,
        reason=suspect.about if suspect else "something",
        message=f"after {suspect.about if suspect else 'something'}, {description}",
        expected="valid requests are accepted",
        received=(judgement_now or judgement).received,
        level=Level.MUST,
        certainty=Certainty.CONFIRMED,
        case=control,
        calls=tuple(sorted({control.call, *((suspect.call,) if suspect else ())})),
        preceding=(suspect,) if suspect else (),
        exchange=case_runner.redacted_exchange(suspect or control, reply),
    )


def _suspects(history: Sequence[SentCase], max_suspects: int) -> list[Case]:
    """The first failure after the last accepted request, and up to `max_suspects` cases before it, newest first."""
    accepted = [number for number, sent in enumerate(history) if sent.was_accepted]
    last_accepted = accepted[-1] if accepted else 0
    first_failed = next(
        (number for number, past in enumerate(history) if past.failed and number > last_accepted), len(history) - 1
    )
    recent = [*history[max(0, first_failed - max_suspects) : first_failed + 1]][::-1]
    return [past.case for past in recent if past.was_accepted is None]


async def recovers(case_runner: CaseRunner, control: Case) -> bool:
    """Whether the target recovers, after a few more failures or a few seconds."""
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
