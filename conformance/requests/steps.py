"""The steps of a check: one request, concurrent requests, or requests on one connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Generator

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


Step: TypeAlias = "Draft | ConcurrentRequests | Conversation"
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
