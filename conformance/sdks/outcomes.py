"""What happens to the events of each SDK: outcomes of the SDK checks, and a table of them for reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.model import Note
from conformance.sdks.plans import describe_plan
from conformance.sdks.sdk import BodyReading, SeenAnswer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from conformance.core.model import Exchange, Json, JsonObject, Verdict
    from conformance.sdks.plans import Plan
    from conformance.sdks.sdk import Sdk


_REDIRECTS = range(300, 400)
ACCEPTED_CONDITION = "accepted"
"""The condition of valid requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkOutcome:
    """The status of the response to one kind of request (0: no response), and the SDK's reaction to it.

    `blocked` says why a browser does not let the SDK send the request or read the response; empty if it does.
    """

    condition: str
    description: str
    status: int
    plan: Plan
    blocked: str = ""

    @property
    def summary(self) -> str:
        """The outcome in a few words, for messages."""
        words = describe_plan(self.as_json())
        if self.blocked:
            return f"{self.description} {self.status or 'not sent'}: {self.blocked}, so it {words}"
        return f"{self.description} {self.status or 'no answer'}: {words}"

    def as_json(self) -> JsonObject:
        """Returns a JSON-serializable dict."""
        status_text = str(self.status) if self.status else ""
        blocked: JsonObject = {"blocked": self.blocked} if self.blocked else {}
        return {
            "condition": self.condition,
            "words": self.description,
            "received": status_text,
            "does": self.plan.reaction.value,
            **self.plan.as_json(),
            **blocked,
        }


def can_deliver(outcome: Mapping[str, Any]) -> bool:
    """Whether an SDK got a success for a valid request, and could read it; `outcome` is as in a report's JSON."""
    return outcome["received"].startswith("2") and not outcome.get("blocked")


def describe_reaction(outcome: Mapping[str, Any]) -> str:
    """The reaction in words, and first whether the SDK can't deliver; `outcome` is as in a report's JSON."""
    words = describe_plan(outcome)
    is_shut_out = outcome["condition"] == ACCEPTED_CONDITION and not can_deliver(outcome)
    return f"can't deliver: {words}" if is_shut_out else words


def describe_answer(exchange: Exchange) -> str:
    """What an SDK reads of an answer, such as `200 with a body that is no JSON`."""
    if exchange.response is None:
        return "missing"
    seen = SeenAnswer.from_exchange(exchange)
    if seen.has_location and seen.status in _REDIRECTS:
        return f"{seen.status} with a Location"
    if not exchange.response.body:
        return f"{seen.status} without a body"
    return f"{seen.status} with {'JSON' if BodyReading.JSON in seen.readings else 'a body that is no JSON'}"


def build_note(sdk: Sdk, outcomes: Sequence[SdkOutcome], *, is_supported: bool, known_paths: Collection[str]) -> Note:
    """The note of a check about an SDK on one operation. `is_supported`: the profile names the SDK.

    `known_paths` are the paths of the profile.
    """
    unasked: list[Json] = [*sorted(sdk.paths.difference(known_paths))]
    missing: JsonObject = {"unasked": unasked} if unasked else {}
    data: JsonObject = {
        "sdk": {
            "name": sdk.name, "title": sdk.title, "version": sdk.version, "supported": is_supported, **missing,
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
