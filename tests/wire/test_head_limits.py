"""Answers that are mostly head or framing: what is read of them is bounded, on each of the three ways to send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from conformance.core.model import Request, TransportFailure
from conformance.wire import Redactor, Wire, parse_target
from conformance.wire.connections import Connections
from conformance.wire.decoding import MAX_READ_BYTES
from tests.hostile.targets import MAX_REPEATS, answer, endless_chunks, many_headers
from tests.support.scripted_server import ClientConnection, answer_always, scripted_server

if TYPE_CHECKING:
    from conformance.core.model import Response
    from tests.support.scripted_server import ConnectionScript

REQUEST = Request(method="POST", path="/")
WAYS = ("alone", "handwritten", "many")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = answer("200 OK", b"ok")


@dataclass(frozen=True)
class Prepared:
    """A request as bytes."""

    data: bytes = b"POST / HTTP/1.1\r\nHost: target\r\nContent-Length: 0\r\n\r\n"
    method: str = "POST"
    events: int = 0


async def send(way: str, url: str) -> tuple[Response | None, TransportFailure | None, str]:
    """The answer to a request that is sent in one of the ways, or the failure."""
    target = parse_target(url)
    if way == "many":
        connections: Connections[Prepared] = Connections(target, connections=1, deadline_s=10)
        (reply,) = await connections.send_in_order([Prepared()])
        await connections.aclose()
        return reply.response, reply.failure, reply.failure_detail
    async with Wire(target=target, redactor=Redactor({})) as wire:
        if way == "alone":
            exchange = await wire.exchange(REQUEST)
        else:
            (exchange,) = await wire.exchange_on_one_connection([REQUEST])
    return exchange.response, exchange.failure, exchange.failure_detail


def answered(way: str, script: ConnectionScript) -> tuple[Response | None, TransportFailure | None, str]:
    """The same, of a target that follows a script."""
    with scripted_server(script) as server:
        return asyncio.run(send(way, server.url))


def headers(count: int) -> bytes:
    """An answer with so many headers."""
    return answer("200 OK", b"ok", *(b"X-%d: y" % number for number in range(count - 1)))


def endless_reason(peer: ClientConnection) -> None:
    """A line that does not end."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 ")
    for _ in range(MAX_REPEATS):
        peer.send(b"O" * 65_536)


def endless_trailer(peer: ClientConnection) -> None:
    """A trailer that does not end, behind a chunk that came in two parts."""
    peer.read_request()
    peer.send(CHUNKED + b"2\r\no")
    peer.wait(0.05)
    peer.send(b"k\r\n0\r\nX: ")
    for _ in range(MAX_REPEATS):
        peer.send(b"y" * 65_536)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("script", "detail"),
    [
        (answer_always(headers(1_001)), "it has more than 1,000 headers"),
        (many_headers, "it has more than 1,000 headers"),
        (answer_always(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 33 + OK), "it has more than 32 interim answers"),
        (endless_reason, "it has more than 65,536 bytes in its head"),
        (endless_chunks, "it has more than 1,024 pieces in its body"),
        (answer_always(CHUNKED + b"2\r\nok\r\n0\r\n" + b"X: y\r\n" * 1_001), "it has more than 1,000 trailers"),
        (endless_trailer, "it has more than 65,536 bytes in its trailers"),
    ],
)
def test_what_is_over_a_limit_is_no_answer(way: str, script: ConnectionScript, detail: str) -> None:
    """It says which."""
    assert answered(way, script) == (None, TransportFailure.NOT_HTTP, f"the answer is not HTTP: {detail}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "data",
    [
        CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        CHUNKED + b"2;a=b\r\nok\r\n0;c\r\n" + b"X: y\r\n" * 999 + b"\r\n",
        headers(999),
        b"HTTP/1.1 102 Processing\r\n\r\n" * 32 + OK,
        OK.replace(b"OK", b"O" * 60_000),
    ],
    ids=["chunks", "trailers", "headers", "interim answers", "reason"],
)
def test_a_head_within_the_limits_is_read(way: str, data: bytes) -> None:
    """However unusual."""
    response, failure, _ = answered(way, answer_always(data))
    assert failure is None
    assert response is not None
    assert (response.status, response.body, response.truncated) == (200, b"ok", False)


@pytest.mark.parametrize("way", WAYS)
def test_chunks_are_read_up_to_a_size(way: str) -> None:
    """Extensions count: RFC 9112, section 7.1.1, asks servers for such a limit."""
    part, sent = b"1;" + b"a=b;" * 4_000 + b"\r\na\r\n", 0

    def script(peer: ClientConnection) -> None:
        nonlocal sent
        peer.read_request()
        peer.send(CHUNKED)
        for _ in range(MAX_REPEATS):
            peer.send(part)
            sent += len(part)

    response, failure, _ = answered(way, script)
    assert failure is None
    assert response is not None
    assert response.truncated
    assert 10 < len(response.body) < 100
    assert sent < 8 * MAX_READ_BYTES
