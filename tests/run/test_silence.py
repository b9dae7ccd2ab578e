"""Silence: it is held against a target only if it is asked again alone, and if this client had its time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from conformance.core.errors import NoResponse
from conformance.core.model import Request, TransportFailure
from conformance.requests import ConcurrentRequests, Conversation
from conformance.wire import Redactor, Wire, parse_target
from conformance.wire.deadline import client_deadline
from tests.run.test_sending import answer, call
from tests.selfcheck.test_independent_servers import report_of_run
from tests.support.fake_wires import FakeWire, sender_over
from tests.support.scripted_server import answer_always, scripted_server
from tests.targets.application import Application
from tests.targets.behaviour import Behaviour
from tests.targets.dialects import DIALECTS
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Exchange

SILENT = TransportFailure.TIMEOUT
BUSY_LOOP = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"


def silent_then_answered(count: int) -> FakeWire:
    """A wire whose first answers never come."""
    waiting = [SILENT] * count
    return FakeWire(lambda _: waiting.pop() if waiting else answer(200))


def test_what_was_not_answered_is_asked_again() -> None:
    """The check sees the second answer."""
    wire = silent_then_answered(1)
    assert asyncio.run(sender_over(wire).send(call().acceptable_request())).status == 200
    assert len(wire.sent) == 2


def test_it_is_asked_again_alone() -> None:
    """Nothing else is in flight meanwhile, and all others go on after it."""
    in_flight = []

    def silent_once(request: Request) -> TransportFailure | Exchange:
        in_flight.append(wire.in_flight)
        is_first = request.body == b"slow" and [item.body for item in wire.sent].count(b"slow") == 1
        return SILENT if is_first else answer(200)

    wire = FakeWire(silent_once)
    sender = sender_over(wire)

    async def all_at_once() -> list[Exchange]:
        slow = sender.send(call().acceptable_request().with_body_bytes(b"slow"))
        return await asyncio.gather(slow, *(sender.send(call().acceptable_request()) for _ in range(5)))

    assert {item.status for item in asyncio.run(all_at_once())} == {200}
    again = [index for index, item in enumerate(wire.sent) if item.body == b"slow"][1]
    assert in_flight[again] == 1


def test_silence_that_goes_on_is_silence() -> None:
    """Asked twice, the second time alone: that is the target's own."""
    wire = silent_then_answered(2)
    exchange = asyncio.run(sender_over(wire).send(call().acceptable_request()))
    assert exchange.failure is SILENT
    assert len(wire.sent) == 2


def test_a_target_that_has_gone_silent_is_no_verdict() -> None:
    """Where nothing at all is answered any more, asking each request again would only take time."""
    wire = FakeWire(lambda _: SILENT if len(wire.sent) > 1 else answer(200))
    sender = sender_over(wire)

    async def in_turn() -> None:
        for _ in range(3):
            await sender.send(call().acceptable_request())
        await sender.send(call().acceptable_request())

    with pytest.raises(NoResponse, match="nor to the requests before it"):
        asyncio.run(in_turn())
    assert len(wire.sent) == 1 + 2 * 2 + 1


def test_concurrent_requests_are_all_sent_again() -> None:
    """One that is silent among others is no news of one that is alone."""
    wire = silent_then_answered(1)
    drafts = tuple(call().acceptable_request() for _ in range(4))
    exchanges = asyncio.run(sender_over(wire).send_concurrently(ConcurrentRequests(drafts=drafts)))
    assert {item.status for item in exchanges} == {200}
    assert len(wire.sent) == 8


@pytest.mark.parametrize(("half_closed", "times"), [(False, 2), (True, 1)])
def test_a_conversation_is_had_again(half_closed: bool, times: int) -> None:  # noqa: FBT001 - a parameter
    """Unless we closed our side: then the target may wait for ever."""
    wire = silent_then_answered(1)
    talk = Conversation(drafts=(call().acceptable_request(),), is_half_closed=half_closed)
    asyncio.run(sender_over(wire).send_conversation(talk))
    assert len(wire.conversations) == times


def test_time_in_which_the_client_stood_still_does_not_count() -> None:
    """The answer is there, and nobody was awake to read it."""

    async def stalled() -> str:
        async with client_deadline(0.5):
            loop = asyncio.get_running_loop()
            loop.call_later(0.05, time.sleep, 0.8)
            await asyncio.sleep(0.2)
            return "read"

    assert asyncio.run(stalled()) == "read"


def test_a_deadline_ends_what_goes_on() -> None:
    """And not much later than it says."""

    async def endless() -> None:
        async with client_deadline(0.3):
            await asyncio.sleep(60)

    start_s = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(endless())
    assert time.monotonic() - start_s >= 0.3


def test_large_bodies_go_one_at_a_time() -> None:
    """Eight of four megabytes at once are each within a deadline that is for one."""
    request = Request(method="POST", path="/v1/batch", body=b"a" * 4_000_000)
    with scripted_server(answer_always()) as server:

        async def at_once() -> list[Exchange]:
            wire = Wire(target=parse_target(server.url), redactor=Redactor({}), deadline_s=3)
            async with wire:
                return await asyncio.gather(*(wire.exchange(request) for _ in range(8)))

        exchanges = asyncio.run(at_once())
    assert {item.status for item in exchanges} == {200}


@contextmanager
def busy_machine(loops: int) -> Iterator[None]:
    """So many processes that do nothing but compute, for a minute at most."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_starved_client_does_not_accuse() -> None:
    """A server that takes 0.3 s, beside busy loops, under a deadline of a second."""
    target = Application(DIALECTS["segmentstream"])
    with serve(target, Behaviour(delay_ms=300)) as url, busy_machine(2 * (os.cpu_count() or 1)):
        report = report_of_run(url, "segmentstream", "accept,size,robustness.types.main", deadline="1")
    assert [(item.name, item.message) for item in report.problems()] == []
