"""SDK table: what official SDKs would do with a target's answers, under each condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.sdks.outcomes import describe_reaction

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkReaction:
    """The reaction of an SDK to an answer. `calls` are given only if they differ."""

    reaction: str
    words: str
    received: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkRow:
    """An SDK, with its reactions under each condition of the table."""

    title: str
    is_supported: bool
    cells: tuple[tuple[SdkReaction, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkTable:
    """All SDKs, those of the profile first. `conditions` are their descriptions in the report."""

    conditions: tuple[str, ...]
    rows: tuple[SdkRow, ...]


def build_sdk_table(document: Mapping[str, Any]) -> SdkTable:
    """The table of a report; without rows if no check of SDKs ran."""
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
    """The reactions of an SDK under a condition: one if it does the same on all calls."""
    calls_by_answer: dict[tuple[str, str, str], list[str]] = {}
    for operation in sdk["operations"]:
        for item in operation["outcomes"]:
            if item["condition"] == condition:
                words = describe_reaction(item)
                received = item.get("blocked") or item["received"] or "no answer"
                calls_by_answer.setdefault((item["does"], words, received), []).append(operation["operation"])
    return tuple(
        SdkReaction(
            reaction=does,
            words=words,
            received=received,
            calls=tuple(calls) if len(calls_by_answer) > 1 else (),
        )
        for (does, words, received), calls in calls_by_answer.items()
    )
