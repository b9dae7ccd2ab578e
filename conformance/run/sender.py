"""Sends requests: reuses recent controls, waits where the target asks for it, and asks again after silence."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import NoResponse, Stopped
from conformance.core.model import TransportFailure
from conformance.core.statuses import SERVER_ERROR
from conformance.requests.kept_answers import keys_to_keep
from conformance.requests.rate_limits import asks_to_wait, first_refusal, weight_of
from conformance.run.bursts import replace_sporadic_losses, require_room, send_at_once
from conformance.run.circuit_breaker import CircuitBreaker
from conformance.run.control_cache import ControlCache
from conformance.run.outages import Loss, Outages, UnconfirmedSilence, has_loss, is_cut_off, is_silent
from conformance.run.rate_limit_waits import MAX_WAIT_S, RateLimitWaits, WaitsUsedUp, still_limited
from conformance.run.refusal_proof import is_refused_for_content
from conformance.run.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from conformance.contract import Operation
    from conformance.core.model import Exchange
    from conformance.requests import ConcurrentRequests, Conversation, Draft
    from conformance.run.sink_steps import SinkView
    from conformance.wire import Wire
    from conformance.wire.browser import BrowserPage

    Send = Callable[[], Awaitable[Sequence[Exchange]]]

_ERRORS_BEFORE_REST, _REST_S = 8, 1.2
"""The pause after this many consecutive server errors, in seconds."""
_FIRST_PAUSE_S, _MAX_PAUSE_S = 0.15, 1.2
"""Between requests over one connection that a rate limit refused without pauses, in seconds."""
_MAX_SILENCES = 2
"""After so many requests in a row that were not answered even alone, no more are asked again."""


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends drafts over a wire for a whole run.

    With a `breaker`, sending raises Stopped once the target is gone or keeps failing. `shared_exchanges` are kept for
    checks that look at an earlier request, `acceptable_drafts` are those of operations that were accepted.
    `progress_counts` count what was reached, `answer_count` the whole answers that are no failures.
    """

    wire: Wire
    shared_exchanges: dict[str, Exchange] = field(default_factory=dict)
    acceptable_drafts: dict[Operation, Draft] = field(default_factory=dict)
    waits: RateLimitWaits = field(default_factory=RateLimitWaits)
    breaker: CircuitBreaker | None = None
    progress_counts: list[Callable[[], int]] = field(default_factory=list)
    answer_count: int = 0
    _controls: ControlCache = field(default_factory=ControlCache)
    outages: Outages = field(default_factory=Outages)
    page: BrowserPage | None = None  # of a real browser
    sink: SinkView | None = None
    _traffic: Traffic = field(default_factory=Traffic)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _silences: int = 0
    _is_answered: bool = False

    @property
    def waited_s(self) -> float:
        """The time spent waiting where the target asked for it, in seconds."""
        return self.waits.total_s

    def start_over(self) -> None:
        """Forgets failures, and from now on raises Stopped once there are too many."""
        self.breaker = CircuitBreaker()
        self.outages.gone, self.outages.is_blamed = "", False

    async def send(self, draft: Draft, *, is_ordinary: bool = False) -> Exchange:
        """Sends one draft; `is_ordinary` says that ones like it are accepted all the time.

        Raises NoResponse if the target keeps asking to wait, and Unanswered if it does not answer this alone.
        """
        try:
            exchange = await self._send_uncounted(draft, is_ordinary=is_ordinary)
        except UnconfirmedSilence as silence:
            if self.breaker is not None and silence.exchange is not None:
                self.breaker.record(draft, silence.exchange)
            raise
        if self.breaker is not None and not draft.is_control:
            self.breaker.record(draft, exchange)
            if self.breaker.server_errors == _ERRORS_BEFORE_REST:
                async with self._traffic.pause_others():
                    await asyncio.sleep(_REST_S)
        return exchange

    async def send_acceptable(self, draft: Draft) -> Exchange:
        """Sends a draft that is meant to be acceptable; it is one of `acceptable_drafts` if it is accepted."""
        exchange = await self.send(draft)
        if draft.path is None and expect.is_accepted(exchange):
            self.acceptable_drafts.setdefault(draft.operation, draft)
        return exchange

    async def _send_uncounted(self, draft: Draft, *, is_part: bool = False, is_ordinary: bool = False) -> Exchange:
        """Sends one draft, without the circuit breaker."""
        if draft.is_control:
            return await self._send_control(draft)
        if draft.pause_s:
            await asyncio.sleep(min(draft.pause_s, MAX_WAIT_S))
        request = draft.build_request()

        async def send() -> Sequence[Exchange]:
            return (await self.wire.exchange(request),)

        loss = Loss(drafts=(draft,), is_ordinary=is_ordinary, is_part=is_part)
        (exchange,) = await self._send_patiently(loss, send, takes_refusal=draft.takes_429)
        return exchange

    async def send_concurrently(self, concurrent: ConcurrentRequests) -> tuple[Exchange, ...]:
        """Sends many drafts at once, as many in flight as the wire allows; all of them again if one is not answered.

        For the circuit breaker they count as one request: a burst may fail on a target that is well.
        """
        drafts = concurrent.drafts
        require_room(drafts, self.wire.connection_limit)

        async def send_one(draft: Draft) -> Exchange:
            return await self._send_uncounted(draft, is_part=True)

        async def send_all() -> Sequence[Exchange]:
            return await send_at_once(drafts, lambda draft: self.wire.exchange(draft.build_request()))

        loss = Loss(drafts=drafts, number=next(self._numbers), is_at_once=True)
        exchanges = await send_at_once(drafts, send_one)
        if is_silent(exchanges):
            exchanges = await send_at_once(drafts, send_one)
        elif is_cut_off(exchanges):
            loss.exchanges = exchanges
            exchanges = await replace_sporadic_losses(drafts, await self._look_into(loss, send_all), send_one)
        if self.breaker is not None and exchanges:
            self.breaker.record(concurrent.drafts[-1], exchanges[-1])
        return exchanges

    async def send_conversation(self, conversation: Conversation) -> tuple[Exchange, ...]:
        """Sends drafts over one connection; all of them again where one would be sent again. Raises NoResponse.

        Where a rate limit has no room for so many in a row, there are pauses between them.
        """
        requests, pause_s = [draft.build_request() for draft in conversation.drafts], 0.0

        async def send() -> Sequence[Exchange]:
            nonlocal pause_s
            exchanges = await self.wire.exchange_on_one_connection(
                requests, pipelined=conversation.is_pipelined, half_closed=conversation.is_half_closed, pause_s=pause_s
            )
            if len(requests) > 1 and first_refusal(exchanges):
                pause_s = min(max(2 * pause_s, _FIRST_PAUSE_S), _MAX_PAUSE_S)
            return exchanges

        loss = Loss(drafts=conversation.drafts, is_half_closed=conversation.is_half_closed)
        return await self._send_patiently(loss, send)

    async def _send_patiently(self, loss: Loss, send: Send, *, takes_refusal: bool = False) -> tuple[Exchange, ...]:
        """The exchanges of drafts; after silence, an outage or a rate limit, those of another try."""
        await self._traffic.wait_for_turn()
        if self.outages.gone:
            raise NoResponse(self.outages.why_gone) if self.breaker is None else Stopped(self.outages.why_gone)
        loss.number = next(self._numbers)
        async with self._traffic.count_one(is_part=loss.is_part):
            loss.exchanges = exchanges = self._record(await send())
        self.outages.note_answers(loss)
        if not loss.is_part:
            if is_silent(exchanges) and not loss.is_half_closed:
                exchanges = await self._ask_alone(exchanges, send)
            elif has_loss(exchanges):
                exchanges = await self._look_into(loss, send)
        if not takes_refusal and first_refusal(exchanges):
            exchanges = await self._outlast_limit(loss.drafts, exchanges, send)
        return exchanges

    async def _look_into(self, loss: Loss, send: Send) -> tuple[Exchange, ...]:
        """The exchanges of drafts that were not answered, of another try where that tells more.

        Raises Unanswered if that is held against the target. If nothing was accepted yet, nothing can be told.
        """
        drafts = self.acceptable_drafts
        control = drafts.get(loss.drafts[0].operation) or next(iter(drafts.values()), None)
        if control is None:
            return tuple(loss.exchanges)
        request = control.build_request()

        async def send_control() -> Exchange:
            return self._record((await self.wire.exchange(request),))[0]

        async def send_again() -> Sequence[Exchange]:
            return self._record(await send())

        with self.outages.judging(loss):
            if is_crowded := loss.may_be_crowded_out and await self._is_crowded():
                require_room(loss.drafts if loss.is_at_once else (), self.wire.connection_limit)
            if is_crowded or (loss.is_at_once and await self.outages.is_over(send_control)):
                exchanges = await send_again()
                if not has_loss(exchanges):
                    return tuple(exchanges)
            if loss.may_be_legal and await self.outages.is_over(send_control):
                return tuple(loss.exchanges)
            async with self._traffic.alone():
                await self.wire.close_connections()
                return tuple(await self.outages.examine(loss, send_again, send_control))

    async def _is_crowded(self) -> bool:
        """Whether the target closes connections beyond so many; if it does, fewer are used from now on."""
        async with self._traffic.alone():
            return await self.wire.find_connection_limit() is not None

    async def _send_control(self, draft: Draft) -> Exchange:
        """A recent exchange of a control of the operation, or a new one."""
        if (recent := self._controls.reuse(draft.operation)) is not None:
            return recent
        exchange = await self.send(replace(draft, is_control=False), is_ordinary=True)
        if 0 < exchange.status < SERVER_ERROR:
            self._controls.keep(draft, exchange)
        return exchange

    def _record(self, exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
        """Keeps the first answers of some kinds, and discards reused controls once the target looks failing."""
        for exchange in exchanges:
            if exchange.response is None or exchange.status >= SERVER_ERROR:
                self._controls.expire()
            if exchange.response is not None:
                self._is_answered, self._silences = True, 0
                is_whole = not (asks_to_wait(exchange) or exchange.response.truncated)
                self.answer_count += is_whole and exchange.status < SERVER_ERROR
            for key in keys_to_keep(exchange):
                self.shared_exchanges.setdefault(key, exchange)
        return tuple(exchanges)

    async def _ask_alone(self, exchanges: tuple[Exchange, ...], send: Send) -> tuple[Exchange, ...]:
        """Sends again what was not answered, with nothing else in flight.

        Raises NoResponse if the target has stopped answering anything, so that asking again would prove nothing.
        """
        async with self._traffic.alone():
            if self._silences >= (_MAX_SILENCES if self._is_answered else 1):
                if not self._is_answered:
                    return exchanges
                silence = next(item for item in exchanges if item.failure is TransportFailure.TIMEOUT)
                raise UnconfirmedSilence(
                    f"no verdict: {silence.failure_detail}, nor to the requests before it", exchange=silence
                )
            self._silences += 1
            return self._record(await send())

    async def _outlast_limit(
        self, drafts: Sequence[Draft], exchanges: tuple[Exchange, ...], send: Send
    ) -> tuple[Exchange, ...]:
        """The exchanges after the rate limit has let them pass; with a refusal only if it is about their content."""
        refused_s, tries, waited_s = time.monotonic(), 0, 0.0
        weights = [weight_of(draft) for draft in drafts]
        async with self._traffic.pause_others():
            refusal = first_refusal(exchanges)
            while refusal is not None:
                if tries == 1 and await self._is_refused_for_content(drafts, refusal, send):
                    break
                if self.waits.is_given_up(weights, tries, waited_s):
                    raise self._put_off(NoResponse(still_limited(refusal, tries), exchange=refusal))
                await self.wire.close_connections()  # some limits count those that are open
                try:
                    if tries or self.waits.last_end_s < refused_s:
                        waited_s += await self.waits.wait(refusal, waited_s)
                except NoResponse as failure:
                    if await self._is_refused_for_content(drafts, refusal, send):
                        break
                    raise self._put_off(failure) from None
                exchanges = self._record(await send())
                tries, last_refusal, refusal = tries + 1, refusal, first_refusal(exchanges)
                self.waits.learn(last_refusal, waited_s, is_enough=refusal is None)
                if refusal is None and self.waits.shows_overload(last_refusal):
                    self._traffic.limit(self.wire.use_fewer_connections())
            return exchanges

    def _put_off(self, failure: NoResponse) -> NoResponse | Stopped:
        """The failure of a request that is put off for good; it ends a run that has no time left for waits."""
        if self.breaker is None:
            return failure
        if isinstance(failure, WaitsUsedUp):
            return Stopped(str(failure))
        self.breaker.record_put_off(failure)
        return failure

    async def _is_refused_for_content(self, drafts: Sequence[Draft], refusal: Exchange, send: Send) -> bool:
        """Whether only these drafts are refused: acceptable requests of the same weight are accepted in between."""
        controls = [self._controls.equal_to(draft, self.acceptable_drafts.get(draft.operation)) for draft in drafts]
        await self._traffic.wait_until_idle()

        async def repeat() -> Sequence[Exchange]:
            return self._record(await send())

        return await is_refused_for_content(refusal, controls, repeat, self.wire.exchange)
