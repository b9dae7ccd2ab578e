"""Fuzzing: generated requests in great number, judged by the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.checks.trial import Trial
    from conformance.run.engine import CheckResult
    from conformance.run.plan import Plan
    from conformance.run.sender import Sender


async def fuzz_plan(
    plan: Plan, trials: Sequence[Trial], sender: Sender, on_result: Callable[[Trial, CheckResult], None]
) -> int:
    """Judges trials of the area fuzz by the generated requests of a plan; returns how many were sent.

    A run that does not fuzz never imports the generators.
    """
    from conformance.fuzz.check_results import FuzzOptions, fuzz_trials

    options = FuzzOptions(count=plan.fuzz_requests, seed=plan.fuzz_seed, max_time_s=plan.fuzz_max_s)
    return await fuzz_trials(trials, options, sender, on_result)
