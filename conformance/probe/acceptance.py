"""Acceptance: whether an answer says that a request was accepted, by its status and by its body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import expect

if TYPE_CHECKING:
    from conformance.core.model import Exchange


def is_accepted(exchange: Exchange, usual: Exchange | None = None) -> bool:
    """Whether it is a success whose body does not say otherwise; `usual` is the usual success of the path."""
    return expect.is_accepted(exchange) and not expect.says_refused(exchange, usual)
