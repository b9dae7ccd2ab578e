"""Changes of causes from one report to the next: what is new, grown, smaller, or mended."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.model import PROBLEM_OUTCOMES, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.core.model import JsonObject

_Place = tuple[str, str]
"""The id of a check and its operation."""


class CauseTurn(enum.StrEnum):
    """What became of a cause, the worst first."""

    NEW = "new"
    GROWN = "grown"
    VANISHED = "vanished"
    SMALLER = "smaller"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseChange:
    """A cause that changed; `cause` as in the later report that has it.

    `was_id` is its id in the earlier report, and empty if that lacks it. `added` and `gone` are the checks on
    operations that it explains only now, and no longer.
    """

    turn: CauseTurn
    profile: str
    cause: Mapping[str, Any]
    was_id: str = ""
    added: tuple[_Place, ...] = ()
    gone: tuple[_Place, ...] = ()

    @property
    def counted(self) -> str:
        """How many checks it explains more or no longer, in words."""
        parts = [f"{len(places):,} {words}" for places, words in ((self.added, "more"), (self.gone, "less")) if places]
        return ", ".join(parts)

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "turn": self.turn.value,
            "profile": self.profile,
            **{name: self.cause[name] for name in ("id", "check", "sentence", "level", "harm")},
            "was_id": self.was_id,
            "added": _places_json(self.added),
            "gone": _places_json(self.gone),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseComparison:
    """The changed causes of two reports, the worst first, and the number of those that are as they were."""

    changes: tuple[CauseChange, ...] = ()
    unchanged_count: int = 0

    @property
    def summary(self) -> str:
        """The counts in one line; empty if neither report has a cause."""
        if not (self.changes or self.unchanged_count):
            return ""
        counts = self.counts()
        parts = [f"{counts[turn]:,} {turn}" for turn in CauseTurn if counts[turn]]
        return f"causes: {', '.join([*parts, f'{self.unchanged_count:,} the same'])}"

    def counts(self) -> dict[CauseTurn, int]:
        """How many causes came to each turn."""
        return {turn: sum(item.turn is turn for item in self.changes) for turn in CauseTurn}


def join_comparisons(comparisons: Iterable[CauseComparison]) -> CauseComparison:
    """Several comparisons as one."""
    items = list(comparisons)
    turns = list(CauseTurn)
    changes = [change for item in items for change in item.changes]
    return CauseComparison(
        changes=tuple(sorted(changes, key=lambda item: turns.index(item.turn))),
        unchanged_count=sum(item.unchanged_count for item in items),
    )


def compare_causes(old: Mapping[str, Any], new: Mapping[str, Any]) -> CauseComparison:
    """The changes between the causes of two reports; none if one of them was made without looking for causes.

    Causes are the same if their ids are, or, of the others, if they explain one check that fails in both reports.
    """
    if "causes" not in old or "causes" not in new:
        return CauseComparison()
    pairs = pair_causes(old["causes"], new["causes"])
    was_paired, is_paired = {id(before) for before, _ in pairs}, {id(after) for _, after in pairs}
    profile = new["profile"]["name"]
    changes = [change for before, after in pairs if (change := _changed(before, after, profile))]
    changes += [
        CauseChange(turn=CauseTurn.NEW, profile=profile, cause=cause, added=tuple(sorted(explained_places(cause))))
        for cause in new["causes"]
        if id(cause) not in is_paired
    ]
    gone = [cause for cause in old["causes"] if id(cause) not in was_paired]
    outcomes = {(item["id"], item["operation"]): item["outcome"] for item in new["checks"]}
    changes += [_gone(cause, outcomes, profile) for cause in gone]
    unchanged_count = len(pairs) - sum(item.turn in {CauseTurn.GROWN, CauseTurn.SMALLER} for item in changes)
    return join_comparisons([CauseComparison(changes=tuple(changes), unchanged_count=unchanged_count)])


def pair_causes(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The causes that two reports share: first those with one id, then those that share most of what they explain."""
    by_id = {cause["id"]: cause for cause in new}
    pairs = [(cause, by_id.pop(cause["id"])) for cause in old if cause["id"] in by_id]
    paired_ids = {before["id"] for before, _ in pairs}
    lone = [cause for cause in old if cause["id"] not in paired_ids]
    shared = sorted(
        (
            (len(explained_places(before) & explained_places(after)), before, after)
            for before in lone
            for after in by_id.values()
        ),
        key=lambda item: (-item[0], item[1]["id"], item[2]["id"]),
    )
    used: set[str] = set()
    for count, before, after in shared:
        if count and not used & {f"old {before['id']}", f"new {after['id']}"}:
            used |= {f"old {before['id']}", f"new {after['id']}"}
            pairs.append((before, after))
    return pairs


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], profile: str) -> CauseChange | None:
    """The change of a cause that both reports have; None if it explains what it did."""
    was, now = explained_places(before), explained_places(after)
    if was == now:
        return None
    return CauseChange(
        turn=CauseTurn.GROWN if now - was else CauseTurn.SMALLER, profile=profile, cause=after, was_id=before["id"],
        added=tuple(sorted(now - was)), gone=tuple(sorted(was - now)),
    )  # fmt: skip


def _gone(cause: Mapping[str, Any], outcomes: Mapping[_Place, str], profile: str) -> CauseChange:
    """The change of a cause that only the earlier report has.

    It is fixed if nothing of what it explained has a problem now, and a promise that it broke is kept.
    """
    explained = explained_places(cause)
    now = {outcomes.get(place) for place in explained}
    is_fixed = Outcome.PASS in now and not now & PROBLEM_OUTCOMES
    return CauseChange(
        turn=CauseTurn.FIXED if is_fixed else CauseTurn.VANISHED, profile=profile, cause=cause, was_id=cause["id"],
        gone=tuple(sorted(explained)),
    )  # fmt: skip


def explained_places(cause: Mapping[str, Any]) -> set[_Place]:
    """The checks on operations that a cause explains."""
    return {(item["id"], operation) for item in cause["explains"] for operation in item["operations"]}


def _places_json(places: Iterable[_Place]) -> list[Any]:
    return [{"id": name, "operation": operation} for name, operation in places]
