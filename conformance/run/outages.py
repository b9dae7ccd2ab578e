"""Requests that a target leaves unanswered: sent again alone, and held against it where they made it go away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.errors import NoResponse, Unanswered
from conformance.core.model import TransportFailure
from conformance.core.statuses import GATEWAY_ERRORS
from conformance.requests.framings import is_well_formed
from conformance.requests.rate_limits import asks_to_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from conformance.core.model import Exchange
    from conformance.requests import Draft

    Resend = Callable[[], Awaitable[Sequence[Exchange]]]
    SendControl = Callable[[], Awaitable[Exchange]]

RETURN_S = 30.0
"""How long a target that answers nothing may take to come back, such as by a supervisor; in seconds."""
_FIRST_PAUSE_S, _MAX_PAUSE_S = 0.1, 1.0
"""Between two attempts to reach a target that is away."""
_REPEATS, _OUTAGES = 4, 2
"""How often a request must go unanswered alone, and how often it must make the target go away, to be the cause."""
_MAX_LAST, _JUST_BEFORE_S, _SHOWN_BYTES = 3, 1.0, 60
"""How many of the requests that were answered last are named, how long before the end, and how much of their bodies."""
_LOST = frozenset({TransportFailure.CLOSED, TransportFailure.UNREACHABLE})


class UnconfirmedSilence(NoResponse):
    """A request was not answered, and could not be asked again, since the target answers nothing at all."""


@dataclass(slots=True, kw_only=True, eq=False)
class Loss:
    """Drafts that were sent together, and what came of them; `number` counts in the order of sending.

    `is_ordinary` says that they are acceptable requests as the run sends them all the time, `is_part` that they belong
    to a burst, `is_at_once` that they are one, `is_half_closed` that we closed our side of the connection.
    """

    drafts: Sequence[Draft]
    exchanges: Sequence[Exchange] = ()
    number: int = 0
    is_ordinary: bool = False
    is_part: bool = False
    is_at_once: bool = False
    is_half_closed: bool = False

    @property
    def exchange(self) -> Exchange:
        """The first exchange without an answer."""
        return next(item for item in self.exchanges if _is_lost(item))

    @property
    def may_be_cause(self) -> bool:
        """Whether the target may have read the request."""
        return self.exchange.failure is not TransportFailure.UNREACHABLE

    @property
    def may_be_legal(self) -> bool:
        """Whether a server that is well may close the connection, or the check judges that it did."""
        if len(self.drafts) > 1 or self.is_half_closed:
            return True
        return self.drafts[0].may_go_unanswered and not is_well_formed(self.exchanges[0].request)

    @property
    def may_be_crowded_out(self) -> bool:
        """Whether the connection was closed before anything was answered, as some targets do that have too many."""
        first = self.exchanges if self.is_at_once else self.exchanges[:1]
        return any(item.failure is TransportFailure.CLOSED and is_well_formed(item.request) for item in first)

    @property
    def is_for_check(self) -> bool:
        """Whether the check judges itself what came, or that nothing did."""
        return len(self.drafts) > 1 or self.drafts[0].may_go_unanswered or self.exchange.response is not None


def has_loss(exchanges: Sequence[Exchange]) -> bool:
    """Whether one of some requests got no answer of the target's own, other than by silence."""
    return any(map(_is_lost, exchanges))


def is_cut_off(exchanges: Sequence[Exchange]) -> bool:
    """Whether one of some requests found the connection closed, or none to be had."""
    return any(exchange.failure in _LOST for exchange in exchanges)


def is_silent(exchanges: Sequence[Exchange]) -> bool:
    """Whether one of some requests was not answered in time."""
    return any(exchange.failure is TransportFailure.TIMEOUT for exchange in exchanges)


def _is_lost(exchange: Exchange) -> bool:
    return exchange.failure in _LOST or (exchange.status in GATEWAY_ERRORS and not asks_to_wait(exchange))


def _is_unanswered(exchange: Exchange) -> bool:
    """Whether an acceptable request shows that the target is away."""
    return _is_lost(exchange) or exchange.failure is TransportFailure.TIMEOUT


@dataclass(slots=True, kw_only=True)
class Outages:
    """Tells requests that make a target go away from those that get no answer because it is away.

    `gone` says in a sentence that the target is gone for good; with `is_blamed` a request is held to be the cause.
    """

    return_s: float = field(default_factory=lambda: RETURN_S)
    gone: str = ""
    is_blamed: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _losses: list[Loss] = field(default_factory=list)
    _last_answered: str = ""
    _answered: deque[tuple[float, Exchange]] = field(default_factory=lambda: deque(maxlen=_MAX_LAST))

    @property
    def why_gone(self) -> str:
        """`gone`, with the requests that were answered last if none that was not is held to be the cause."""
        return self.gone if self.is_blamed else f"{self.gone}{self._last_answered}"

    def note_answers(self, loss: Loss) -> None:
        """Keeps what was answered last, other than ordinary requests: a target may go away just after its answer."""
        if not loss.is_ordinary:
            self._answered.extend((time.monotonic(), item) for item in loss.exchanges if item.response is not None)

    @contextlib.contextmanager
    def judging(self, loss: Loss) -> Iterator[None]:
        """Takes in a loss, which is one of the suspects until it is judged."""
        self._losses.append(loss)
        try:
            yield
        finally:
            self._losses.remove(loss)

    async def is_over(self, send_control: SendControl) -> bool:
        """Whether the target answers acceptable requests."""
        return not self.gone and not await self._is_away(send_control)

    async def examine(self, loss: Loss, send: Resend, send_control: SendControl) -> Sequence[Exchange]:
        """The exchanges of a request that was not answered, after it was sent again with nothing else in flight.

        Raises Unanswered if that is held against the target, and NoResponse if there is no verdict.
        """
        self.gone = self.gone or await self._away_for_good(send_control)
        if self.gone:
            raise self._verdict_on(loss)
        outages = 0
        for _ in range(1 if loss.may_be_legal else _REPEATS):
            loss.exchanges = await send()
            if not has_loss(loss.exchanges):
                return loss.exchanges
            while loss.may_be_cause and await self._is_away(send_control):
                outages += 1
                self.gone = await self._away_for_good(send_control, times=1 + outages)
                if self.gone or outages == _OUTAGES:
                    raise self._outage(loss)
                loss.exchanges = await send()
                if not has_loss(loss.exchanges):
                    return loss.exchanges
            if loss.exchange.response is not None:
                return loss.exchanges
        if loss.is_for_check or not loss.may_be_cause:
            return loss.exchanges
        raise Unanswered(
            f"{_name(loss.exchange)} must be answered, as the acceptable requests before and after it are, "
            f"and is not, alone as well: {loss.exchange.failure_detail}",
            exchange=loss.exchange,
        )

    async def _is_away(self, send_control: SendControl) -> bool:
        """Whether the target is away: it can't be reached, or leaves two acceptable requests in a row unanswered."""
        first = await send_control()
        if not _is_unanswered(first) or first.failure is TransportFailure.UNREACHABLE:
            return _is_unanswered(first)
        return _is_unanswered(await send_control())

    async def _away_for_good(self, send_control: SendControl, times: int = 1) -> str:
        """A sentence if the target does not come back; empty once it answers so many acceptable requests in a row."""
        start_s, slept_s, pause_s, answered = time.monotonic(), 0.0, _FIRST_PAUSE_S, 0
        while True:
            control = await send_control()
            answered = 0 if _is_unanswered(control) else answered + 1
            if answered == times:
                return ""
            if answered:
                continue
            if max(slept_s, time.monotonic() - start_s) >= self.return_s:
                self._last_answered = self._name_last_answered(start_s)
                return f"the target is gone: it has answered nothing for {self.return_s:g} s ({control.summary})"
            await self.sleep(pause_s)
            slept_s += pause_s
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)

    def _name_last_answered(self, gone_s: float) -> str:
        """The requests that were answered just before the target was gone; empty if there is none, or it hung."""
        named = [
            f"{item.request.method} {item.request.path} with {item.request.body[:_SHOWN_BYTES]!r}, {item.status}"
            for answered_s, item in reversed(self._answered)
            if answered_s > gone_s - _JUST_BEFORE_S
        ]
        return f"; answered just before that, the last one first: {'; '.join(named)}" if named else ""

    def _verdict_on(self, loss: Loss) -> NoResponse:
        """What a loss means if the target is gone: the first request that it read and left unanswered is to blame.

        Servers that handle requests in turn have answered all before that. Acceptable ones, which were answered
        before, are no suspects.
        """
        suspects = [item for item in self._losses if item.may_be_cause and not item.is_ordinary]
        if self.is_blamed or not suspects or loss is not min(suspects, key=lambda item: item.number):
            return NoResponse(f"no verdict: {self.why_gone}", exchange=loss.exchange)
        return self._outage(loss, others=len(suspects) - 1)

    def _outage(self, loss: Loss, others: int = 0) -> Unanswered:
        """The verdict on a request that made the target go away."""
        self.is_blamed = self.is_blamed or bool(self.gone)
        after = f"after it {self.gone}" if self.gone else "it was away for a while each time that this was sent alone"
        message = f"{_name(loss.exchange)} must not make the target stop answering, and {after}"
        if others:
            message += (
                f"; it is the first that was left unanswered, of {others + 1} in flight: "
                "to be sure which one is the cause, repeat with --jobs 1"
            )
        return Unanswered(message, exchange=loss.exchange, is_outage=True)


def _name(exchange: Exchange) -> str:
    return f"this request ({exchange.request.method} {exchange.request.path})"
