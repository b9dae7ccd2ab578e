"""Changes from one report to the next: checks that are fixed, broken, new, vanished, or changed."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.core.model import DEVIATING_OUTCOMES, Outcome
from conformance.report.cause_changes import CauseComparison, compare_causes, join_comparisons
from conformance.report.document import FORMAT_VERSION, dump_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.core.model import JsonObject

_CONCLUSIVE_OUTCOMES = DEVIATING_OUTCOMES | {Outcome.PASS}
_INFORMATIONAL_OUTCOMES = frozenset({Outcome.OBSERVED, Outcome.NOT_APPLICABLE})
MISSING = "missing"
"""Stands for the outcome if a report lacks the check."""


class ChangeKind(enum.StrEnum):
    """How a check changed, the worst first."""

    BROKEN = "broken"
    VANISHED = "vanished"
    FIXED = "fixed"
    NEW = "new"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChange:
    """A change of one check on one operation. `was` and `now` are outcomes, or `missing`."""

    kind: ChangeKind
    profile: str
    id: str
    operation: str
    title: str
    level: str
    was: str
    now: str
    message: str

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "turn": self.kind.value, "profile": self.profile, "id": self.id, "operation": self.operation,
            "title": self.title, "level": self.level, "was": self.was, "now": self.now,
            "message": self.message,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChanges:
    """All changes between reports, the worst first. `remarks` name differences of the runs themselves.

    `causes` are what became of the causes, if all reports have been searched for them.
    """

    remarks: tuple[str, ...]
    changes: tuple[ReportChange, ...]
    unchanged_count: int
    causes: CauseComparison = field(default_factory=CauseComparison)

    def of_kind(self, kind: ChangeKind) -> list[ReportChange]:
        """The changes of one kind, by profile, id and operation."""
        return [item for item in self.changes if item.kind is kind]

    def grouped_by_check(self) -> list[list[ReportChange]]:
        """Changes that differ only in their operation, grouped; the worst first."""
        groups: dict[tuple[str, ...], list[ReportChange]] = {}
        for item in self.changes:
            key = (item.kind, item.profile, item.id, item.level, item.was, item.now)
            groups.setdefault(key, []).append(item)
        return list(groups.values())

    @property
    def summary(self) -> str:
        """The counts in one line."""
        counts = ", ".join(f"{len(self.of_kind(kind)):,} {kind}" for kind in ChangeKind)
        return f"{counts}, {self.unchanged_count:,} the same"

    @property
    def is_worse(self) -> bool:
        """Whether a promise was broken, or is no longer judged."""
        return any(item.kind in {ChangeKind.BROKEN, ChangeKind.VANISHED} for item in self.changes)

    def json_text(self) -> str:
        """The changes as a JSON text; its schema is specs/changes.schema.json."""
        document: JsonObject = {
            "format": FORMAT_VERSION,
            "worse": self.is_worse,
            "remarks": list(self.remarks),
            "counts": {kind.value: len(self.of_kind(kind)) for kind in ChangeKind},
            "same": self.unchanged_count,
            "causes": [item.as_json() for item in self.causes.changes],
            "same_causes": self.causes.unchanged_count,
            "changes": [item.as_json() for item in self.changes],
            "complete": True,
        }
        return dump_json(document)


def compare_reports(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> ReportChanges:
    """The changes between reports. Of several reports, those by the same profile are compared.

    Raises UsageError if several reports have the same profile.
    """
    pairs = [(old[0], new[0])] if len(old) == len(new) == 1 else _pair_by_profile(_by_profile(old), _by_profile(new))
    all_changes: list[ReportChange] = []
    unchanged_count = 0
    for before, after in pairs:
        changed, unchanged = _compare_checks(before, after)
        all_changes += changed
        unchanged_count += unchanged
    kinds = list(ChangeKind)
    all_changes.sort(key=lambda item: (kinds.index(item.kind), item.profile, item.id, item.operation))
    remarks = [remark for before, after in pairs for remark in _remarks(before, after)]
    return ReportChanges(
        remarks=tuple(dict.fromkeys(remarks)), changes=tuple(all_changes), unchanged_count=unchanged_count,
        causes=join_comparisons(compare_causes(before, after) for before, after in pairs),
    )  # fmt: skip


def _by_profile(documents: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Reports by their profile. Raises UsageError if two have the same."""
    by_profile: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        name = document["profile"]["name"]
        if name in by_profile:
            raise UsageError(f"several reports by the profile {name}: compare two at a time")
        by_profile[name] = document
    return by_profile


def _pair_by_profile(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Pairs of reports by profile. A missing one is replaced by the other without its checks."""

    def without_checks(document: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**document, "checks": [], "causes": []}

    names = sorted({*old, *new})
    return [(old.get(name) or without_checks(new[name]), new.get(name) or without_checks(old[name])) for name in names]


def _remarks(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Differences of profile, gate, suite and target, a sentence each."""
    comparisons = (
        ("profiles", "they hold the promises of different vendors", "profile", "name"),
        ("gates", "other levels count", "run", "gate"),
        ("versions of the suite", "checks may have been added, removed or changed", "suite", "version"),
        ("targets", "two servers are compared, or one at two addresses", "target", "url"),
    )
    return [
        f"Different {what}, {old[part][key]} and {new[part][key]}: {why}."
        for what, why, part, key in comparisons
        if old[part][key] != new[part][key]
    ]


def _compare_checks(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[ReportChange], int]:
    """The changes between two reports, and the number of unchanged checks."""
    before = {(item["id"], item["operation"]): item for item in old["checks"]}
    after = {(item["id"], item["operation"]): item for item in new["checks"]}
    changed, unchanged_count = [], 0
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        kind = _change_kind(was, now)
        if kind is None:
            unchanged_count += 1
        else:
            changed.append(_build_change(kind, was, now, new["profile"]["name"]))
    return changed, unchanged_count


def _build_change(
    kind: ChangeKind, was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, profile: str
) -> ReportChange:
    """A change. Title and message are those of the later report, if it has the check."""
    check: Mapping[str, Any] = now or was or {}
    levels = dict.fromkeys(item["level"] for item in (was, now) if item)
    return ReportChange(
        kind=kind, profile=profile, id=check["id"], operation=check["operation"], title=check["title"],
        level=" -> ".join(levels), was=was["outcome"] if was else MISSING,
        now=now["outcome"] if now else MISSING, message=now["message"] if now else "",
    )  # fmt: skip


def _change_kind(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> ChangeKind | None:
    """How a check changed; None if it did not.

    It vanished if it was judged and no longer is, for any reason, such as an error. It is new if it was missing, or is
    judged now and only reported or was not applicable before.
    """
    old_outcome, new_outcome = (item["outcome"] if item else MISSING for item in (was, now))
    if old_outcome in _CONCLUSIVE_OUTCOMES and new_outcome not in _CONCLUSIVE_OUTCOMES:
        return ChangeKind.VANISHED
    if old_outcome == MISSING or (old_outcome in _INFORMATIONAL_OUTCOMES and new_outcome in _CONCLUSIVE_OUTCOMES):
        return ChangeKind.NEW
    if new_outcome in DEVIATING_OUTCOMES and old_outcome not in DEVIATING_OUTCOMES:
        return ChangeKind.BROKEN
    if new_outcome == Outcome.PASS and old_outcome != Outcome.PASS:
        return ChangeKind.FIXED
    is_same = was is not None and now is not None and was["level"] == now["level"] and old_outcome == new_outcome
    return None if is_same else ChangeKind.CHANGED
