"""Waiting for a target that is starting: as long as it takes, and no longer than the user allows."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from conformance.contract import Contract
from conformance.profile import load
from conformance.requests import Keys
from conformance.run.plan import Plan
from conformance.run.startup import wait_for_target
from conformance.wire import parse_target
from conformance.wire.budget import Budget
from tests.support.scripted_server import ClientConnection, free_port, scripted_server

STARTING = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
THERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def plan_for(url: str, wait_s: float | None) -> Plan:
    """A plan that waits."""
    keys = Keys(write_key="Key-1", bearer=None)
    contract = Contract(load("segmentstream"))
    return Plan(target=parse_target(url), contract=contract, keys=keys, trials=(), wait_s=wait_s, deadline_s=1.0)


def test_a_target_is_asked_until_it_answers() -> None:
    """Closed connections and a proxy without a server are no answers; what is asked has no key."""

    def script(peer: ClientConnection) -> None:
        if peer.number > 1:
            peer.read_request()
            peer.send(STARTING if peer.number == 2 else THERE)

    with scripted_server(script) as server:
        plan = plan_for(server.url, 20.0)
        assert asyncio.run(wait_for_target(plan)) >= 2
        assert [item.target for item in server.received] == ["/", "/"]
        assert not any(b"Key-1" in f"{item.headers}".encode() for item in server.received)
        assert asyncio.run(wait_for_target(replace(plan, wait_s=None))) == 0


def test_waiting_ends() -> None:
    """At the time that the user named, or with the budget; what is wrong is said by the preflight."""
    url = f"http://127.0.0.1:{free_port()}"
    start_s = time.monotonic()
    assert asyncio.run(wait_for_target(plan_for(url, 0.3))) >= 1
    assert time.monotonic() - start_s < 10
    limited = replace(plan_for(url, 60.0), budget=Budget(requests=2))
    assert asyncio.run(wait_for_target(limited)) == 2
