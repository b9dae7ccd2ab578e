"""Candidates, which are failures that are not confirmed yet, and the defects that triage makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.fuzz.features import ANYWHERE, FREE_FORM, REQUEST, Feature, describe_feature, describe_features
from conformance.fuzz.finding import Certainty, Finding, Scope
from conformance.fuzz.judge import FailureKind, Judgement
from conformance.profile.facts import LimitKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from conformance.fuzz.case import Case
    from conformance.fuzz.features import Category

SPLIT_BY_FEATURE = frozenset(
    {FailureKind.SERVER_ERROR, FailureKind.UNANSWERED, FailureKind.WRONGLY_REJECTED, FailureKind.BREAKS_LATER_REQUESTS}
)
"""Failures with many possible causes, which are told apart by the features of the requests."""
_LIMIT_REASONS: dict[tuple[str, ...], str] = {
    (f"limits.{LimitKind.EVENT}",): "an event over its limit",
    (f"limits.{LimitKind.BATCH}",): "a batch over its limit",
    (f"limits.{LimitKind.BATCH_EVENT}",): "an event over its limit in a batch",
}
"""The reason of a finding that breaks a limit and nothing else."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A failed case and its judgement.

    `previous_on_connection` is the case sent just before on that connection, `recent` the last cases answered on
    any connection, newest first, `position` the index in the stream.
    """

    case: Case
    judgement: Judgement
    previous_on_connection: Case | None = None
    position: int = 0
    recent: tuple[Case, ...] = ()


@dataclass(slots=True)
class Defect:
    """A confirmed finding, and the feature of its request that causes it, if one is known."""

    finding: Finding
    feature: Feature | None

    def add_occurrence(self, call: str) -> None:
        """Counts one more failure of the same defect."""
        self.finding = with_another_occurrence(self.finding, call)

    def breaks_requests_after(self, categories: Collection[Category]) -> bool:
        """Whether it makes requests fail, on any connection, that follow a request with such categories."""
        is_of_target = self.finding.scope is Scope.TARGET
        return is_of_target and (self.feature is None or self.feature.category in categories)

    def explains(self, candidate: Candidate, features: frozenset[Feature]) -> bool:
        """Whether another failure most likely has the same cause."""
        judgement, finding = candidate.judgement, self.finding
        if judgement.failure_kind is not finding.failure_kind:
            return False
        if judgement.failure_kind in SPLIT_BY_FEATURE:
            return self.feature is None or self.feature in features
        breaks_same_facts = (
            judgement.failure_kind is FailureKind.WRONGLY_ACCEPTED
            and candidate.case.auth is finding.case.auth
            and {*finding.facts} <= {*judgement.facts}
        )
        return breaks_same_facts or judgement.dedup_key == finding.dedup_key


def new_finding(judgement: Judgement, case: Case, feature: Feature | None) -> Finding:
    """The finding of a failure, caused by a feature of its case."""
    return Finding(
        failure_kind=judgement.failure_kind,
        dedup_key=judgement.dedup_key,
        facts=judgement.facts,
        reason=_LIMIT_REASONS.get(judgement.facts, describe_feature(feature)),
        message=judgement.message,
        expected=judgement.expected,
        received=judgement.received,
        level=judgement.level,
        certainty=Certainty.CONFIRMED,
        case=case,
        calls=(case.call,),
    )


def with_another_occurrence(finding: Finding, call: str) -> Finding:
    """A finding that was seen once more, in a call."""
    return replace(finding, calls=tuple(sorted({*finding.calls, call})), count=finding.count + 1)


def merge_defects(defects: Iterable[Defect], timestamp_pointers: Collection[str]) -> list[Finding]:
    """One finding for all defects in one place; all timestamps of an event are one place."""
    groups: dict[tuple[object, ...], list[Defect]] = {}
    for defect in defects:
        finding, feature = defect.finding, defect.feature
        key: tuple[object, ...] = (feature, finding.dedup_key)
        if (
            finding.failure_kind in SPLIT_BY_FEATURE
            and feature is not None
            and feature.place not in {"", ANYWHERE, REQUEST, FREE_FORM}
        ):
            key = (None,) if feature.place in timestamp_pointers else (feature.place,)
        groups.setdefault((finding.failure_kind, *key), []).append(defect)
    return [_merge_group(group) for group in groups.values()]


def _merge_group(group: list[Defect]) -> Finding:
    """Several defects as one finding: the first, since that is the smallest."""
    first = group[0].finding
    if len(group) == 1:
        return first
    features = [defect.feature for defect in group if defect.feature]
    return replace(
        first,
        reason=describe_features(features) if features else first.reason,
        calls=tuple(sorted({call for defect in group for call in defect.finding.calls})),
        count=sum(defect.finding.count for defect in group),
    )
