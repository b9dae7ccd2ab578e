"""Targets that close further connections at once while they have so many (RFC 9110, section 15.6.4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.wire.target import TargetAddress

_TRIED_CONNECTIONS = 24
"""How many idle connections are opened: more than a run has open at once."""
_FIRST_CLOSE_S, _SETTLED_S, _CHECK_S = 0.5, 0.2, 0.05
"""How long to wait until the first connection is closed, and since when no more may have been."""


class _IdleConnection(asyncio.Protocol):
    """A connection over which nothing is sent."""

    def __init__(self) -> None:
        self.transport: asyncio.BaseTransport | None = None
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self.transport = transport

    def eof_received(self) -> None:
        """Notes that the target closes the connection."""
        self.is_closed = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Notes that the connection is closed."""
        self.is_closed = True


async def find_connection_limit(target: TargetAddress) -> int | None:
    """How many connections the target keeps open at once; None if it keeps all that are tried, or none of them.

    Those beyond the limit are closed at once, each time, though nothing was sent. What is closed for being idle is
    closed in the order in which it was opened.
    """
    kept = await _count_kept(target)
    return kept if kept and await _count_kept(target) == kept else None


async def _count_kept(target: TargetAddress) -> int | None:
    """How many of the first connections are left open, where all after them are closed; None if there is no such."""
    connections = [_IdleConnection() for _ in range(_TRIED_CONNECTIONS)]
    loop = asyncio.get_running_loop()
    try:
        for connection in connections:
            await target.connect(loop, lambda connection=connection: connection)  # type: ignore[misc]
        await _wait_until_settled(connections)
        closed = [connection.is_closed for connection in connections]
    except OSError:
        return None
    finally:
        for connection in connections:
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(_CHECK_S)  # the target has to notice
    kept = closed.count(False)
    return kept if 0 < kept < len(closed) and not any(closed[:kept]) else None


async def _wait_until_settled(connections: list[_IdleConnection]) -> None:
    """Waits until no more connections are closed, or none was in time."""
    waited_s, since_s, count = 0.0, 0.0, 0
    while since_s < (_SETTLED_S if count else _FIRST_CLOSE_S) and waited_s < 4 * _FIRST_CLOSE_S:
        await asyncio.sleep(_CHECK_S)
        now = sum(connection.is_closed for connection in connections)
        waited_s, since_s = waited_s + _CHECK_S, 0.0 if now != count else since_s + _CHECK_S
        count = now
