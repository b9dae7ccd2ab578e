"""What arrived in a sink, as checks see it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import JsonObject

CURRENT_CHECK: ContextVar[str] = ContextVar("CURRENT_CHECK", default="preflight")
"""The id of the check that sends; tasks inherit it from those that start them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event that a sink gave: its JSON without loss, its place in the order, when it was seen, where it lies."""

    event: Any
    position: int
    seen_s: float
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a stored event differs from the one that was sent: the kind, the field, and both values in a few words.

    `is_harmless`: the value is the same, in another spelling.
    """

    kind: str
    pointer: str
    sent: str
    stored: str
    is_harmless: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.pointer or 'the event'} was sent as {self.sent}, and is stored as {self.stored}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What arrived of the events that a check waited for, by their marks; `compare` knows what a sink may change."""

    by_mark: dict[str, tuple[Arrival, ...]]
    compare: Callable[[str, Any], list[Change]]
    waited_s: float = 0.0

    def of(self, mark: str) -> tuple[Arrival, ...]:
        """The arrivals with a mark, in their order."""
        return self.by_mark.get(mark, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFinding:
    """Something wrong with events of a whole run on one operation: how many, and a few examples for people."""

    kind: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """What the ledger says of one operation: counts by what became of the events, and findings by kind."""

    counts: JsonObject = field(default_factory=dict)
    findings: tuple[LedgerFinding, ...] = ()

    def finding(self, kind: str) -> LedgerFinding | None:
        """The finding of a kind; None if there is nothing."""
        return next((item for item in self.findings if item.kind == kind), None)
