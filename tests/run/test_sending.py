"""Sending what checks yield: shared controls, patience with 429s, volleys and conversations."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from conformance.contract import Contract
from conformance.core.errors import NoResponse, Stopped
from conformance.core.model import Exchange, Request, Response, TransportFailure
from conformance.profile import load
from conformance.requests import Call, ConcurrentRequests, Conversation, Draft, Keys
from conformance.requests.rate_limits import FIRST_429, retry_after_s
from conformance.run.circuit_breaker import CircuitBreaker
from conformance.run.rate_limit_waits import MAX_TRIES
from conformance.wire import MAX_IN_FLIGHT
from tests.support.fake_wires import FakeWire, sender_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.run.sender import Sender

KEYS = Keys(write_key="Key-12345")
ANY_REQUEST = Request(method="POST", path="/")


@cache
def contract() -> Contract:
    """A vendor's contract."""
    return Contract(load("segment"))


def call(number: int = 0) -> Call:
    """A call to one of its operations."""
    return Call(contract=contract(), operation=contract().operations[number], keys=KEYS)


def answer(status: int, **headers: str) -> Exchange:
    """An exchange that ended in a status."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Exchange(request=ANY_REQUEST, response=Response(status=status, headers=pairs))


RETRY_LATER = answer(429, Retry_After="0")


def sender_and_wire(*answers: Exchange) -> tuple[Sender, FakeWire]:
    """A sender that gets these answers, the last one again and again, and does not really wait; and its wire."""
    wire = FakeWire.in_turn(*answers)
    sender = sender_over(wire)
    sender.waits.sleep = lambda _: asyncio.sleep(0)
    return sender, wire


def send_in_turn(sender: Sender, drafts: Iterable[Draft]) -> list[Exchange]:
    """What comes of drafts, one after the other."""

    async def one_by_one() -> list[Exchange]:
        return [await sender.send(draft) for draft in drafts]

    return asyncio.run(one_by_one())


def test_a_control_is_shared_for_a_while() -> None:
    """Eight more checks lean on it, then it is sent again."""
    sender, wire = sender_and_wire(answer(200))
    exchanges = send_in_turn(sender, [call().control_request() for _ in range(10)])
    assert len(wire.sent) == 2
    assert {item.status for item in exchanges} == {200}


def test_controls_are_those_of_an_operation() -> None:
    """What one path accepts says nothing of another."""
    sender, wire = sender_and_wire(answer(200))
    send_in_turn(
        sender,
        [call(0).control_request(), call(1).control_request(), call(0).control_request(), call(1).control_request()],
    )
    assert [request.path for request in wire.sent] == [call(0).operation.path, call(1).operation.path]


def test_a_request_that_is_no_control_is_always_sent() -> None:
    """Nothing else is remembered."""
    sender, wire = sender_and_wire(answer(200))
    send_in_turn(sender, [call().control_request(), call().acceptable_request(), call().acceptable_request()])
    assert len(wire.sent) == 3


@pytest.mark.parametrize(
    "bad", [answer(500), Exchange(request=ANY_REQUEST, failure=TransportFailure.CLOSED)], ids=["500", "closed"]
)
def test_a_failure_makes_every_control_stale(bad: Exchange) -> None:
    """A target that has just failed may have stopped accepting anything."""
    sender, wire = sender_and_wire(answer(200), bad, answer(200))
    send_in_turn(sender, [call().control_request(), call(1).acceptable_request(), call().control_request()])
    assert len(wire.sent) == 3


def test_a_control_that_fails_is_not_kept() -> None:
    """The next check sends its own."""
    sender, wire = sender_and_wire(answer(503), answer(200))
    assert [item.status for item in send_in_turn(sender, [call().control_request(), call().control_request()])] == [
        503,
        200,
    ]
    assert len(wire.sent) == 2


def test_a_429_is_waited_out() -> None:
    """The check sees the answer after it, and the run says how long it stood still."""
    sender, wire = sender_and_wire(RETRY_LATER, answer(200))
    assert [item.status for item in send_in_turn(sender, [call().acceptable_request()])] == [200]
    assert len(wire.sent) == 2
    assert sender.waited_s > 0
    assert sender.shared_exchanges[FIRST_429] is RETRY_LATER


def test_an_impatient_request_takes_a_429_as_its_answer() -> None:
    """The checks of rate limits want to see it."""
    sender, wire = sender_and_wire(RETRY_LATER, answer(200))
    assert [item.status for item in send_in_turn(sender, [call().acceptable_request().taking_429()])] == [429]
    assert len(wire.sent) == 1


def test_a_429_that_never_ends_is_no_verdict() -> None:
    """Nothing is known of a promise whose request is put off for good."""
    sender, wire = sender_and_wire(RETRY_LATER)
    with pytest.raises(NoResponse, match="kept answering 429"):
        send_in_turn(sender, [call().acceptable_request()])
    assert len(wire.sent) == 1 + MAX_TRIES


@pytest.mark.parametrize("refusal", [RETRY_LATER, answer(503, Retry_After="0")], ids=["429", "503"])
def test_a_refusal_of_this_request_alone_is_its_answer(refusal: Exchange) -> None:
    """Where controls before and after it are accepted, it is no matter of rate."""
    wire = FakeWire(lambda request: refusal if request.body == b"{" else answer(200))
    sender = sender_over(wire)
    exchanges = send_in_turn(sender, [call().control_request(), call().acceptable_request().with_body_bytes(b"{")])
    assert [item.status for item in exchanges] == [200, refusal.status]


def test_a_503_without_a_time_to_come_back_is_an_answer() -> None:
    """Only with Retry-After does it ask clients to wait."""
    sender, wire = sender_and_wire(answer(503), answer(200))
    assert [item.status for item in send_in_turn(sender, [call().acceptable_request()])] == [503]
    assert len(wire.sent) == 1


@pytest.mark.parametrize("value", ["61", "3600"])
def test_nobody_waits_for_hours(value: str) -> None:
    """A time beyond a minute ends the check without a verdict, at once."""
    sender, wire = sender_and_wire(answer(429, Retry_After=value))
    with pytest.raises(NoResponse, match=f"asks to wait {value} s"):
        send_in_turn(sender, [call().acceptable_request()])
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("breaker", "error"), [(None, NoResponse), (CircuitBreaker(), Stopped)])
def test_a_run_waits_a_quarter_of_an_hour_at_most(breaker: CircuitBreaker | None, error: type[Exception]) -> None:
    """A target that puts everything off must not hold a pipeline up: nothing more is sent."""
    sender, wire = sender_and_wire(answer(429, Retry_After="5"))
    sender.breaker, sender.waits.total_s = breaker, 898.0
    with pytest.raises(error, match="898 s so far"):
        send_in_turn(sender, [call().acceptable_request()])
    assert len(wire.sent) == 1


def test_requests_that_are_all_put_off_end_a_run() -> None:
    """Nobody reads the same sentence hundreds of times."""
    sender, wire = sender_and_wire(answer(429, Retry_After="3600"))
    sender.breaker = CircuitBreaker()
    for _ in range(19):
        with pytest.raises(NoResponse):
            send_in_turn(sender, [call().acceptable_request()])
    with pytest.raises(Stopped, match=r"20 requests in a row were put off, the last one: .*3600 s"):
        send_in_turn(sender, [call().acceptable_request()])
    assert len(wire.sent) == 20


def test_all_stand_still_while_one_waits() -> None:
    """Whoever was refused goes first, one at a time; nobody else sends meanwhile."""
    sender, wire = sender_and_wire(RETRY_LATER, RETRY_LATER, answer(200))

    async def all_at_once() -> list[Exchange]:
        return list(await asyncio.gather(*(sender.send(call().acceptable_request()) for _ in range(6))))

    assert {item.status for item in asyncio.run(all_at_once())} == {200}
    assert len(wire.sent) == 8


def test_a_pause_comes_before_its_request() -> None:
    """And it is short however long a check asks for."""
    sender, wire = sender_and_wire(answer(200))
    assert [item.status for item in send_in_turn(sender, [call().acceptable_request().with_pause(0.01)])] == [200]
    assert len(wire.sent) == 1


def test_concurrent_requests_are_all_in_flight() -> None:
    """Sixteen are in flight, and the exchanges come in the order of the drafts."""
    statuses = [200, 400] * 20
    sender, wire = sender_and_wire(*(answer(status) for status in statuses), answer(200))
    drafts = tuple(call().acceptable_request() for _ in statuses)
    result = asyncio.run(sender.send_concurrently(ConcurrentRequests(drafts=drafts)))
    assert wire.max_in_flight == MAX_IN_FLIGHT
    assert [item.status for item in result] == statuses


def test_a_conversation_is_had_again_after_a_429() -> None:
    """The whole of it, for its connection may be gone."""
    sender, wire = sender_and_wire(answer(400), RETRY_LATER, answer(400), answer(200))
    talk = Conversation(drafts=(call().acceptable_request(), call().acceptable_request()), is_pipelined=True)
    result = asyncio.run(sender.send_conversation(talk))
    assert [item.status for item in result] == [400, 200]
    assert wire.conversations == [(2, True, False)] * 2


def test_a_conversation_that_only_gets_429s_is_no_verdict() -> None:
    """As with a single request."""
    sender, _ = sender_and_wire(RETRY_LATER)
    with pytest.raises(NoResponse):
        asyncio.run(sender.send_conversation(Conversation(drafts=(call().acceptable_request(),))))


RETRY_AFTER_VALUES: list[tuple[str, Callable[[float], bool]]] = [
    ("7", lambda found: found == 7),
    ("0.5", lambda found: found == 0.5),
    ("0", lambda found: 0 < found < 1),
    ("-3", lambda found: 0 < found < 1),
    ("soon", lambda found: found == 1),
    ("", lambda found: found == 1),
    ("nan", lambda found: found == 1),
    ("inf", lambda found: found > 1000),
    ("Wed, 21 Oct 2015 07:28:00 GMT", lambda found: 0 < found < 1),
    ("Fri, 31 Dec 9999 23:59:59 GMT", lambda found: found > 1000),
]


@pytest.mark.parametrize(("value", "fits"), RETRY_AFTER_VALUES)
def test_what_a_429_asks_for(value: str, fits: Callable[[float], bool]) -> None:
    """Seconds or a date; one second where it says nothing that can be read."""
    assert fits(retry_after_s(answer(429, Retry_After=value)))


def test_a_429_without_the_header_asks_for_a_second() -> None:
    """And so does an exchange without an answer."""
    assert retry_after_s(answer(429)) == 1
    assert retry_after_s(replace(RETRY_LATER, response=None)) == 1
