"""Sending what checks yield: controls only now and then, and a 429 waited out instead of booked."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.errors import NoAnswer
from conformance.wire import CROWD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.contract import Operation
    from conformance.engine.breaker import Breaker
    from conformance.model import Exchange
    from conformance.payloads import Conversation, Draft, Volley
    from conformance.wire import Wire

TOO_MANY = 429
LIMITED = "limited"
"""The key under which the first 429 of a run is kept."""

_USES = 8
"""How many checks share one control before it is sent again."""
_SERVER_ERROR = 500
_WORRYING, _REST_S = 8, 1.2
"""After so many failures of the server in a row it is left alone for so many seconds, to get its breath."""
_WAIT_S, _SHORTEST_S, _LONGEST_S, _BUDGET_S = 1.0, 0.05, 30.0, 120.0
"""How long a 429 is waited out that names no time, at least, at most, and in a whole run; in seconds."""
_TRIES = 4
_PUT_OFF = f"no verdict: the target went on answering 429 after {_TRIES} tries"


@dataclass(slots=True)
class _Control:
    """A control that was accepted, and how many checks may still lean on it."""

    draft: Draft
    exchange: Exchange
    uses: int


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends drafts over a wire for a whole run.

    `waited_s` counts the seconds for which the run stood still because of 429s. With a `breaker`, sending
    raises Stopped once the target looks dead.
    """

    wire: Wire
    seen: dict[str, Exchange] = field(default_factory=dict)
    waited_s: float = 0.0
    breaker: Breaker | None = None
    _controls: dict[Operation, _Control] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0
    _held_s: float = 0.0
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._open.set()

    async def send(self, draft: Draft) -> Exchange:
        """One exchange. Raises NoAnswer where the target puts us off with 429s for good."""
        exchange = await self._sent(draft)
        if self.breaker is not None and not draft.is_control:
            self.breaker.note(draft, exchange)
            if self.breaker.failed == _WORRYING:
                async with self._alone():
                    await asyncio.sleep(_REST_S)
        return exchange

    async def _sent(self, draft: Draft) -> Exchange:
        """As `send`, whatever it does to the breaker."""
        if draft.is_control:
            return await self._control(draft)
        if draft.pause_s:
            await asyncio.sleep(min(draft.pause_s, _LONGEST_S))
        await self._open.wait()
        exchange = self._noted(await self.wire.exchange(draft.request()))
        if exchange.status == TOO_MANY and not draft.is_impatient:
            exchange = await self._patiently(draft, exchange)
        return exchange

    async def volley(self, volley: Volley) -> tuple[Exchange, ...]:
        """Many exchanges, as many in flight as the wire allows a crowd.

        To the breaker they are one: what a crowd provokes says nothing of a target that is ill.
        """
        room = asyncio.Semaphore(CROWD)

        async def one(draft: Draft) -> Exchange:
            async with room:
                return await self._sent(draft)

        found = tuple(await asyncio.gather(*(one(draft) for draft in volley.drafts)))
        if self.breaker is not None and found:
            self.breaker.note(volley.drafts[-1], found[-1])
        return found

    async def converse(self, conversation: Conversation) -> tuple[Exchange, ...]:
        """The exchanges of one connection; the whole of it again where a 429 comes in between."""
        requests = [draft.request() for draft in conversation.drafts]
        for _ in range(_TRIES):
            await self._open.wait()
            found = await self.wire.converse(
                requests, pipelined=conversation.is_pipelined, half_closed=conversation.is_half_closed
            )
            limited = next((item for item in found if item.status == TOO_MANY), None)
            if limited is None:
                return tuple(self._noted(item) for item in found)
            refused_s = time.monotonic()
            async with self._alone():
                if self._held_s < refused_s:
                    await self._hold(self._noted(limited))
        raise NoAnswer(_PUT_OFF)

    async def _control(self, draft: Draft) -> Exchange:
        """A control: the last one of the operation, while it is fresh."""
        known = self._controls.get(draft.operation)
        if known is not None and known.uses > 0:
            known.uses -= 1
            return known.exchange
        exchange = await self.send(replace(draft, is_control=False))
        if 0 < exchange.status < _SERVER_ERROR:
            self._controls[draft.operation] = _Control(draft, exchange, _USES)
        return exchange

    def _noted(self, exchange: Exchange) -> Exchange:
        """An exchange; after one that looks like a failure of the target, no old control counts."""
        if exchange.response is None or exchange.status >= _SERVER_ERROR:
            for control in self._controls.values():
                control.uses = 0
        if exchange.status == TOO_MANY:
            self.seen.setdefault(LIMITED, exchange)
        return exchange

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Keeps all others from sending while one waits for the target's patience."""
        self._waiting += 1
        self._open.clear()
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._open.set()

    async def _patiently(self, draft: Draft, exchange: Exchange) -> Exchange:
        """The answer after the target's patience has come back; a 429 only if it means this very request."""
        refused_s = time.monotonic()
        async with self._alone():
            for attempt in range(_TRIES):
                if attempt or self._held_s < refused_s:
                    await self._hold(exchange)
                exchange = await self.wire.exchange(draft.request())
                if exchange.status != TOO_MANY:
                    return self._noted(exchange)
            if await self._means_it(draft):
                return exchange
        raise NoAnswer(_PUT_OFF)

    async def _means_it(self, draft: Draft) -> bool:
        """Whether a 429 is for this request alone: controls before and after it are accepted."""
        known = self._controls.get(draft.operation)
        if known is None:
            return False
        request = known.draft.request()
        before = await self.wire.exchange(request)
        again = await self.wire.exchange(draft.request())
        after = await self.wire.exchange(request)
        statuses = (before.status, again.status, after.status)
        return statuses == (known.exchange.status, TOO_MANY, known.exchange.status)

    async def _hold(self, exchange: Exchange) -> None:
        """Waits as long as a 429 asks for. Raises NoAnswer if that is too long."""
        wait_s = asked_s(exchange)
        if wait_s > _LONGEST_S or self.waited_s + wait_s > _BUDGET_S:
            raise NoAnswer(f"no verdict: the target asks to wait {wait_s:g} s, longer than this run waits")
        self.waited_s += wait_s
        await asyncio.sleep(wait_s)
        self._held_s = time.monotonic()


def asked_s(exchange: Exchange) -> float:
    """The seconds that a 429 asks to wait; one where it does not say."""
    response = exchange.response
    text = ((response.header("retry-after") if response else None) or "").strip()
    with contextlib.suppress(ValueError):
        if not math.isnan(float(text)):
            return max(float(text), _SHORTEST_S)
    try:
        then = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return _WAIT_S
    return max(then.timestamp() - time.time(), _SHORTEST_S)
