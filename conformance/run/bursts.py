"""Requests that are sent at once, as far as the target has room for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable
from conformance.core.model import TransportFailure
from conformance.wire import MAX_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.core.model import Exchange
    from conformance.requests import Draft

_FEW = 10
"""One in so many requests may be lost by chance."""


async def send_at_once(drafts: Sequence[Draft], send: Callable[[Draft], Awaitable[Exchange]]) -> tuple[Exchange, ...]:
    """The exchanges of drafts that are all sent, as many in flight as the wire allows."""
    semaphore = asyncio.Semaphore(MAX_IN_FLIGHT)

    async def send_one(draft: Draft) -> Exchange:
        async with semaphore:
            return await send(draft)

    return tuple(await asyncio.gather(*map(send_one, drafts)))


async def replace_sporadic_losses(
    drafts: Sequence[Draft], exchanges: Sequence[Exchange], send: Callable[[Draft], Awaitable[Exchange]]
) -> tuple[Exchange, ...]:
    """The exchanges, those of a few lost requests by the same ones sent alone.

    Few connections break by chance; a target that has no room for all loses more of them.
    """
    lost = [number for number, item in enumerate(exchanges) if item.failure is TransportFailure.CLOSED]
    replaced = {number: await send(drafts[number]) for number in lost} if len(lost) <= len(drafts) // _FEW else {}
    return tuple(replaced.get(number, item) for number, item in enumerate(exchanges))


def require_room(drafts: Sequence[Draft], connection_limit: int | None) -> None:
    """Raises NotApplicable if drafts that are sent at once need more connections than the target keeps open."""
    needed = min(len(drafts), MAX_IN_FLIGHT)
    if connection_limit is not None and needed > connection_limit:
        raise NotApplicable(
            f"{needed} requests can't be in flight at once: the target keeps {connection_limit} connections open and "
            "closes others at once, which RFC 9110, section 15.6.4, allows an overloaded server"
        )
