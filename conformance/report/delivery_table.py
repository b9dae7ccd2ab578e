"""The table of delivery: what was sent, how it was answered, and what a sink shows of it, by path and by SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COLUMNS = {
    "sent": "sent", "accepted": "accepted", "refused": "refused", "unanswered": "no answer",
    "broken_off": "broken off on purpose", "arrived": "arrived",
    "missing": "missing", "doubled": "doubled", "altered": "altered", "kept_though_refused": "stored though refused",
}  # fmt: skip
"""The counts of a row, by their key in a report, with their headings."""
_WRONG = ("missing", "doubled", "altered", "kept_though_refused")
_MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A path or an SDK with its counts in the order of COLUMNS."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTable:
    """What a sink shows of a run: a sentence, the rows, and examples of what is wrong."""

    sentence: str
    rows: tuple[DeliveryRow, ...]
    examples: tuple[str, ...]


def build_delivery_table(document: Mapping[str, Any]) -> DeliveryTable | None:
    """The table of a report; None if no sink was looked into."""
    delivery = document.get("delivery")
    if not delivery:
        return None
    rows = [*delivery["paths"], *delivery["sdks"]]
    return DeliveryTable(
        sentence=delivery_sentence(delivery),
        rows=tuple(DeliveryRow(name=row["name"], counts=tuple(row[key] for key in COLUMNS)) for row in rows),
        examples=tuple(
            f"{row['name']}: {COLUMNS[key]}: {text}"
            for row in delivery["paths"]
            for key in _WRONG
            for text in row["examples"].get(key, [])[:_MAX_EXAMPLES]
        ),
    )


def delivery_sentence(delivery: Mapping[str, Any]) -> str:
    """What became of the events, in one sentence without its full stop."""
    wrong = [f"{delivery[key]:,} {COLUMNS[key]}" for key in _WRONG if delivery[key]]
    latency = delivery["latency"]["p99_s"]
    parts = [
        f"{delivery['sent']:,} events sent, {delivery['accepted']:,} accepted, {delivery['arrived']:,} in the sink",
        ", ".join(wrong) or "none missing, doubled or altered",
        *_without_answer(delivery),
        *([f"there after {latency:g} s (p99)"] if latency is not None else []),
    ]
    return "; ".join(parts)


def _without_answer(delivery: Mapping[str, Any]) -> Iterator[str]:
    """What there is to say of events without an answer, and of those to which none was owed."""
    for key, words in (("unanswered", "without an answer"), ("broken_off", "broken off on purpose")):
        if count := delivery[key]:
            yield f"{count:,} {words}, of which {delivery[f'{key}_arrived']:,} arrived"
