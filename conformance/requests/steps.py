"""The steps of a check: one request, concurrent requests, or requests on one connection."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.core.arrivals import Arrivals, LedgerPage
    from conformance.core.model import Exchange, Note
    from conformance.requests.draft import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentRequests:
    """Drafts to send at the same time."""

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Drafts to send on one new connection, each after the answer to the one before.

    `is_pipelined`: all are sent before the first answer is read.
    `is_half_closed`: our side of the connection is closed before the last answer is read.
    """

    drafts: tuple[Draft, ...]
    is_pipelined: bool = False
    is_half_closed: bool = False


class PageMeans(enum.StrEnum):
    """How a page sends a request."""

    FETCH = "fetch"
    KEEPALIVE = "keepalive"
    BEACON = "beacon"

    @property
    def called(self) -> str:
        """Its name for people."""
        return {"fetch": "fetch", "keepalive": "fetch with keepalive", "beacon": "sendBeacon"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPage:
    """A draft to send from a page in a real browser."""

    draft: Draft
    means: PageMeans

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The draft, whose failure in the page is for the check to judge."""
        return (self.draft.allowing_no_answer(),)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitArrivals:
    """Waits until the events with `marks` are in the sink, then for doubles, and for what must be `absent`."""

    drafts: ClassVar[tuple[Draft, ...]] = ()
    marks: tuple[str, ...]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLedger:
    """Asks what became of all events that the run has sent to an operation."""

    drafts: ClassVar[tuple[Draft, ...]] = ()
    operation: str


Step: TypeAlias = "Draft | ConcurrentRequests | Conversation | FromPage | AwaitArrivals | ReadLedger"
"""What a check yields."""

Steps: TypeAlias = "Generator[Step, Exchange, str | Note | None]"
"""A running check: yields steps, receives exchanges, and returns a note, as text or with data, or None."""

ExchangeSteps: TypeAlias = "Generator[Step, Exchange, tuple[Exchange, ...]]"


def send_concurrently(*drafts: Draft) -> ExchangeSteps:
    """Sends drafts at the same time and returns their exchanges in the order of the drafts."""
    exchanges = yield ConcurrentRequests(drafts=drafts)
    return cast("tuple[Exchange, ...]", exchanges)


def send_on_one_connection(*drafts: Draft, pipelined: bool = False, half_closed: bool = False) -> ExchangeSteps:
    """Sends drafts over one connection and returns their exchanges in the order of the drafts."""
    exchanges = yield Conversation(drafts=drafts, is_pipelined=pipelined, is_half_closed=half_closed)
    return cast("tuple[Exchange, ...]", exchanges)


def send_from_page(draft: Draft, means: PageMeans) -> Generator[Step, Exchange, Exchange]:
    """Sends a draft from a page in a real browser and returns what the page saw. Raises NotApplicable without one."""
    (exchange,) = cast("tuple[Exchange, ...]", (yield FromPage(draft=draft, means=means)))
    return exchange


def await_arrivals(*marks: str, absent: tuple[str, ...] = ()) -> Generator[Step, Exchange, Arrivals]:
    """What arrived with some marks. Raises NotApplicable without a sink."""
    return cast("Arrivals", (yield AwaitArrivals(marks=marks, absent=absent)))


def read_ledger(operation: str) -> Generator[Step, Exchange, LedgerPage]:
    """What became of all events of the run on an operation. Raises NotApplicable without a sink."""
    return cast("LedgerPage", (yield ReadLedger(operation=operation)))
