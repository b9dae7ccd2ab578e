"""Differences of a target from the reference server, for the checks that are a problem."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.causes.normalized_answers import STATUS, VERDICT, WORDING, AnswerChange, change_order, compare_answers
from conformance.causes.step_difference import FAIL_OR_ERROR, StepDifference
from conformance.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.causes.evidence import Problem
    from conformance.causes.normalized_answers import NormalizedAnswer
    from conformance.core.model import Exchange
    from conformance.run.engine import CheckResult

_ASSUMED = AnswerChange(VERDICT, Outcome.PASS.value, Outcome.FAIL.value)


def differences_of(
    problem: Problem, reference: CheckResult | None, normalize: Callable[[Exchange], NormalizedAnswer]
) -> Iterator[StepDifference]:
    """The differences of one check up to the step that fails it, which is marked, first the reference's answer.

    Without a result of the reference server, or if it fails there, too, its verdict is the only difference.
    """
    result = problem.result
    if reference is None or reference.outcome in FAIL_OR_ERROR:
        reference = replace(result, outcome=Outcome.PASS, exchanges=(), exchange=None)
    by_step = dict(_changes_by_step(reference, result, normalize))
    deciding = _deciding_step(result, by_step)
    if deciding is None:
        deciding = max(result.exchange_index or 0, 0)
        by_step[deciding] = [_ASSUMED]
    for step, changes in sorted(by_step.items()):
        for number, change in enumerate(sorted(changes, key=change_order)):
            decides = step == deciding and number == 0
            if decides or (step <= deciding and change.facet == STATUS):
                yield StepDifference(
                    trial=problem.trial, step=step, change=change, results=(reference, result),
                    exchanges=(_exchange_at(reference, step), _exchange_at(result, step)),
                    decides_verdict=decides and result.outcome in FAIL_OR_ERROR,
                )  # fmt: skip


def _changes_by_step(
    reference: CheckResult, result: CheckResult, normalize: Callable[[Exchange], NormalizedAnswer]
) -> dict[int, list[AnswerChange]]:
    """The changes of each step in which both got the same request. Wording counts only if nothing else differs."""
    by_step: dict[int, list[AnswerChange]] = defaultdict(list)
    for step, (one, other) in enumerate(zip(reference.exchanges, result.exchanges, strict=False)):
        first, second = one.request, other.request
        if (first.method, first.path, len(first.body)) != (second.method, second.path, len(second.body)):
            break
        changes = [*compare_answers(normalize(one), normalize(other))]
        if telling := [item for item in changes if item.facet != WORDING] or changes:
            by_step[step] = telling
    return by_step


def _deciding_step(result: CheckResult, by_step: dict[int, list[AnswerChange]]) -> int | None:
    """The step that a verdict is about, or the first that differs; None if no step differs."""
    return result.exchange_index if result.exchange_index in by_step else min(by_step, default=None)


def _exchange_at(result: CheckResult, step: int) -> Exchange | None:
    return result.exchanges[step] if 0 <= step < len(result.exchanges) else None
