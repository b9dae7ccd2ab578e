"""Unsteady answers: failures that do not happen again when their checks are asked once more, alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.causes.attribution import failing_side_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.step_difference import StepDifference

_MIN_ASKED = 5
"""So many trials must have been asked once more to say of a target that it is unsteady in all."""


def split_unsteady(
    differences: Sequence[StepDifference], again: Mapping[str, bool]
) -> tuple[list[StepDifference], list[StepDifference]]:
    """The differences of checks that fail whenever they are asked, and those of checks that fail now and then.

    `again` says of trials, by their names, whether they were no problem the second time. A trial that was not asked
    once more is like those that had the same answer, or like all if most of them were no problem.
    """
    is_mostly_unsteady = sum(again.values()) * 2 > len(again) >= _MIN_ASKED
    outcomes: dict[object, set[bool]] = defaultdict(set)
    for item in differences:
        if item.trial.name in again and item.change.statuses:
            outcomes[failing_side_value(item)].add(again[item.trial.name])
    steady: list[StepDifference] = []
    unsteady: list[StepDifference] = []
    for item in differences:
        like_others = is_mostly_unsteady or outcomes.get(failing_side_value(item)) == {True}
        (unsteady if again.get(item.trial.name, like_others) else steady).append(item)
    return steady, unsteady


def join_unsteady(
    groups: Sequence[list[StepDifference]], unsteady: Iterable[StepDifference], causes: CauseAnalysis
) -> list[list[StepDifference]]:
    """The groups with the unsteady differences.

    The request of such a check is not why it fails. It belongs to the one group in which a request without anything
    special gets the same answer, as it does after another request that disturbs the target. The rest is one group:
    it fails now and then.
    """
    joined = [list(group) for group in groups]
    rest: list[StepDifference] = []
    for item in _by_trial(unsteady):
        deciding = [unit for unit in item if unit.decides_verdict] or item
        answers = {failing_side_value(unit) for unit in deciding if unit.change.statuses}
        owners = [group for group in joined if answers & _answers_to_plain_requests(group, causes)]
        (owners[0] if len(owners) == 1 else rest).extend(item)
    return [*joined, rest] if rest else joined


def _by_trial(differences: Iterable[StepDifference]) -> Iterable[list[StepDifference]]:
    found: dict[str, list[StepDifference]] = defaultdict(list)
    for item in differences:
        found[item.trial.name].append(item)
    return found.values()


def _answers_to_plain_requests(group: Iterable[StepDifference], causes: CauseAnalysis) -> set[object]:
    """What the failing side answers to requests in which nothing is special."""
    return {
        failing_side_value(unit)
        for unit in group
        if unit.decides_verdict and unit.change.statuses and unit.request and not causes.special_traits(unit)
    }
