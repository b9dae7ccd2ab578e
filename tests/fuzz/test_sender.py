"""The fast sender: every answer is read to its end, and what is none is called by its name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from conformance.core.model import TransportFailure
from conformance.wire import parse_target
from conformance.wire.connections import Connections
from conformance.wire.throttle import Throttle
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
    """What so many requests over four connections come to."""

    async def run() -> list[Reply]:
        lanes: Connections[PreparedRequest] = Connections(
            parse_target(url), connections=4, deadline_s=deadline_s, throttle=Throttle(per_s) if per_s else None
        )
        replies: list[Reply] = []
        supply = iter([PreparedRequest()] * count)
        await lanes.send_all(lambda: next(supply, None), lambda _, reply, __: replies.append(reply))
        lanes.close()
        assert lanes.sent_count == count
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
    ids=["usual", "chunks", "interim", "until-closed", "closed-in-silence", "packed"],
)
def test_answers_are_read_to_their_end(script: ConnectionScript) -> None:
    """However they are framed; a connection that was closed between two requests is replaced."""
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
    """Wherever it is cut."""
    with scripted_server(_answer_slowly) as server:
        assert {(reply.status, reply.body) for reply in replies_to(server.url, 4)} == {(200, b"ok")}


@pytest.mark.parametrize(
    ("data", "mishap"),
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
def test_what_is_no_answer_is_a_mishap(data: bytes, mishap: TransportFailure) -> None:
    """The judge takes it from there."""
    with scripted_server(answer_once(data)) as server:
        assert [reply.failure for reply in replies_to(server.url, 3)] == [mishap] * 3


def test_bytes_after_an_answer_are_kept() -> None:
    """They belong to no answer, and the connection is not used again."""
    with scripted_server(answer_always(OK + b"more")) as server:
        assert [(reply.status, reply.bytes_after_response) for reply in replies_to(server.url, 3)] == [
            (200, b"more")
        ] * 3
        assert server.connections == 3


def test_an_answer_that_does_not_come_is_given_up() -> None:
    """After the deadline, for each request."""

    def silent(peer: ClientConnection) -> None:
        peer.read_request()
        peer.stay_silent()

    with scripted_server(silent) as server:
        replies = replies_to(server.url, 4, deadline_s=0.2)
    assert {reply.failure for reply in replies} == {TransportFailure.TIMEOUT}


def test_nobody_there_is_a_mishap() -> None:
    """And no exception."""
    with scripted_server(answer_always()) as server:
        url = server.url
    assert {reply.failure for reply in replies_to(url, 3)} == {TransportFailure.UNREACHABLE}


def test_the_throttle_holds_for_all_lanes() -> None:
    """Requests leave no faster than they may."""
    with scripted_server(answer_always()) as server:
        assert len(replies_to(server.url, 6, per_s=200)) == 6


def test_what_taking_a_reply_raises_comes_out() -> None:
    """A fault of ours ends the pour, and is not swallowed."""

    async def run(url: str) -> None:
        lanes: Connections[PreparedRequest] = Connections(parse_target(url), connections=2, deadline_s=5)

        def take(*_: object) -> None:
            raise LookupError("ours")

        try:
            await lanes.send_all(PreparedRequest, take)
        finally:
            lanes.close()

    with scripted_server(answer_always()) as server, pytest.raises(LookupError, match="ours"):
        asyncio.run(run(server.url))
