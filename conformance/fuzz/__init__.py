"""Fuzzing: many generated requests, whose responses are judged against the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.checks.trial import Trial
    from conformance.fuzz.corpus import Corpus
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
    corpus: Corpus | None = None,
    findings: list[Finding] | None = None,
) -> int:
    """Judges the trials of the area fuzz by generated requests; returns how many were sent.

    They are those of `corpus`, or of the plan's contract and seed, and generated now if none are stored. What is found
    is added to `findings`.

    What fuzzes is imported here, so that a run without fuzzing never imports it.
    """
    from conformance.fuzz.check_results import FuzzOptions, fuzz_trials

    options = FuzzOptions(count=plan.fuzz_requests, seed=plan.fuzz_seed, max_time_s=plan.fuzz_max_s, corpus=corpus)
    return await fuzz_trials(trials, options, sender, on_result, findings)
