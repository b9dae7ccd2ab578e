"""Sending what checks yield: controls only now and then, and a 429 waited out instead of booked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.core.errors import NoResponse
from conformance.core.statuses import SERVER_ERROR, TOO_MANY_REQUESTS
from conformance.requests.rate_limits import FIRST_429, retry_after_s
from conformance.wire import MAX_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.contract import Operation
    from conformance.core.model import Exchange
    from conformance.requests import ConcurrentRequests, Conversation, Draft
    from conformance.run.circuit_breaker import CircuitBreaker
    from conformance.wire import Wire

_CONTROL_USES = 8
"""How many checks share one control before it is sent again."""
_ERRORS_BEFORE_REST, _REST_S = 8, 1.2
"""After so many failures of the server in a row it is left alone for so many seconds, to get its breath."""
_MAX_WAIT_S, _MAX_TOTAL_WAIT_S = 30.0, 120.0
"""How long a 429 is waited out at most, and in a whole run; in seconds."""
_MAX_TRIES = 4
_STILL_LIMITED = f"no verdict: the target went on answering 429 after {_MAX_TRIES} tries"


@dataclass(slots=True)
class _CachedControl:
    """A control that was accepted, and how many checks may still lean on it."""

    draft: Draft
    exchange: Exchange
    uses_left: int


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends drafts over a wire for a whole run.

    `waited_s` counts the seconds for which the run stood still because of 429s. With a `breaker`, sending
    raises Stopped once the target looks dead.
    """

    wire: Wire
    notable_exchanges: dict[str, Exchange] = field(default_factory=dict)
    waited_s: float = 0.0
    breaker: CircuitBreaker | None = None
    _control_cache: dict[Operation, _CachedControl] = field(default_factory=dict)
    _wait_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiters: int = 0
    _last_wait_end_s: float = 0.0
    _may_send: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._may_send.set()

    async def send(self, draft: Draft) -> Exchange:
        """One exchange. Raises NoAnswer where the target puts us off with 429s for good."""
        exchange = await self._send_uncounted(draft)
        if self.breaker is not None and not draft.is_control:
            self.breaker.record(draft, exchange)
            if self.breaker.server_errors == _ERRORS_BEFORE_REST:
                async with self._pause_others():
                    await asyncio.sleep(_REST_S)
        return exchange

    async def _send_uncounted(self, draft: Draft) -> Exchange:
        """As `send`, whatever it does to the breaker."""
        if draft.is_control:
            return await self._send_control(draft)
        if draft.pause_s:
            await asyncio.sleep(min(draft.pause_s, _MAX_WAIT_S))
        await self._may_send.wait()
        exchange = self._record(await self.wire.exchange(draft.build_request()))
        if exchange.status == TOO_MANY_REQUESTS and not draft.takes_429:
            exchange = await self._retry_while_limited(draft, exchange)
        return exchange

    async def send_concurrently(self, concurrent: ConcurrentRequests) -> tuple[Exchange, ...]:
        """Many exchanges, as many in flight as the wire allows a crowd.

        To the breaker they are one: what a crowd provokes says nothing of a target that is ill.
        """
        semaphore = asyncio.Semaphore(MAX_IN_FLIGHT)

        async def send_one(draft: Draft) -> Exchange:
            async with semaphore:
                return await self._send_uncounted(draft)

        exchanges = tuple(await asyncio.gather(*(send_one(draft) for draft in concurrent.drafts)))
        if self.breaker is not None and exchanges:
            self.breaker.record(concurrent.drafts[-1], exchanges[-1])
        return exchanges

    async def send_conversation(self, conversation: Conversation) -> tuple[Exchange, ...]:
        """The exchanges of one connection; the whole of it again where a 429 comes in between."""
        requests = [draft.build_request() for draft in conversation.drafts]
        refusal: Exchange | None = None
        for _ in range(_MAX_TRIES):
            await self._may_send.wait()
            exchanges = await self.wire.exchange_on_one_connection(
                requests, pipelined=conversation.is_pipelined, half_closed=conversation.is_half_closed
            )
            refusal = next((item for item in exchanges if item.status == TOO_MANY_REQUESTS), None)
            if refusal is None:
                return tuple(self._record(item) for item in exchanges)
            refused_s = time.monotonic()
            async with self._pause_others():
                if self._last_wait_end_s < refused_s:
                    await self._wait_as_asked(self._record(refusal))
        raise NoResponse(_STILL_LIMITED, exchange=refusal)

    async def _send_control(self, draft: Draft) -> Exchange:
        """A control: the last one of the operation, while it is fresh."""
        cached = self._control_cache.get(draft.operation)
        if cached is not None and cached.uses_left > 0:
            cached.uses_left -= 1
            return cached.exchange
        exchange = await self.send(replace(draft, is_control=False))
        if 0 < exchange.status < SERVER_ERROR:
            self._control_cache[draft.operation] = _CachedControl(draft, exchange, _CONTROL_USES)
        return exchange

    def _record(self, exchange: Exchange) -> Exchange:
        """An exchange; after one that looks like a failure of the target, no old control counts."""
        if exchange.response is None or exchange.status >= SERVER_ERROR:
            for control in self._control_cache.values():
                control.uses_left = 0
        if exchange.status == TOO_MANY_REQUESTS:
            self.notable_exchanges.setdefault(FIRST_429, exchange)
        return exchange

    @contextlib.asynccontextmanager
    async def _pause_others(self) -> AsyncIterator[None]:
        """Keeps all others from sending while one waits for the target's patience."""
        self._waiters += 1
        self._may_send.clear()
        try:
            async with self._wait_lock:
                yield
        finally:
            self._waiters -= 1
            if not self._waiters:
                self._may_send.set()

    async def _retry_while_limited(self, draft: Draft, exchange: Exchange) -> Exchange:
        """The answer after the target's patience has come back; a 429 only if it means this very request."""
        refused_s = time.monotonic()
        async with self._pause_others():
            for attempt in range(_MAX_TRIES):
                if attempt or self._last_wait_end_s < refused_s:
                    await self._wait_as_asked(exchange)
                exchange = await self.wire.exchange(draft.build_request())
                if exchange.status != TOO_MANY_REQUESTS:
                    return self._record(exchange)
            if await self._is_limited_by_content(draft):
                return exchange
        raise NoResponse(_STILL_LIMITED, exchange=exchange)

    async def _is_limited_by_content(self, draft: Draft) -> bool:
        """Whether a 429 is for this request alone: controls before and after it are accepted."""
        control = self._control_cache.get(draft.operation)
        if control is None:
            return False
        request = control.draft.build_request()
        before = await self.wire.exchange(request)
        again = await self.wire.exchange(draft.build_request())
        after = await self.wire.exchange(request)
        statuses = (before.status, again.status, after.status)
        return statuses == (control.exchange.status, TOO_MANY_REQUESTS, control.exchange.status)

    async def _wait_as_asked(self, exchange: Exchange) -> None:
        """Waits as long as a 429 asks for. Raises NoAnswer if that is too long."""
        wait_s = retry_after_s(exchange)
        if wait_s > _MAX_WAIT_S or self.waited_s + wait_s > _MAX_TOTAL_WAIT_S:
            raise NoResponse(
                f"no verdict: the target asks to wait {wait_s:g} s, longer than this run waits", exchange=exchange
            )
        self.waited_s += wait_s
        await asyncio.sleep(wait_s)
        self._last_wait_end_s = time.monotonic()
