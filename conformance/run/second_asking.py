"""Second asking: failed checks are asked once more, alone, to tell what always fails from what fails now and then."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.errors import Stopped
from conformance.run import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.checks.trial import Trial
    from conformance.run.engine import CheckResult
    from conformance.run.sender import Sender

_MAX_TRIALS, _MAX_TIME_S = 40, 5.0
_SECOND = 1_000_000
"""The repetition of what is asked again: its message ids are its own."""


async def ask_again(trials: Iterable[Trial], sender: Sender, on_result: Callable[[Trial, CheckResult], None]) -> None:
    """Runs up to 40 trials one after the other, and starts none after 5 s. Changes no verdict.

    A circuit breaker that opens ends it: all that was to be judged has been.
    """
    start_s = time.monotonic()
    for number, trial in enumerate(trials):
        if number >= _MAX_TRIALS or time.monotonic() - start_s > _MAX_TIME_S:
            return
        again = replace(trial, is_alone=True, repetition=_SECOND + trial.repetition)
        try:
            on_result(trial, await engine.run_one(again, sender))
        except Stopped:
            return
