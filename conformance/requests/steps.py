"""Several drafts that belong together: at once, or one after the other on one connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.core.model import Exchange, Note
    from conformance.requests.draft import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentRequests:
    """Drafts that are sent all at once."""

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Drafts on one connection of their own: each after the answer to the one before, or all at once.

    A half-closed one ends its own side of the connection before it reads the last answer.
    """

    drafts: tuple[Draft, ...]
    is_pipelined: bool = False
    is_half_closed: bool = False


Step: TypeAlias = "Draft | ConcurrentRequests | Conversation"
"""What a check yields."""

Steps: TypeAlias = "Generator[Step, Exchange, str | Note | None]"
"""A check at work: yields steps, is sent exchanges, returns a note, in words or with data, or nothing."""

ExchangeSteps: TypeAlias = "Generator[Step, Exchange, tuple[Exchange, ...]]"


def send_concurrently(*drafts: Draft) -> ExchangeSteps:
    """Sends drafts all at once and returns their exchanges, in the order of the drafts."""
    exchanges = yield ConcurrentRequests(drafts=drafts)
    return cast("tuple[Exchange, ...]", exchanges)


def send_on_one_connection(*drafts: Draft, pipelined: bool = False, half_closed: bool = False) -> ExchangeSteps:
    """Sends drafts over one connection and returns their exchanges, in the order of the drafts."""
    exchanges = yield Conversation(drafts=drafts, is_pipelined=pipelined, is_half_closed=half_closed)
    return cast("tuple[Exchange, ...]", exchanges)
