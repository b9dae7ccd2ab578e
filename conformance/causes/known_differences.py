"""Known differences: which group of differences explains one of a generated request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.causes.grouping import ACCEPTED_FACT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.normalized_answers import AnswerChange
    from conformance.causes.step_difference import StepDifference
    from conformance.fuzz.case import Case
    from conformance.fuzz.features import Feature


class KnownDifferences:
    """The differences that checks have shown; finds the one that explains a difference of a generated request."""

    def __init__(self, groups: Sequence[Sequence[StepDifference]], causes: CauseAnalysis) -> None:
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
