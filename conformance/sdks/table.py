"""What a target's answers would make of each SDK's events: one table, from the notes of the checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.model import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.model import Json, JsonObject, Verdict
    from conformance.sdks.shapes import Reaction, Sdk


ACCEPTED = "accepted"
"""The condition of what should be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """What one kind of request came to: the status (0: no answer), and what it makes the SDK do."""

    condition: str
    words: str
    received: int
    does: Reaction

    @property
    def sentence(self) -> str:
        """It in a few words."""
        return f"{self.words} {self.received or 'no answer'}: {self.does.words}"

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        received = str(self.received) if self.received else ""
        return {
            "condition": self.condition, "words": self.words, "received": received, "does": self.does.value,
        }  # fmt: skip


def note(sdk: Sdk, experiences: Sequence[Experience], *, is_supported: bool) -> Note:
    """What a check says of an SDK on one operation, in words and as data."""
    data: JsonObject = {
        "sdk": {
            "name": sdk.name, "title": sdk.title, "version": sdk.version, "supported": is_supported,
        },
        "outcomes": [item.as_json() for item in experiences],
    }  # fmt: skip
    return Note(text="; ".join(item.sentence for item in experiences), data=data)


def table(verdicts: Iterable[Verdict]) -> list[Json]:
    """Every SDK that a run has asked about, by name, with what came of each operation."""
    found: dict[str, dict[str, Any]] = {}
    for verdict in sorted(verdicts, key=lambda item: (item.id, item.operation)):
        data: Any = verdict.data or {}
        if "sdk" in data:
            row = found.setdefault(data["sdk"]["name"], {**data["sdk"], "operations": []})
            row["operations"].append({"operation": verdict.operation, "outcomes": data["outcomes"]})
    return list(found.values())
