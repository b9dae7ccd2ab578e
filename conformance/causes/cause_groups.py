"""Cause groups: problems and findings that most likely have one cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.causes.evidence import MAX_ASKED_PER_KEY, key_of
from conformance.checks.check import SMALLEST_REQUEST_CHECKS
from conformance.core.model import Area, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.causes.evidence import Problem, ProblemKey
    from conformance.causes.step_difference import StepDifference
    from conformance.fuzz.finding import Finding


@dataclass(slots=True, kw_only=True)
class CauseGroup:
    """The problems of one cause, with the differences from the reference server that show it."""

    differences: list[StepDifference] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def deciding(self) -> list[StepDifference]:
        """The differences that fail a check, or all if none does."""
        return [item for item in self.differences if item.decides_verdict] or self.differences


def is_about_target(problem: Problem) -> bool:
    """Whether the target gave rise to a problem: a fault of the suite has no exchange that shows it."""
    return problem.verdict.outcome is not Outcome.ERROR or problem.result.exchange is not None


def is_generated(problem: Problem) -> bool:
    """Whether a problem is about generated requests."""
    return problem.trial.check.area is Area.FUZZ


def choose_samples(problems: Iterable[Problem]) -> list[Problem]:
    """A few problems of each kind, on as few operations as possible."""
    listed = list(problems)
    frequency = Counter(str(item.trial.asked_operation) for item in listed)
    by_key: dict[ProblemKey, list[Problem]] = defaultdict(list)
    for item in sorted(listed, key=lambda item: (-frequency[str(item.trial.asked_operation)], _position(item))):
        by_key[key_of(item)].append(item)
    chosen = {id(item) for items in by_key.values() for item in items[:MAX_ASKED_PER_KEY]}
    return [item for item in listed if id(item) in chosen]


def _position(problem: Problem) -> int:
    """Where the profile has its operation."""
    operation = problem.trial.asked_operation
    return problem.trial.contract.operations.index(operation) if operation else 0


def assign_problems(
    difference_groups: Sequence[Sequence[StepDifference]], problems: Sequence[Problem]
) -> list[CauseGroup]:
    """The groups with all problems: those that differ, those that are like them, those that follow, and the rest.

    Of untestable checks it is the path that follows, where nothing is accepted on it.
    """
    groups = [CauseGroup(differences=[*items]) for items in difference_groups]
    group_by_trial = _group_by_trial(groups)
    group_by_key: dict[ProblemKey, CauseGroup] = {}
    waiting: list[Problem] = []
    for item in problems:
        if group := group_by_trial.get(item.trial.name):
            group.problems.append(item)
            group_by_key.setdefault(key_of(item), group)
        else:
            waiting.append(item)
    rest: dict[ProblemKey, CauseGroup] = {}
    opening = _opening_groups(groups)
    for item in waiting:
        opened = opening.get(str(item.trial.asked_operation))
        owner = (item.verdict.path_state and opened) or group_by_key.get(key_of(item)) or opened
        if item.verdict.outcome is not Outcome.FAIL and owner is None:
            owner = _only_group_of(groups, item)
        (owner or rest.setdefault(_rest_key(item), CauseGroup())).problems.append(item)
    return [item for item in (*groups, *rest.values()) if item.problems]


def _group_by_trial(groups: Iterable[CauseGroup]) -> dict[str, CauseGroup]:
    """The group in which the check of a trial fails, or else the last in which it differs."""
    found: dict[str, CauseGroup] = {}
    for group in groups:
        found |= {item.trial.name: group for item in group.differences}
    for group in groups:
        found |= {item.trial.name: group for item in group.differences if item.decides_verdict}
    return found


def _opening_groups(groups: Iterable[CauseGroup]) -> Mapping[str, CauseGroup]:
    """The group in which the smallest request of an operation fails, by the operation."""
    return {
        str(item.trial.asked_operation): group
        for group in groups
        for item in group.problems
        if item.verdict.id in SMALLEST_REQUEST_CHECKS.values()
    }


def _only_group_of(groups: Sequence[CauseGroup], problem: Problem) -> CauseGroup | None:
    """The one group with failures on the operation of a problem, or of all; None if there are several."""
    operation = problem.trial.asked_operation
    here = [group for group in groups if any(item.trial.asked_operation == operation for item in group.problems)]
    candidates = here or groups
    return candidates[0] if len(candidates) == 1 else None


def _rest_key(problem: Problem) -> ProblemKey:
    """The key of a problem without a group: untestable ones of a path are one, failures of a check are."""
    verdict = problem.verdict
    if verdict.outcome is Outcome.UNTESTABLE:
        return verdict.path_state, verdict.received_status
    return key_of(problem)
