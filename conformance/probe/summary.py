"""A summary: what was found, in the order in which people ask for it, and what is alike in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.probe.draft_profile import SummaryRow

_TOPIC_ORDER = (
    "route", "batch.types", "credentials", "limits.", "burst", "identity of ", "required by ", "answers.",
    "bodies.", "", "verified",
)  # fmt: skip
_MERGED_TOPICS = ("identity of ", "required by ")


def summarize(rows: Iterable[SummaryRow]) -> list[SummaryRow]:
    """Routes, credentials and limits first; what holds for several event types is said once."""
    merged_rows: list[SummaryRow] = []
    for row in sorted(rows, key=_rank):
        topic_prefix = next((word for word in _MERGED_TOPICS if row.topic.startswith(word)), None)
        equal_row = next(
            (item for item in merged_rows if topic_prefix and _is_mergeable(item, row, topic_prefix)), None
        )
        if equal_row is None or topic_prefix is None:
            merged_rows.append(row)
            continue
        topic = f"{equal_row.topic}, {row.topic.removeprefix(topic_prefix)}"
        merged_rows[merged_rows.index(equal_row)] = replace(equal_row, topic=topic)
    return merged_rows


def _is_mergeable(one: SummaryRow, other: SummaryRow, topic_prefix: str) -> bool:
    return one.topic.startswith(topic_prefix) and (one.value, one.evidence) == (other.value, other.evidence)


def _rank(row: SummaryRow) -> int:
    """Where a line belongs; what has no place of its own comes before the last."""
    matching_ranks = (number for number, word in enumerate(_TOPIC_ORDER) if word and row.topic.startswith(word))
    return next(matching_ranks, _TOPIC_ORDER.index(""))
