"""What a target's answers would make official SDKs do: a table of SDKs and conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.sdks import Reaction

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What an SDK does with an answer, and where: calls are named only if they differ."""

    does: str
    words: str
    received: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An SDK, and what it would do under each condition of the table."""

    title: str
    is_supported: bool
    cells: tuple[tuple[Consequence, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All SDKs, those that the profile names first; conditions in the words of the report."""

    conditions: tuple[str, ...]
    lines: tuple[Line, ...]


def table(document: Mapping[str, Any]) -> Table:
    """The table of a report; without lines where no check asked."""
    sdks = sorted(document["sdks"], key=lambda item: (not item["supported"], item["title"]))
    outcomes = [item for sdk in sdks for operation in sdk["operations"] for item in operation["outcomes"]]
    words = {item["condition"]: item["words"] for item in outcomes}
    lines = tuple(
        Line(
            title=sdk["title"],
            is_supported=sdk["supported"],
            cells=tuple(_cell(sdk, condition) for condition in words),
        )
        for sdk in sdks
    )
    return Table(conditions=tuple(words.values()), lines=lines)


def _cell(sdk: Mapping[str, Any], condition: str) -> tuple[Consequence, ...]:
    """What an SDK does under a condition: once if it does the same on all its calls."""
    found: dict[tuple[str, str], list[str]] = {}
    for operation in sdk["operations"]:
        for item in operation["outcomes"]:
            if item["condition"] == condition:
                found.setdefault((item["does"], item["received"]), []).append(operation["operation"])
    return tuple(
        Consequence(
            does=does,
            words=Reaction(does).words,
            received=received or "no answer",
            calls=tuple(calls) if len(found) > 1 else (),
        )
        for (does, received), calls in found.items()
    )
