"""What a target's answers would make official SDKs do: a table of SDKs and conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.sdks import Reaction

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkReaction:
    """What an SDK does with an answer, and where: calls are named only if they differ."""

    reaction: str
    words: str
    received: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkRow:
    """An SDK, and what it would do under each condition of the table."""

    title: str
    is_supported: bool
    cells: tuple[tuple[SdkReaction, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkTable:
    """All SDKs, those that the profile names first; conditions in the words of the report."""

    conditions: tuple[str, ...]
    rows: tuple[SdkRow, ...]


def build_sdk_table(document: Mapping[str, Any]) -> SdkTable:
    """The table of a report; without lines where no check asked."""
    sdks = sorted(document["sdks"], key=lambda item: (not item["supported"], item["title"]))
    outcomes = [item for sdk in sdks for operation in sdk["operations"] for item in operation["outcomes"]]
    words = {item["condition"]: item["words"] for item in outcomes}
    rows = tuple(
        SdkRow(
            title=sdk["title"],
            is_supported=sdk["supported"],
            cells=tuple(_cell(sdk, condition) for condition in words),
        )
        for sdk in sdks
    )
    return SdkTable(conditions=tuple(words.values()), rows=rows)


def _cell(sdk: Mapping[str, Any], condition: str) -> tuple[SdkReaction, ...]:
    """What an SDK does under a condition: once if it does the same on all its calls."""
    calls_by_answer: dict[tuple[str, str], list[str]] = {}
    for operation in sdk["operations"]:
        for item in operation["outcomes"]:
            if item["condition"] == condition:
                calls_by_answer.setdefault((item["does"], item["received"]), []).append(operation["operation"])
    return tuple(
        SdkReaction(
            reaction=does,
            words=Reaction(does).verb,
            received=received or "no answer",
            calls=tuple(calls) if len(calls_by_answer) > 1 else (),
        )
        for (does, received), calls in calls_by_answer.items()
    )
