"""A deadline that does not count the time in which this client could not act itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TICK_S = 0.1
"""How often the time is looked at, in seconds."""
_REQUESTS_PER_DEADLINE = 20
_MAX_COUNTED_S = 2 * TICK_S
"""The most that counts between two looks: what is beyond it, the event loop or the whole process stood still."""
_MAX_STRETCH = 4.0
"""How many times its length a deadline lasts at most."""


def conversation_s(deadline_s: float, count: int) -> float:
    """The deadline of some requests over one connection: that of one, and longer in proportion for many."""
    return deadline_s * max(1.0, count / _REQUESTS_PER_DEADLINE)


@contextlib.asynccontextmanager
async def client_deadline(seconds: float) -> AsyncIterator[None]:
    """Bounds what is done under it. Raises TimeoutError after so many seconds, not counting stalls of this client.

    On a machine that is busy with other things, an answer may be there long before this process can read it.
    """
    async with asyncio.timeout(None) as scope:
        ticker = asyncio.get_running_loop().create_task(_count_down(scope, seconds))
        try:
            yield
        finally:
            ticker.cancel()


async def _count_down(scope: asyncio.Timeout, seconds: float) -> None:
    """Ends a scope when so much time has counted."""
    start_s = last_s = time.monotonic()
    left_s = seconds
    while left_s > 0 and last_s - start_s < seconds * _MAX_STRETCH:
        await asyncio.sleep(min(TICK_S, left_s))
        now_s = time.monotonic()
        left_s -= min(now_s - last_s, _MAX_COUNTED_S)
        last_s = now_s
    scope.reschedule(asyncio.get_running_loop().time())
