"""Fuzzing: many generated requests, whose responses are judged against the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.checks.trial import Trial
    from conformance.fuzz.finding import Finding
    from conformance.run.engine import CheckResult
    from conformance.run.plan import Plan
    from conformance.run.sender import Sender


async def fuzz_plan(  # noqa: PLR0913 - the first four are those of any FuzzRunner
    plan: Plan,
    trials: Sequence[Trial],
    sender: Sender,
    on_result: Callable[[Trial, CheckResult], None],
    *,
    on_damage: Callable[[str], None] = lambda _: None,
    findings: list[Finding] | None = None,
) -> int:
    """Judges the trials of the area fuzz by generated requests; returns how many were sent.

    If stored requests are damaged, `on_damage` is called with what is wrong with them, and they are made again. What
    is found is added to `findings`.

    The generators are imported here, so that a run without fuzzing never imports them.
    """
    from conformance.fuzz.check_results import FuzzOptions, fuzz_trials

    options = FuzzOptions(
        count=plan.fuzz_requests, seed=plan.fuzz_seed, max_time_s=plan.fuzz_max_s, on_damage=on_damage
    )
    return await fuzz_trials(trials, options, sender, on_result, findings)
