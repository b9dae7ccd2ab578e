"""Sends requests: reuses recent results of controls, and retries after a 429 instead of reporting it."""

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
"""The number of checks that share one control before it is sent again."""
_ERRORS_BEFORE_REST, _REST_S = 8, 1.2
"""The pause after this many consecutive server errors, in seconds."""
_MAX_WAIT_S, _MAX_TOTAL_WAIT_S = 30.0, 120.0
"""The longest wait after one 429, and of all waits in a run; in seconds."""
_MAX_TRIES = 4
_STILL_LIMITED = f"no verdict: the target kept answering 429 after {_MAX_TRIES} tries"


@dataclass(slots=True)
class _CachedControl:
    """A control that was accepted, and the number of checks that may still reuse it."""

    draft: Draft
    exchange: Exchange
    uses_left: int


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends drafts over a wire for a whole run.

    `waited_s` is the time spent waiting after 429s, in seconds. With a `breaker`, sending raises Stopped once
    the target is gone or keeps failing. `shared_exchanges` are kept for checks that look at an earlier request.
    """

    wire: Wire
    shared_exchanges: dict[str, Exchange] = field(default_factory=dict)
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
        """Sends one draft. Raises NoResponse if the target keeps answering 429."""
        exchange = await self._send_uncounted(draft)
        if self.breaker is not None and not draft.is_control:
            self.breaker.record(draft, exchange)
            if self.breaker.server_errors == _ERRORS_BEFORE_REST:
                async with self._pause_others():
                    await asyncio.sleep(_REST_S)
        return exchange

    async def _send_uncounted(self, draft: Draft) -> Exchange:
        """Sends one draft, without the circuit breaker."""
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
        """Sends many drafts at once, as many in flight as the wire allows.

        For the circuit breaker they count as one request: a burst may fail on a target that is well.
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
        """Sends drafts over one connection; all of them again after a 429. Raises NoResponse if that goes on."""
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
        """The exchange of a control: a recent one of the operation, or a new one."""
        cached = self._control_cache.get(draft.operation)
        if cached is not None and cached.uses_left > 0:
            cached.uses_left -= 1
            return cached.exchange
        exchange = await self.send(replace(draft, is_control=False))
        if 0 < exchange.status < SERVER_ERROR:
            self._control_cache[draft.operation] = _CachedControl(draft, exchange, _CONTROL_USES)
        return exchange

    def _record(self, exchange: Exchange) -> Exchange:
        """Keeps the first 429, and discards all reused controls once the target looks failing."""
        if exchange.response is None or exchange.status >= SERVER_ERROR:
            for control in self._control_cache.values():
                control.uses_left = 0
        if exchange.status == TOO_MANY_REQUESTS:
            self.shared_exchanges.setdefault(FIRST_429, exchange)
        return exchange

    @contextlib.asynccontextmanager
    async def _pause_others(self) -> AsyncIterator[None]:
        """Blocks all other requests while one waits for the rate limit to reset."""
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
        """The exchange after the rate limit was reset; with a 429 only if that is about the request's content."""
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
        """Whether only this request gets a 429: controls before and after it are accepted."""
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
        """Waits as long as a 429 asks for. Raises NoResponse if that is too long."""
        wait_s = retry_after_s(exchange)
        if wait_s > _MAX_WAIT_S or self.waited_s + wait_s > _MAX_TOTAL_WAIT_S:
            raise NoResponse(
                f"no verdict: the target asks to wait {wait_s:g} s, longer than this run waits", exchange=exchange
            )
        self.waited_s += wait_s
        await asyncio.sleep(wait_s)
        self._last_wait_end_s = time.monotonic()
