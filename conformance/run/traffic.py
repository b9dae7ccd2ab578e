"""The requests in flight: one that must be alone makes all others wait."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@dataclass(slots=True)
class Traffic:
    """Counts the requests in flight, and keeps new ones back while one of them has to be alone."""

    _wait_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiters: int = 0
    _in_flight: int = 0
    _may_send: asyncio.Event = field(default_factory=asyncio.Event)
    _is_idle: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Semaphore | None = None

    def __post_init__(self) -> None:
        self._may_send.set()
        self._is_idle.set()

    async def wait_for_turn(self) -> None:
        """Waits until nothing has to be alone."""
        await self._may_send.wait()

    def limit(self, requests: int) -> None:
        """From now on, no more than so many requests are in flight, besides those of bursts."""
        self._room = asyncio.Semaphore(requests)

    @contextlib.asynccontextmanager
    async def count_one(self, *, is_part: bool = False) -> AsyncIterator[None]:
        """Counts what is sent under it as in flight, once there is room for it. `is_part` is for requests of bursts."""
        async with self._room if self._room is not None and not is_part else contextlib.nullcontext():
            await self.wait_for_turn()
            with self._counting():
                yield

    @contextlib.contextmanager
    def _counting(self) -> Iterator[None]:
        self._in_flight += 1
        self._is_idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._is_idle.set()

    @contextlib.asynccontextmanager
    async def pause_others(self) -> AsyncIterator[None]:
        """Keeps back all other requests; what is in flight goes on."""
        self._waiters += 1
        self._may_send.clear()
        try:
            async with self._wait_lock:
                yield
        finally:
            self._waiters -= 1
            if not self._waiters:
                self._may_send.set()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keeps back all other requests, and waits for what is in flight."""
        async with self.pause_others():
            await self.wait_until_idle()
            yield

    async def wait_until_idle(self) -> None:
        """Waits until nothing is in flight."""
        await self._is_idle.wait()
