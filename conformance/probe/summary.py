"""A summary: what was found, in the order in which people ask for it, and what is alike in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.probe.sketch import Entry

_ORDER = (
    "route", "batch.types", "credentials", "limits.", "burst", "identity of ", "required by ", "answers.",
    "bodies.", "", "verified",
)  # fmt: skip
_MERGED = ("identity of ", "required by ")


def summary(entries: Iterable[Entry]) -> list[Entry]:
    """Routes, credentials and limits first; what holds for several event types is said once."""
    found: list[Entry] = []
    for entry in sorted(entries, key=_rank):
        word = next((word for word in _MERGED if entry.topic.startswith(word)), None)
        twin = next((item for item in found if word and _is_twin(item, entry, word)), None)
        if twin is None or word is None:
            found.append(entry)
            continue
        topic = f"{twin.topic}, {entry.topic.removeprefix(word)}"
        found[found.index(twin)] = replace(twin, topic=topic)
    return found


def _is_twin(one: Entry, other: Entry, word: str) -> bool:
    return one.topic.startswith(word) and (one.value, one.evidence) == (other.value, other.evidence)


def _rank(entry: Entry) -> int:
    """Where a line belongs; what has no place of its own comes before the last."""
    found = (number for number, word in enumerate(_ORDER) if word and entry.topic.startswith(word))
    return next(found, _ORDER.index(""))
