"""Differences of a target from the reference server, for the checks that are a problem."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
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

_MAX_SHORT_BYTES = 32
_TELLING_HEADERS = frozenset({"authorization", "content-type", "content-encoding", "transfer-encoding"})
_ASSUMED = AnswerChange(VERDICT, Outcome.PASS.value, Outcome.FAIL.value)


@dataclass(slots=True, kw_only=True)
class ComparedProblem:
    """The steps of a check up to the one that fails it: those that differ, and those that are as they should be.

    `right` are the exchanges of the reference server, by the step of the target.
    """

    problem: Problem
    reference: CheckResult
    right: dict[int, Exchange] = field(default_factory=dict)
    changes: dict[int, list[AnswerChange]] = field(default_factory=dict)
    alike: list[Exchange] = field(default_factory=list)

    @classmethod
    def of(
        cls, problem: Problem, reference: CheckResult | None, normalize: Callable[[Exchange], NormalizedAnswer]
    ) -> ComparedProblem:
        """Compares the answers to the same requests.

        Without a result of the reference server, or if it fails there, too, no answer is known to be right. Wording
        counts only if nothing else differs.
        """
        result = problem.result
        if reference is None or reference.outcome in FAIL_OR_ERROR:
            reference = replace(result, outcome=Outcome.PASS, exchanges=(), exchange=None)
        compared = cls(problem=problem, reference=reference)
        for step, right in _pairs(reference, result):
            wrong = result.exchanges[step]
            compared.right[step] = right
            changes = [*compare_answers(normalize(right), normalize(wrong))]
            if telling := [item for item in changes if item.facet != WORDING] or changes:
                compared.changes[step] = telling
            else:
                compared.alike.append(wrong)
        return compared

    def differences(self) -> Iterator[StepDifference]:
        """The differences up to the step that fails the check, which is marked."""
        result, by_step = self.problem.result, dict(self.changes)
        failing = result.exchange_index
        deciding = failing if failing in by_step else min(by_step, default=None)
        if deciding is None:
            deciding = max(failing or 0, 0)
            by_step[deciding] = [_ASSUMED]
        for step, changes in sorted(by_step.items()):
            for number, change in enumerate(sorted(changes, key=change_order)):
                decides = step == deciding and number == 0
                if decides or (step <= deciding and change.facet == STATUS):
                    wrong = result.exchanges[step] if step < len(result.exchanges) else None
                    yield StepDifference(
                        trial=self.problem.trial, step=step, change=change, results=(self.reference, result),
                        exchanges=(self.right.get(step), wrong),
                        decides_verdict=decides and result.outcome in FAIL_OR_ERROR,
                    )  # fmt: skip


def _pairs(reference: CheckResult, result: CheckResult) -> Iterator[tuple[int, Exchange]]:
    """The steps of the target with the exchange of the reference server for the same request.

    One of them may have sent more: what another check had sent before was not sent again.
    """
    right, wrong = ([_request_key(item) for item in each.exchanges] for each in (reference, result))
    if right[: len(wrong)] == wrong:
        yield from enumerate(reference.exchanges[: len(wrong)])
        return
    for start, first, size in difflib.SequenceMatcher(None, right, wrong, autojunk=False).get_matching_blocks():
        for offset in range(size):
            yield first + offset, reference.exchanges[start + offset]


def _request_key(exchange: Exchange) -> tuple[object, ...]:
    """What is the same of one request in two runs: of a body its length, and all of one that is too short for ids."""
    request, body = exchange.request, exchange.request.body
    headers = tuple(value for name, value in request.headers if name.lower() in _TELLING_HEADERS)
    return request.method, request.path, headers, len(body), body if len(body) <= _MAX_SHORT_BYTES else b""
