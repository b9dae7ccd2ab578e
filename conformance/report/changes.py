"""What became of each check from one report to the next: fixed, broken, new, vanished, or changed."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.errors import UsageError
from conformance.model import Outcome
from conformance.report.document import FORMAT, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.model import JsonObject

_BROKEN = frozenset({Outcome.FAIL, Outcome.UNTESTABLE})
_JUDGED = _BROKEN | {Outcome.PASS}
_SILENT = frozenset({Outcome.OBSERVED, Outcome.NOT_APPLICABLE})
MISSING = "missing"
"""In place of an outcome, where a report lacks the check."""


class Turn(enum.StrEnum):
    """What became of a check, the worst first."""

    BROKEN = "broken"
    VANISHED = "vanished"
    FIXED = "fixed"
    NEW = "new"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one check on one operation. `was` and `now` are outcomes, or `missing`."""

    turn: Turn
    profile: str
    id: str
    operation: str
    title: str
    level: str
    was: str
    now: str
    message: str

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        return {
            "turn": self.turn.value, "profile": self.profile, "id": self.id, "operation": self.operation,
            "title": self.title, "level": self.level, "was": self.was, "now": self.now,
            "message": self.message,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All changes between reports, the worst first; `remarks` say what makes the reports differ as such."""

    remarks: tuple[str, ...]
    changes: tuple[Change, ...]
    same: int

    def of(self, turn: Turn) -> list[Change]:
        """Those of one kind, by profile, id and operation."""
        return [item for item in self.changes if item.turn is turn]

    def alike(self) -> list[list[Change]]:
        """Those that differ in nothing but their call, together; the worst first."""
        groups: dict[tuple[str, ...], list[Change]] = {}
        for item in self.changes:
            key = (item.turn, item.profile, item.id, item.level, item.was, item.now)
            groups.setdefault(key, []).append(item)
        return list(groups.values())

    @property
    def says(self) -> str:
        """All in one line."""
        counts = ", ".join(f"{len(self.of(turn)):,} {turn}" for turn in Turn)
        return f"{counts}, {self.same:,} the same"

    @property
    def is_worse(self) -> bool:
        """Whether a promise was broken, or is no longer judged."""
        return any(item.turn in {Turn.BROKEN, Turn.VANISHED} for item in self.changes)

    def text(self) -> str:
        """The changes as a JSON text; its schema is specs/changes.schema.json."""
        document: JsonObject = {
            "format": FORMAT,
            "worse": self.is_worse,
            "remarks": list(self.remarks),
            "counts": {turn.value: len(self.of(turn)) for turn in Turn},
            "same": self.same,
            "changes": [item.as_json() for item in self.changes],
            "complete": True,
        }
        return text(document)


def changes(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Changes:
    """What became of each check between reports; of several, those by the same profile are compared.

    Raises UsageError where several reports by one profile leave open which to compare.
    """
    pairs = [(old[0], new[0])] if len(old) == len(new) == 1 else _pairs(_named(old), _named(new))
    found: list[Change] = []
    same = 0
    for before, after in pairs:
        changed, unchanged = _changes(before, after)
        found += changed
        same += unchanged
    turns = list(Turn)
    found.sort(key=lambda item: (turns.index(item.turn), item.profile, item.id, item.operation))
    remarks = [remark for before, after in pairs for remark in _remarks(before, after)]
    return Changes(remarks=tuple(dict.fromkeys(remarks)), changes=tuple(found), same=same)


def _named(documents: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Reports by their profile. Raises UsageError if two have the same."""
    found: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        name = document["profile"]["name"]
        if name in found:
            raise UsageError(f"several reports by the profile {name}: compare two at a time")
        found[name] = document
    return found


def _pairs(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The reports of each profile; where one is missing, the other without its checks stands for it."""

    def empty(document: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**document, "checks": []}

    names = sorted({*old, *new})
    return [(old.get(name) or empty(new[name]), new.get(name) or empty(old[name])) for name in names]


def _remarks(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What sets two reports apart as such, a sentence each."""
    said = (
        ("profiles", "promises of another vendor are compared", "profile", "name"),
        ("gates", "what counts is not the same", "run", "gate"),
        ("versions of the suite", "checks may have come, gone or changed", "suite", "version"),
        ("targets", "one server is compared with another, or with itself elsewhere", "target", "url"),
    )
    return [
        f"Different {what}, {old[part][key]} and {new[part][key]}: {why}."
        for what, why, part, key in said
        if old[part][key] != new[part][key]
    ]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Change], int]:
    """What changed between two reports, and how many checks did not."""
    before = {(item["id"], item["operation"]): item for item in old["checks"]}
    after = {(item["id"], item["operation"]): item for item in new["checks"]}
    found, same = [], 0
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        turn = _turn(was, now)
        if turn is None:
            same += 1
        else:
            found.append(_change(turn, was, now, new["profile"]["name"]))
    return found, same


def _change(turn: Turn, was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, profile: str) -> Change:
    """A change, told by the later report where it has the check."""
    told: Mapping[str, Any] = now or was or {}
    levels = dict.fromkeys(item["level"] for item in (was, now) if item)
    return Change(
        turn=turn, profile=profile, id=told["id"], operation=told["operation"], title=told["title"],
        level=" -> ".join(levels), was=was["outcome"] if was else MISSING,
        now=now["outcome"] if now else MISSING, message=now["message"] if now else "",
    )  # fmt: skip


def _turn(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Turn | None:
    """What became of a check; None if nothing did.

    It vanished if it was judged and no longer is, for whatever reason: a check that ends without an answer
    judges nothing. It is new if it was not there, or is judged now and was not meant to be before.
    """
    first, last = (item["outcome"] if item else MISSING for item in (was, now))
    if first in _JUDGED and last not in _JUDGED:
        return Turn.VANISHED
    if first == MISSING or (first in _SILENT and last in _JUDGED):
        return Turn.NEW
    if last in _BROKEN and first not in _BROKEN:
        return Turn.BROKEN
    if last == Outcome.PASS and first != Outcome.PASS:
        return Turn.FIXED
    is_same = was is not None and now is not None and was["level"] == now["level"] and first == last
    return None if is_same else Turn.CHANGED
