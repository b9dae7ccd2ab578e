"""What happens to the events of each SDK: outcomes of the SDK checks, and a table of them for reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.model import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.core.model import Json, JsonObject, Verdict
    from conformance.sdks.sdk import Reaction, Sdk


ACCEPTED_CONDITION = "accepted"
"""The condition of valid requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkOutcome:
    """The status of the response to one kind of request (0: no response), and the SDK's reaction to it."""

    condition: str
    description: str
    status: int
    reaction: Reaction

    @property
    def summary(self) -> str:
        """The outcome in a few words, for messages."""
        return f"{self.description} {self.status or 'no answer'}: {self.reaction.verb}"

    def as_json(self) -> JsonObject:
        """Returns a JSON-serializable dict."""
        status_text = str(self.status) if self.status else ""
        return {
            "condition": self.condition,
            "words": self.description,
            "received": status_text,
            "does": self.reaction.value,
        }


def build_note(sdk: Sdk, outcomes: Sequence[SdkOutcome], *, is_supported: bool) -> Note:
    """The note of a check about an SDK on one operation. `is_supported`: the profile names the SDK."""
    data: JsonObject = {
        "sdk": {
            "name": sdk.name, "title": sdk.title, "version": sdk.version, "supported": is_supported,
        },
        "outcomes": [item.as_json() for item in outcomes],
    }  # fmt: skip
    return Note(text="; ".join(item.summary for item in outcomes), data=data)


def build_table(verdicts: Iterable[Verdict]) -> list[Json]:
    """One JSON object for each SDK that was checked, sorted by name, with the outcomes of each operation."""
    rows: dict[str, dict[str, Any]] = {}
    for verdict in sorted(verdicts, key=lambda item: (item.id, item.operation)):
        data: Any = verdict.data or {}
        if "sdk" in data:
            row = rows.setdefault(data["sdk"]["name"], {**data["sdk"], "operations": []})
            row["operations"].append({"operation": verdict.operation, "outcomes": data["outcomes"]})
    return list(rows.values())
