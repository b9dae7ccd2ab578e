"""The summary: rows with what a probe found, in the order in which people ask for it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Section(enum.StrEnum):
    """A part of the summary, in its order. Facts go to the section with the name of theirs in a profile."""

    ROUTES = "routes"
    BATCH_TYPES = "batch types"
    CREDENTIALS = "credentials"
    LIMITS = "limits"
    BURST = "burst"
    IDENTITY = "identity"
    REQUIRED = "required"
    ANSWERS = "answers"
    BODIES = "bodies"
    HTTP_FEATURES = "HTTP features"
    VERIFICATION = "verification"


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One row of the summary: a subject, its value, and the evidence.

    `fact` is set if the row is about a fact of the profile, `event_types` if it is about types of events.
    """

    section: Section
    subject: str
    value: str
    evidence: str = ""
    fact: str = ""
    event_types: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        """The subject, with the event types."""
        return f"{self.subject} {', '.join(self.event_types)}" if self.event_types else self.subject


def fact_row(fact: str, value: str, evidence: str = "") -> SummaryRow:
    """The row of a fact, in the section of its name."""
    section = Section(fact.partition(".")[0])
    return SummaryRow(section=section, subject=fact, value=value, evidence=evidence, fact=fact)


def summarize(rows: Iterable[SummaryRow]) -> list[SummaryRow]:
    """The rows by section. Rows that differ only in their event types become one."""
    event_types: dict[SummaryRow, tuple[str, ...]] = {}
    sections = list(Section)
    for row in sorted(rows, key=lambda item: sections.index(item.section)):
        key = replace(row, event_types=())
        if row.event_types or key not in event_types:
            event_types[key] = (*event_types.get(key, ()), *row.event_types)
    return [replace(row, event_types=types) for row, types in event_types.items()]
