"""Findings of generated requests: joined to the causes that checks show, or causes of their own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.causes.cause_groups import CauseGroup, is_generated
from conformance.causes.known_differences import KnownDifferences
from conformance.causes.normalized_answers import compare_answers
from conformance.fuzz.check_results import failure_kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.evidence import Problem
    from conformance.causes.normalized_answers import AnswerChange, NormalizedAnswer
    from conformance.causes.request_traits import RequestTraits
    from conformance.core.model import Exchange
    from conformance.fuzz.features import Feature
    from conformance.fuzz.finding import Finding
    from conformance.fuzz.seed_events import SeedEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingJoiner:
    """Joins findings to groups. `right` are the answers of the reference server, by the id of the finding.

    `seed_events` are those of each operation, by its name.
    """

    traits: RequestTraits
    normalize: Callable[[Exchange], NormalizedAnswer]
    right: Mapping[str, Exchange]
    seed_events: Mapping[str, SeedEvents]

    def join(
        self,
        groups: Sequence[CauseGroup],
        findings: Sequence[Finding],
        problems: Sequence[Problem],
        analysis: CauseAnalysis,
    ) -> list[CauseGroup]:
        """The groups with the findings that they explain, and a group for each kind of the others."""
        known = KnownDifferences([item.differences for item in groups], analysis)
        others: dict[tuple[str, str], CauseGroup] = defaultdict(CauseGroup)
        for finding in findings:
            change = self._change_of(finding)
            number = self._explanation(finding, change, known) if change else None
            if number is None and change:
                number = _only_group_with(change, groups)
            kind = str(change.kind.facet) if change else finding.failure_kind.value
            group = others[kind, finding.reason] if number is None else groups[number]
            group.findings.append(finding)
            named = {item.trial.name for item in group.problems}
            group.problems += [item for item in _problems_of(finding, problems) if item.trial.name not in named]
        return [*groups, *(group for group in others.values() if group.problems)]

    def _change_of(self, finding: Finding) -> AnswerChange | None:
        """How the answer differs from the reference server's; None if it does not, or nobody knows."""
        right = self.right.get(finding.id)
        if right is None or finding.exchange is None:
            return None
        return next(compare_answers(self.normalize(right), self.normalize(finding.exchange)), None)

    def _explanation(self, finding: Finding, change: AnswerChange, known: KnownDifferences) -> int | None:
        case = finding.case._replace(expected_facts=finding.facts)
        return known.find_explanation(case, change, self._special_features(finding), is_shrunk=True)

    def _special_features(self, finding: Finding) -> frozenset[Feature]:
        """The traits that the request of a finding has and its control has not."""
        seed_events = self.seed_events[finding.case.call]
        ordinary = self.traits.of_case(seed_events.operation, seed_events.control_case())
        return frozenset(self.traits.of_case(seed_events.operation, finding.case)) - frozenset(ordinary)


def _only_group_with(change: AnswerChange, groups: Sequence[CauseGroup]) -> int | None:
    """The number of the one group whose checks fail by the same change; None if there is none, or several."""
    matching = [
        number
        for number, group in enumerate(groups)
        if any(item.change.kind == change.kind for item in group.differences if item.decides_verdict)
    ]
    return matching[0] if len(matching) == 1 else None


def _problems_of(finding: Finding, problems: Sequence[Problem]) -> list[Problem]:
    """The problems that a finding is part of."""
    return [
        item
        for item in problems
        if is_generated(item)
        and str(item.trial.operation) in finding.calls
        and failure_kind_of(item.trial) is finding.failure_kind
    ]
