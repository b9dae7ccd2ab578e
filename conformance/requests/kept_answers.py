"""Answers that a run keeps, whichever check has asked for them: the first of each kind that nobody should provoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.statuses import SERVER_ERROR, TOO_MANY_REQUESTS
from conformance.requests.rate_limits import FIRST_429, asks_to_wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Exchange

LIMITED_PAGE, FAILED_PAGE = "limited, from a page", "failed, from a page"
"""The keys of the first answers to requests with an Origin: that asks to wait, and other ones with a 5xx."""


def keys_to_keep(exchange: Exchange) -> Iterator[str]:
    """The keys in `shared_exchanges` under which an exchange is kept, if it is the first one."""
    if exchange.status == TOO_MANY_REQUESTS:
        yield FIRST_429
    if any(name.lower() == "origin" for name, _ in exchange.request.headers):
        if asks_to_wait(exchange):
            yield LIMITED_PAGE
        elif exchange.status >= SERVER_ERROR:
            yield FAILED_PAGE
