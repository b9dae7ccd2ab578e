"""Targets that close connections beyond so many, before a request arrives: what is lost so is sent again."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.errors import NotApplicable
from conformance.core.model import Outcome, Request, Response, TransportFailure
from conformance.profile import load
from conformance.requests import ConcurrentRequests, Conversation
from conformance.requests.framings import write_length_too_large
from conformance.run.execution import execute
from conformance.run.plan import build_plan
from conformance.settings import table
from conformance.wire import parse_target
from conformance.wire.connection_limit import find_connection_limit
from tests.run.test_sending import call
from tests.support.fake_wires import FakeWire, sender_over
from tests.targets.application import Application
from tests.targets.behaviour import STANDARD, Behaviour
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY
from tests.targets.server import serve

DIALECT = "segmentstream"


@pytest.mark.parametrize(
    ("behaviour", "limit"),
    [
        (Behaviour(max_connections=9), 9),
        (STANDARD, None),
        (Behaviour(idle_ms=50), None),
        (Behaviour(max_connections=0), None),
    ],
)
def test_the_limit_is_found(behaviour: Behaviour, limit: int | None) -> None:
    """What closes all connections, or none, has no limit."""
    with serve(Application(DIALECTS[DIALECT]), behaviour) as url:
        assert event_loop.run(find_connection_limit(parse_target(url))) == limit


def test_no_check_fails_on_a_target_with_a_limit() -> None:
    """What needs more connections than it keeps open is not applicable; all else is judged."""
    select = (
        "robustness.concurrency.*,robustness.recovery.*,values.message-id.at-once,rate-limit.refusal.status,auth.key.*"
    )
    settings = table.resolve({"write_key": KEY, "fuzz": "0", "select": [select], "allow": ["burst"]})
    with serve(Application(DIALECTS[DIALECT]), Behaviour(max_connections=9)) as url:
        plan = build_plan(settings, url, Contract(load(DIALECT)), CHECKS)
        verdicts = event_loop.run(execute(plan, lambda *_: None)).verdicts
    outcomes = {item.id: (item.outcome, item.message) for item in verdicts}
    assert {outcome for outcome, _ in outcomes.values()} <= {Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.OBSERVED}
    assert outcomes["values.message-id.at-once"][0] is Outcome.PASS
    outcome, message = outcomes["robustness.concurrency.events"]
    assert outcome is Outcome.NOT_APPLICABLE
    assert message.startswith("16 requests can't be in flight at once: the target keeps 9 connections open")


def losing(times: int, limit: int | None) -> FakeWire:
    """A wire over which so many requests are lost, after the first one was accepted."""
    numbers = itertools.count()

    def answer(_: Request) -> Response | TransportFailure:
        return TransportFailure.CLOSED if 0 < next(numbers) <= times else Response(status=200)

    return FakeWire(answer, limit=limit)


def dropping_every(number: int) -> FakeWire:
    """A wire over which one request in so many is lost."""
    numbers = itertools.count(1)
    return FakeWire(lambda _: TransportFailure.CLOSED if next(numbers) % number == 0 else Response(status=200))


def statuses_of(wire: FakeWire, step: ConcurrentRequests | Conversation) -> list[int]:
    """The statuses of some drafts, after one was accepted."""

    async def run() -> list[int]:
        sender = sender_over(wire)
        await sender.send_acceptable(call().acceptable_request())
        send = (
            sender.send_concurrently(step) if isinstance(step, ConcurrentRequests) else sender.send_conversation(step)
        )
        return [exchange.status for exchange in await send]

    return asyncio.run(run())


def test_what_is_lost_is_sent_again() -> None:
    """A burst that lost one request, by chance as well, and a conversation of which nothing was answered."""
    drafts = tuple(call().acceptable_request().allowing_no_answer() for _ in range(3))
    assert statuses_of(losing(1, None), ConcurrentRequests(drafts=drafts)) == [200] * 3
    assert statuses_of(losing(3, 9), ConcurrentRequests(drafts=drafts)) == [200] * 3
    assert 0 in statuses_of(dropping_every(7), ConcurrentRequests(drafts=drafts * 10))
    assert statuses_of(dropping_every(17), ConcurrentRequests(drafts=drafts * 10)) == [200] * 30
    assert statuses_of(losing(3, 9), Conversation(drafts=drafts)) == [200] * 3
    assert statuses_of(losing(3, None), Conversation(drafts=drafts)) == [0] * 3
    odd = tuple(draft.with_raw_writer(write_length_too_large) for draft in drafts)
    assert statuses_of(losing(3, 9), Conversation(drafts=odd)) == [0] * 3


def test_a_burst_that_needs_more_room_is_not_applicable() -> None:
    """The target may close what is beyond its limit."""
    drafts = tuple(call().acceptable_request().allowing_no_answer() for _ in range(30))
    with pytest.raises(NotApplicable, match="16 requests can't be in flight at once: the target keeps 9"):
        statuses_of(losing(5, 9), ConcurrentRequests(drafts=drafts))


def test_fewer_requests_are_in_flight_where_503_puts_off_too_many() -> None:
    """A target with room for three that lets the client wait would be asked for hours otherwise."""
    busy = Response(status=503, headers=(("Retry-After", "0"),))
    wire = FakeWire(lambda _: busy if wire.in_flight > 3 else Response(status=200))
    sender = sender_over(wire)
    sender.waits.sleep = lambda _: asyncio.sleep(0)
    refused_counts = []

    async def send_some() -> None:
        queue = iter(range(48))

        async def worker() -> None:
            for _ in queue:
                assert (await sender.send(call().acceptable_request())).status == 200

        await asyncio.gather(*(worker() for _ in range(8)))

    async def send_twice() -> None:
        for _ in range(2):
            wire.sent.clear()
            wire.max_in_flight = 0
            await send_some()
            refused_counts.append(len(wire.sent) - 48)

    asyncio.run(send_twice())
    assert refused_counts[0] > 0
    assert (refused_counts[1], wire.max_in_flight) == (0, 2)
