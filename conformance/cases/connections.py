"""Connections over time: how they end, how many requests they take, and what breaks off on them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.cases._steps import (
    RECOVERY,
    closing_request,
    expect_new_connection_accepted,
    fact_of_documented_request,
    response_header,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, EVENTS_AND_BATCHES, FirstPer, Tier
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level, TransportFailure
from conformance.profile.facts import Rule
from conformance.requests import framings, send_concurrently, send_on_one_connection
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.requests import Call
    from conformance.requests.steps import ExchangeSteps, Steps

REQUESTS_PER_CONNECTION, BROKEN_BODIES, IDLE_CONNECTIONS = 150, 60, 16
_TRIES, _FEW = 3, 3
_MANY: CheckOptions = {"first_per": FirstPer.RUN, "exclusive": True, "tier": Tier.BURST}


def _converse(call: Call, count: int) -> ExchangeSteps:
    """Acceptable requests over one connection, which may end at any of them."""
    drafts = [call.acceptable_request().with_raw_writer(write_standard) for _ in range(count)]
    return (yield from send_on_one_connection(*(draft.allowing_no_answer() for draft in drafts)))


def _unannounced_end(exchanges: tuple[Exchange, ...]) -> Exchange | None:
    """The answer after which a connection was closed though it did not say so; None if there is none."""
    for exchange, following in pairwise(exchanges):
        if following.failure is TransportFailure.CLOSED:
            return exchange if exchange.response is not None and exchange.stays_open else None
    return None


@check("robustness.connection.announced", "A connection is closed only after an answer that says so.",
       fact=f"rules.{Rule.PERSISTENCE}", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def announced_end(call: Call) -> Steps:
    """A client that sends its next event over such a connection gets no answer, and does not know if it was kept."""
    expect.control((yield call.control_request()))
    lasts: list[Exchange] = []
    for _ in range(_TRIES):
        last = _unannounced_end((yield from _converse(call, _FEW)))
        if last is None:
            return None
        lasts.append(last)
    raise _unannounced_deviation(call, lasts[-1])


def _unannounced_deviation(call: Call, last: Exchange) -> Deviation:
    persistence = call.contract.fact(f"rules.{Rule.PERSISTENCE}")
    return Deviation(
        "an answer after which the connection is closed must say so with Connection: close",
        f"does not, {_TRIES} times of {_TRIES}; the next request over the connection has no answer",
        exchange=last,
        expected="Connection: close in the answer, or an open connection",
        received=f"{last.summary}, and a closed connection",
        level=persistence.level,
        sources=persistence.sources,
    )


@check("robustness.connection.dropped", "How many kept connections were closed without an answer is reported.",
       fact=f"rules.{Rule.PERSISTENCE}", kinds=EVENTS, max_level=Level.MAY, observes=True, first_per=FirstPer.RUN,
       exclusive=True)  # fmt: skip
def dropped(call: Call) -> Steps:
    """Clients send such a request again without a word, as this one does; events are there twice if it was taken."""
    expect.control((yield call.control_request()))
    kept = call.kept
    if not kept.used:
        raise NotApplicable("no connection was used twice")
    if not kept.closed:
        return "no kept connection was closed without an answer"
    share = max(0.1, 100 * kept.closed / kept.used)
    return f"{share:.1f} % of {kept.used:,} requests over kept connections had no answer, and were sent again"


@check("robustness.connection.closed", "A connection that is to be closed is closed.",
       fact=f"rules.{Rule.PERSISTENCE}", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def closed_as_said(call: Call) -> Steps:
    """Clients that wait for the end of a connection wait in vain, and connections add up until there are none left."""
    expect.control((yield call.control_request()))
    plain = call.acceptable_request().with_raw_writer(write_standard)
    for subject, draft in (
        ("a client that asked for its end", closing_request(call)),
        ("an acceptable request", plain),
    ):
        for attempt in range(1, _TRIES + 1):
            (exchange,) = yield from send_on_one_connection(replace(draft, awaits_end=True).allowing_no_answer())
            must_close = draft is not plain or "close" in (response_header(exchange, "connection") or "").lower()
            if exchange.response is None or not (exchange.is_left_open and must_close):
                break
            if attempt == _TRIES:
                raise _left_open_deviation(exchange, subject)
    return None


def _left_open_deviation(exchange: Exchange, subject: str) -> Deviation:
    return Deviation(
        f"the connection must be closed after Connection: close, in the answer to {subject} or before it",
        f"was still open after a second, {_TRIES} times of {_TRIES}",
        exchange=exchange,
        expected="the end of the connection",
        received=f"{exchange.summary}, and an open connection",
    )


@check("robustness.connection.beside-idle", "A new connection is served while sixteen others are idle.",
       fact=RECOVERY, kinds=EVENTS, **_MANY)  # fmt: skip
def beside_idle(call: Call) -> Steps:
    """Clients keep connections for later; a server that lends a worker to each of them has none left for others."""
    expect.control((yield call.control_request()))
    for exchange in (yield from send_concurrently(*(call.acceptable_request() for _ in range(IDLE_CONNECTIONS)))):
        if not expect.is_accepted(exchange):
            raise NotApplicable(f"not all of {IDLE_CONNECTIONS} requests at once are accepted: {exchange.summary}")
    subject = f"an acceptable request on a new connection while up to {IDLE_CONNECTIONS} others are idle"
    draft = call.acceptable_request().with_raw_writer(write_standard).with_header("Connection", "close")
    (exchange,) = yield from send_on_one_connection(draft.allowing_no_answer(may_time_out=True))
    if exchange.failure is TransportFailure.CLOSED:
        raise NotApplicable("the target closes connections beyond so many")
    if exchange.failure is TransportFailure.TIMEOUT:
        raise expect.hang_deviation(exchange, subject)
    if not expect.is_overloaded(exchange):
        expect.accepted(exchange, subject, fact=fact_of_documented_request(call, RECOVERY))
    return None


@check("robustness.connection.many", "Many requests over one connection are all accepted.",
       fact=RECOVERY, kinds=EVENTS, **_MANY)  # fmt: skip
def many_requests(call: Call) -> Steps:
    """A busy client sends all its events over one connection, and what a server keeps of each adds up."""
    expect.control((yield call.control_request()))
    subject = f"of {REQUESTS_PER_CONNECTION} acceptable requests over one connection"
    answered = 0
    lasts: list[Exchange] = []
    for _ in range(_TRIES):
        exchanges = yield from _converse(call, REQUESTS_PER_CONNECTION)
        for number, exchange in enumerate(exchanges, 1):
            if exchange.failure is TransportFailure.CLOSED:
                break
            expect.accepted(exchange, f"number {number} {subject}", fact=fact_of_documented_request(call, RECOVERY))
            answered = number
        if (last := _unannounced_end(exchanges)) is None or answered < _FEW:  # that is for another check
            break
        lasts.append(last)
    if len(lasts) == _TRIES:
        raise _unannounced_deviation(call, lasts[-1])
    yield from expect_new_connection_accepted(call, f"{answered} requests over another one")
    return f"{answered} requests were answered over one connection"


@check("robustness.connection.broken-off", "After sixty bodies that break off, an acceptable request is accepted.",
       fact=RECOVERY, kinds=EVENTS, max_level=Level.SHOULD, first_per=FirstPer.RUN, exclusive=True,
       tier=Tier.BURST)  # fmt: skip
def broken_bodies(call: Call) -> Steps:
    """Phones lose their network in the middle of a body; a server that keeps a place for each runs out of places."""
    control = yield call.control_request()
    expect.control(control)
    if control.url.startswith("https:"):
        raise NotApplicable("under TLS, a client can't close its side of a connection alone")
    for _ in range(BROKEN_BODIES):
        draft = call.acceptable_request().with_raw_writer(framings.write_length_too_large)
        (exchange,) = yield from send_on_one_connection(draft.allowing_no_answer(may_time_out=True), half_closed=True)
        if exchange.failure is TransportFailure.TIMEOUT:
            raise NotApplicable("the target waits for the rest, although the client has closed its side")
    subject = f"{BROKEN_BODIES} bodies that break off"
    yield from expect_new_connection_accepted(call, subject)
    expect.accepted(
        (yield call.acceptable_request()),
        f"an acceptable request after {subject}",
        fact=fact_of_documented_request(call, RECOVERY),
    )
    return None
