"""What a target's answers would make of each SDK's events: one table, from the notes of the checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.model import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.core.model import Json, JsonObject, Verdict
    from conformance.sdks.sdk import Reaction, Sdk


ACCEPTED_CONDITION = "accepted"
"""The condition of what should be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkOutcome:
    """What one kind of request came to: the status (0: no answer), and what it makes the SDK do."""

    condition: str
    description: str
    status: int
    reaction: Reaction

    @property
    def summary(self) -> str:
        """It in a few words."""
        return f"{self.description} {self.status or 'no answer'}: {self.reaction.verb}"

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        status_text = str(self.status) if self.status else ""
        return {
            "condition": self.condition,
            "words": self.description,
            "received": status_text,
            "does": self.reaction.value,
        }


def build_note(sdk: Sdk, outcomes: Sequence[SdkOutcome], *, is_supported: bool) -> Note:
    """What a check says of an SDK on one operation, in words and as data."""
    data: JsonObject = {
        "sdk": {
            "name": sdk.name, "title": sdk.title, "version": sdk.version, "supported": is_supported,
        },
        "outcomes": [item.as_json() for item in outcomes],
    }  # fmt: skip
    return Note(text="; ".join(item.summary for item in outcomes), data=data)


def build_table(verdicts: Iterable[Verdict]) -> list[Json]:
    """Every SDK that a run has asked about, by name, with what came of each operation."""
    rows: dict[str, dict[str, Any]] = {}
    for verdict in sorted(verdicts, key=lambda item: (item.id, item.operation)):
        data: Any = verdict.data or {}
        if "sdk" in data:
            row = rows.setdefault(data["sdk"]["name"], {**data["sdk"], "operations": []})
            row["operations"].append({"operation": verdict.operation, "outcomes": data["outcomes"]})
    return list(rows.values())
