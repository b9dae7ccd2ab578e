"""The order of the checks that look into a sink: most of their time is waiting, so they wait together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import Area
from conformance.run import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.checks.trial import Trial
    from conformance.run.engine import CheckResult
    from conformance.run.sender import Sender

JOBS = 256
"""So many of them wait at once; the wire bounds what they send."""
_OF_LEDGER = "delivery.run."


def stages(trials: Sequence[Trial]) -> tuple[list[Trial], ...]:
    """The trials in the order in which they run: all others, those that wait, and those that judge the whole run."""
    waiting = [trial for trial in trials if trial.check.area is Area.DELIVERY]
    return (
        [trial for trial in trials if trial.check.area is not Area.DELIVERY],
        [trial for trial in waiting if not trial.check.id.startswith(_OF_LEDGER)],
        [trial for trial in waiting if trial.check.id.startswith(_OF_LEDGER)],
    )


async def run_all(
    trials: Sequence[Trial], sender: Sender, jobs: int, on_result: Callable[[Trial, CheckResult], None]
) -> None:
    """Runs all trials, `jobs` at a time, and those that wait for a sink together. Raises Stopped."""
    first, *later = stages(trials)
    await engine.run_all(first, sender, jobs, on_result)
    for waiting in later:
        await engine.run_all(waiting, sender, JOBS, on_result)
