"""Comparing two servers.

Runs every check against both, compares the answers step by step, repeats what differs in the other order, and groups
differences that have one likely cause. Each is named by the promise that it breaks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.causes.cause_analysis import CauseAnalysis
from conformance.causes.grouping import ACCEPTED_FACT, group_differences
from conformance.causes.request_traits import RequestTraits
from conformance.diff.check_comparison import CheckComparison
from conformance.diff.difference import Difference, build_difference
from conformance.diff.document import DIFFERENT, SAME, UNCOMPARED, DiffReport
from conformance.diff.fuzz_comparison import FuzzComparison
from conformance.diff.fuzz_only import merge_fuzz_only
from conformance.diff.sides import Side, equalize_baselines, place_trials
from conformance.requests import Baseline, Call
from conformance.wire import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.causes.normalized_answers import AnswerChange
    from conformance.causes.step_difference import StepDifference
    from conformance.contract import Operation
    from conformance.core.model import Request
    from conformance.fuzz.case import Case
    from conformance.fuzz.features import Feature
    from conformance.run.plan import Plan

__all__ = ["DIFFERENT", "SAME", "UNCOMPARED", "DiffOptions", "DiffReport", "build_redactor", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    """Options of a comparison.

    `cases` are generated requests, sent for at most `max_time_s`. If `strict`, other wording is a difference, too.
    """

    cases: Iterable[Case] = ()
    max_time_s: float | None = None
    strict: bool = False


def build_redactor(first: Plan, second: Plan) -> Redactor:
    """A redactor for the secrets of both sides."""
    return Redactor({**second.placeholders_by_secret(), **first.placeholders_by_secret()})


async def compare(
    first: Plan, second: Plan, options: DiffOptions, on_result: Callable[[], None] = lambda: None
) -> DiffReport:
    """Sends the same requests to two servers and compares the answers.

    Raises InconclusiveError, naming the side, if a server accepts nothing.
    """
    report = DiffReport(
        contract=first.contract,
        urls=(first.target.url, second.target.url),
        is_strict=options.strict,
        has_two_keys=first.keys != second.keys,
    )
    async with first.build_wire() as one, second.build_wire() as other:
        sides = Side("A", first, one), Side("B", second, other)
        for side in sides:
            await side.run_preflight()
        await equalize_baselines(*sides)
        place_trials(*sides)
        report.dead = {side.name: sorted(map(str, side.preflight.dead)) for side in sides}
        comparison = CheckComparison(*sides, strict=options.strict)
        check_result = await comparison.run(on_result)
        causes = CauseAnalysis(
            check_result, RequestTraits(first.contract), comparison.normalize, _ordinary_requests(sides[0])
        )
        groups = group_differences(check_result.differences, causes)
        differences = [build_difference(group, causes, first.contract) for group in groups]
        report.check_count, report.answer_count = check_result.check_count, check_result.answer_count
        report.unstable, report.reworded_count = check_result.unstable, check_result.reworded_count
        report.stopped = check_result.stopped
        known = KnownDifferences(groups, differences, causes)
        report.differences = (
            differences if report.stopped else await _compare_generated(sides, comparison, known, options, report)
        )
    return report


class KnownDifferences:
    """The differences that checks have shown; finds the one that explains a difference of a generated request."""

    def __init__(
        self, groups: Sequence[Sequence[StepDifference]], differences: Sequence[Difference], causes: CauseAnalysis
    ) -> None:
        self.differences = [*differences]
        self._change_kinds = [{difference.change.kind for difference in group} for group in groups]
        self._causes = causes
        self._conjunctions = [causes.conjunction.common_states(group) for group in groups]
        self._special_pointers = [
            causes.special_pointers(unit for unit in group if unit.decides_verdict) for group in groups
        ]
        self._ordinary_kinds = [{unit.change.kind for unit in group if causes.is_ordinary(unit)} for group in groups]
        self._facts = [
            {unit.trial.check.fact for unit in group if unit.decides_verdict} - {ACCEPTED_FACT} for group in groups
        ]
        self._candidate_traits: list[set[Feature]] = [
            {trait for unit in group for trait in causes.candidate_traits(unit)} for group in groups
        ]

    def find_explanation(
        self, case: Case, change: AnswerChange, special_traits: frozenset[Feature], *, is_shrunk: bool = False
    ) -> int | None:
        """The number of the difference that most likely has the same cause; None if there is none.

        For a shrunk case it is enough to be special in the same places.
        """
        special_pointers = {trait.place for trait in special_traits} if is_shrunk else set()
        for number, changes in enumerate(self._change_kinds):
            is_same = change.kind in changes and bool(
                change.kind in self._ordinary_kinds[number]
                or self._candidate_traits[number] & special_traits
                or self._matches_conjunction(number, case)
                or self._special_pointers[number] & special_pointers
            )
            if is_same or self._facts[number] & {*case.expected_facts}:
                return number
        return None

    def _matches_conjunction(self, number: int, case: Case) -> bool:
        """Whether an event of a case has the combination of fields that causes a difference."""
        wanted = self._conjunctions[number]
        return wanted is not None and self._causes.conjunction.matches(case, wanted)


async def _compare_generated(
    sides: tuple[Side, Side],
    comparison: CheckComparison,
    known: KnownDifferences,
    options: DiffOptions,
    report: DiffReport,
) -> list[Difference]:
    """The differences of the checks, and those that only generated requests show."""
    cases = tuple(options.cases)
    if not cases:
        return known.differences
    fuzz_comparison = FuzzComparison(*sides, comparison.volatile, comparison.rate_headers)
    fuzz_result = await fuzz_comparison.run(cases, options.max_time_s, known.find_explanation)
    report.generated_count, report.unstable_generated_count = (
        fuzz_result.compared_count,
        fuzz_result.unstable_count + fuzz_result.unexamined_count,
    )
    differences = [
        replace(item, generated_count=fuzz_result.explained_counts[number])
        for number, item in enumerate(known.differences)
    ]
    return merge_fuzz_only(differences, fuzz_result.differences, report.contract)


def _ordinary_requests(side: Side) -> dict[Operation, Request]:
    """The ordinary request of each operation, as it is sent, with secrets redacted."""
    plan, requests = side.plan, {}
    for operation in plan.contract.operations:
        baseline = side.preflight.baselines.get(operation, Baseline())
        call = Call(contract=plan.contract, operation=operation, keys=plan.keys, baseline=baseline, run_id=plan.run_id)
        request = call.acceptable_request().build_request()
        full_request = replace(request, headers=(*plan.target.headers, *request.headers))
        requests[operation] = side.wire.redactor.redact_request(full_request)
    return requests
