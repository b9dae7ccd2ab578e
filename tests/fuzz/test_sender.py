"""The sender of generated requests: responses are read to their end, failures have the right kind."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from conformance.contract import Contract
from conformance.core.model import TransportFailure
from conformance.fuzz.case import Case, Origin
from conformance.fuzz.sender import MAX_UNANSWERED, FuzzSender
from conformance.profile import load
from conformance.requests import PreflightResult
from conformance.wire import Redactor, Wire, parse_target
from conformance.wire.connections import Connections
from conformance.wire.throttle import Throttle
from tests.support.campaigns import KEYS
from tests.support.scripted_server import (
    OK,
    ClientConnection,
    ConnectionScript,
    answer_always,
    answer_once,
    scripted_server,
)

if TYPE_CHECKING:
    from conformance.wire.responses import Reply


@dataclass(frozen=True)
class PreparedRequest:
    """A request that is ready to be sent."""

    data: bytes = b"POST / HTTP/1.1\r\nHost: target\r\nContent-Length: 2\r\n\r\n{}"
    method: str = "POST"
    events: int = 1


def replies_to(url: str, count: int, *, deadline_s: float = 5.0, per_s: float | None = None) -> list[Reply]:
    """The replies to `count` requests over four connections."""

    async def run() -> list[Reply]:
        connections: Connections[PreparedRequest] = Connections(
            parse_target(url), connections=4, deadline_s=deadline_s, throttle=Throttle(per_s) if per_s else None
        )
        replies: list[Reply] = []
        requests = iter([PreparedRequest()] * count)
        await connections.send_all(lambda: next(requests, None), lambda _, reply, __: replies.append(reply))
        await connections.aclose()
        assert connections.sent_count == count
        return replies

    return asyncio.run(run())


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
HTTP_1_0_ANSWER = b"HTTP/1.0 200 OK\r\n\r\nok"
GZIP_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\xcf\x06\x00G\xdd\xdcy\x02\x00\x00\x00"
)


@pytest.mark.parametrize(
    "script",
    [
        answer_always(),
        answer_always(CHUNKED),
        answer_always(INTERIM),
        answer_once(HTTP_1_0_ANSWER),
        answer_once(OK),
        answer_always(GZIP_ANSWER),
    ],
    ids=["content-length", "chunks", "interim", "until-closed", "closed-silently", "gzip"],
)
def test_answers_are_read_to_their_end(script: ConnectionScript) -> None:
    """In every framing; a connection that was closed between two requests is replaced."""
    with scripted_server(script) as server:
        replies = replies_to(server.url, 20)
    assert [(reply.status, reply.body, reply.failure, reply.bytes_after_response) for reply in replies] == [
        (200, b"ok", None, b"")
    ] * 20


def _answer_slowly(peer: ClientConnection) -> None:
    """Answers byte by byte."""
    while True:
        peer.read_request()
        for number in range(len(OK)):
            peer.send(OK[number : number + 1])


def test_an_answer_in_pieces_is_put_together() -> None:
    """Even if each byte arrives alone."""
    with scripted_server(_answer_slowly) as server:
        assert {(reply.status, reply.body) for reply in replies_to(server.url, 4)} == {(200, b"ok")}


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"", TransportFailure.CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", TransportFailure.CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", TransportFailure.CLOSED),
        (b"220 mail.example ESMTP\r\n", TransportFailure.NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", TransportFailure.NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", TransportFailure.NOT_HTTP),
    ],
    ids=["nothing", "half-a-head", "half-a-body", "mail", "two-lengths", "no-chunk"],
)
def test_an_invalid_response_is_a_transport_failure(data: bytes, failure: TransportFailure) -> None:
    """Closed too early, or not HTTP."""
    with scripted_server(answer_once(data)) as server:
        assert [reply.failure for reply in replies_to(server.url, 3)] == [failure] * 3


def test_bytes_after_an_answer_are_kept() -> None:
    """They belong to no response, and the connection is not used again."""
    with scripted_server(answer_always(OK + b"more")) as server:
        assert [(reply.status, reply.bytes_after_response) for reply in replies_to(server.url, 3)] == [
            (200, b"more")
        ] * 3
        assert server.connections == 3


def test_a_missing_answer_times_out() -> None:
    """After the deadline, for each request."""

    def silent(peer: ClientConnection) -> None:
        peer.read_request()
        peer.stay_silent()

    with scripted_server(silent) as server:
        replies = replies_to(server.url, 4, deadline_s=0.2)
    assert {reply.failure for reply in replies} == {TransportFailure.TIMEOUT}


def test_an_unreachable_target_is_a_transport_failure() -> None:
    """It raises no exception."""
    with scripted_server(answer_always()) as server:
        url = server.url
    assert {reply.failure for reply in replies_to(url, 3)} == {TransportFailure.UNREACHABLE}


def test_the_throttle_holds_for_all_connections() -> None:
    """Requests are still sent under a rate limit."""
    with scripted_server(answer_always()) as server:
        assert len(replies_to(server.url, 6, per_s=200)) == 6


def test_an_exception_while_taking_a_reply_is_raised() -> None:
    """It ends the sending, and is not swallowed."""

    async def run(url: str) -> None:
        connections: Connections[PreparedRequest] = Connections(parse_target(url), connections=2, deadline_s=5)

        def on_reply(*_: object) -> None:
            raise LookupError("ours")

        try:
            await connections.send_all(PreparedRequest, on_reply)
        finally:
            await connections.aclose()

    with scripted_server(answer_always()) as server, pytest.raises(LookupError, match="ours"):
        asyncio.run(run(server.url))


def a_case(about: str, size: int = 0) -> Case:
    """A case with a body of at least `size` bytes."""
    return Case(call="POST /v1/track", origin=Origin.MUTATOR, about=about, body=b'{"a":"%b"}' % (b"x" * size))


def send_cases(
    url: str, cases: list[Case], *, max_time_s: float | None = None, deadline_s: float = 5.0
) -> tuple[bool, list[tuple[str, int, str]], FuzzSender]:
    """Whether all cases were sent; of each reply its case, status and the case before; and the sender."""

    async def run() -> tuple[bool, list[tuple[str, int, str]], FuzzSender]:
        wire = Wire(target=parse_target(url), redactor=Redactor({}), connections=1, deadline_s=deadline_s)
        replies: list[tuple[str, int, str]] = []

        def on_reply(case: Case, reply: Reply, previous: Case | None) -> None:
            replies.append((case.about, reply.status, previous.about if previous else ""))

        async with wire:
            sender = FuzzSender(Contract(load("rudderstack")), KEYS, wire, PreflightResult())
            end_s = None if max_time_s is None else time.monotonic() + max_time_s
            is_complete = await sender.send_all(iter(cases), on_reply, deadline_s=end_s)
            await sender.aclose()
        return is_complete, replies, sender

    return asyncio.run(run())


def test_large_cases_are_sent_last() -> None:
    """Alone, so that nothing was sent before them on their connection."""
    with scripted_server(answer_always()) as server:
        is_complete, replies, _ = send_cases(server.url, [a_case("large", 20_000), a_case("one"), a_case("two")])
    assert is_complete
    assert replies == [("one", 200, ""), ("two", 200, "one"), ("large", 200, "")]


def test_a_case_that_is_rate_limited_is_sent_again() -> None:
    """Its 429 is not a reply, nor does the next case follow it."""
    limited = [b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"]

    def limiting_once(peer: ClientConnection) -> None:
        while True:
            peer.read_request()
            peer.send(limited.pop() if limited else OK)

    with scripted_server(limiting_once) as server:
        is_complete, replies, _ = send_cases(server.url, [a_case("one"), a_case("two")])
        assert len(server.received) == 3
    assert is_complete
    assert sorted(about for about, _, __ in replies) == ["one", "two"]
    assert {status for _, status, __ in replies} == {200}


@pytest.mark.parametrize("size", [0, 20_000], ids=["small", "large"])
def test_sending_stops_when_the_time_is_up(size: int) -> None:
    """That not all cases were sent is reported; an end without cases left is complete."""
    with scripted_server(answer_always()) as server:
        assert send_cases(server.url, [a_case("one", size)], max_time_s=-1)[:2] == (False, [])
        assert send_cases(server.url, [], max_time_s=-1)[:2] == (True, [])


@pytest.mark.parametrize("size", [0, 20_000], ids=["small", "large"])
def test_sending_stops_when_the_target_no_longer_responds(size: int) -> None:
    """Whatever the size of the requests."""

    def silent(peer: ClientConnection) -> None:
        peer.read_request()
        peer.stay_silent()

    with scripted_server(silent) as server:
        cases = [a_case(f"{number}", size) for number in range(MAX_UNANSWERED + 5)]
        is_complete, replies, sender = send_cases(server.url, cases, deadline_s=0.05)
    assert not is_complete
    assert len(replies) == sender.unanswered == MAX_UNANSWERED
