"""A deadline that does not count the time in which this client could not act itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

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


def client_deadline(seconds: float) -> contextlib.AbstractAsyncContextManager[None]:
    """Bounds what is done under it. Raises TimeoutError after so many seconds, not counting stalls of this client.

    On a machine that is busy with other things, an answer may be there long before this process can read it.
    """
    return _Deadline(seconds)


class _Deadline(contextlib.AbstractAsyncContextManager[None]):
    """A scope that ends when so much time has counted; a run has tens of thousands of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = self._left_s = seconds
        self._scope = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._scope.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._start_s = self._last_s = time.monotonic()
        self._timer = self._loop.call_later(min(TICK_S, self._left_s), self._count_down)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._scope.__aexit__(kind, error, traceback)

    def _count_down(self) -> None:
        """Takes off what has counted since the last look, and ends the scope if nothing is left."""
        now_s = time.monotonic()
        self._left_s -= min(now_s - self._last_s, _MAX_COUNTED_S)
        self._last_s = now_s
        if self._left_s > 0 and now_s - self._start_s < self._seconds * _MAX_STRETCH:
            self._timer = self._loop.call_later(min(TICK_S, self._left_s), self._count_down)
        else:
            self._scope.reschedule(self._loop.time())
