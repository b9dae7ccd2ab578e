"""Connections over time: how they end, how many requests they take, and what breaks off on them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.cases._steps import (
    RECOVERY,
    expect_new_connection_accepted,
    fact_of_documented_request,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, EVENTS_AND_BATCHES, FirstPer, Tier
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level, TransportFailure
from conformance.profile.facts import Rule
from conformance.requests import framings, send_on_one_connection
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.requests import Call
    from conformance.requests.steps import ExchangeSteps, Steps

REQUESTS_PER_CONNECTION, BROKEN_BODIES = 150, 60
_TRIES = 3
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
        last = _unannounced_end((yield from _converse(call, 3)))
        if last is None:
            return None
        lasts.append(last)
    raise Deviation(
        "an answer after which the connection is closed must say so with Connection: close",
        f"does not, {_TRIES} times of {_TRIES}",
        exchange=lasts[-1],
        expected="Connection: close in the answer, or an open connection",
        received=f"{lasts[-1].summary}, and a closed connection",
    )


@check("robustness.connection.many", "Many requests over one connection are all accepted.",
       fact=RECOVERY, kinds=EVENTS, **_MANY)  # fmt: skip
def many_requests(call: Call) -> Steps:
    """A busy client sends all its events over one connection, and what a server keeps of each adds up."""
    expect.control((yield call.control_request()))
    subject = f"of {REQUESTS_PER_CONNECTION} acceptable requests over one connection"
    answered = 0
    for number, exchange in enumerate((yield from _converse(call, REQUESTS_PER_CONNECTION)), 1):
        if exchange.failure is TransportFailure.CLOSED:
            break
        expect.accepted(exchange, f"number {number} {subject}", fact=fact_of_documented_request(call, RECOVERY))
        answered = number
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
