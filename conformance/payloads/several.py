"""Several drafts that belong together: at once, or one after the other on one connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.model import Exchange
    from conformance.payloads.draft import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Volley:
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


Message: TypeAlias = "Draft | Volley | Conversation"
"""What a check yields."""

Answers: TypeAlias = "Generator[Message, Exchange, tuple[Exchange, ...]]"


def together(*drafts: Draft) -> Answers:
    """Sends drafts all at once and returns their exchanges, in the order of the drafts."""
    found = yield Volley(drafts=drafts)
    return cast("tuple[Exchange, ...]", found)


def converse(*drafts: Draft, pipelined: bool = False, half_closed: bool = False) -> Answers:
    """Sends drafts over one connection and returns their exchanges, in the order of the drafts."""
    found = yield Conversation(drafts=drafts, is_pipelined=pipelined, is_half_closed=half_closed)
    return cast("tuple[Exchange, ...]", found)
