"""Evidence: what a run tells whoever looks for causes, and asks once more to tell what fails only now and then."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from conformance.core.errors import Stopped
from conformance.run import engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Verdict
    from conformance.requests import PreflightResult
    from conformance.run.engine import CheckResult
    from conformance.run.sender import Sender

_MAX_TRIALS, _MAX_TIME_S = 40, 5.0
_SECOND = 1_000_000
"""The repetition of what is asked again: its message ids are its own."""


class EvidenceStore(Protocol):
    """Keeps what a run sees, for whoever looks for the causes of failures afterwards."""

    def start(self, preflight_result: PreflightResult) -> None:
        """Takes the result of the preflight, before the first check."""

    def add(self, trial: Trial, result: CheckResult, verdict: Verdict) -> None:
        """Takes the result of a check and its verdict."""

    def trials_to_ask_again(self) -> Sequence[Trial]:
        """The failed trials of which it wants to know whether they fail again."""

    def add_again(self, trial: Trial, result: CheckResult) -> None:
        """Takes the result of a trial that was asked once more."""


async def ask_again(evidence: EvidenceStore | None, sender: Sender) -> None:
    """Runs up to 40 failed trials one after the other, for at most 5 s. Changes no verdict.

    A circuit breaker that opens ends it, too: all that was to be judged has been.
    """
    if evidence is None:
        return
    with suppress(Stopped, TimeoutError):
        async with asyncio.timeout(_MAX_TIME_S):
            for trial in evidence.trials_to_ask_again()[:_MAX_TRIALS]:
                again = replace(trial, is_alone=True, repetition=_SECOND + trial.repetition)
                evidence.add_again(trial, await engine.run_one(again, sender))
