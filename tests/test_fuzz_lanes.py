"""The fast sender: every answer is read to its end, and what is none is called by its name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from conformance.model import Mishap
from conformance.wire import parse
from conformance.wire.lanes import Lanes
from conformance.wire.throttle import Throttle
from tests.sockets import OK, Peer, Script, answering, once, serving

if TYPE_CHECKING:
    from conformance.wire.answers import Reply


@dataclass(frozen=True)
class Shot:
    """A request that is ready to be sent."""

    data: bytes = b"POST / HTTP/1.1\r\nHost: target\r\nContent-Length: 2\r\n\r\n{}"
    method: str = "POST"
    events: int = 1


def poured(url: str, count: int, *, deadline_s: float = 5.0, per_s: float | None = None) -> list[Reply]:
    """What so many requests over four connections come to."""

    async def run() -> list[Reply]:
        lanes: Lanes[Shot] = Lanes(
            parse(url), connections=4, deadline_s=deadline_s, throttle=Throttle(per_s) if per_s else None
        )
        found: list[Reply] = []
        supply = iter([Shot()] * count)
        await lanes.pour(lambda: next(supply, None), lambda _, reply, __: found.append(reply))
        lanes.close()
        assert lanes.sent == count
        return found

    return asyncio.run(run())


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
OLD = b"HTTP/1.0 200 OK\r\n\r\nok"
PACKED = (
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\xcf\x06\x00G\xdd\xdcy\x02\x00\x00\x00"
)


@pytest.mark.parametrize(
    "script",
    [answering(), answering(CHUNKED), answering(INTERIM), once(OLD), once(OK), answering(PACKED)],
    ids=["usual", "chunks", "interim", "until-closed", "closed-in-silence", "packed"],
)
def test_answers_are_read_to_their_end(script: Script) -> None:
    """However they are framed; a connection that was closed between two requests is replaced."""
    with serving(script) as server:
        found = poured(server.url, 20)
    assert [(reply.status, reply.body, reply.mishap, reply.stray) for reply in found] == [
        (200, b"ok", None, b"")
    ] * 20


def _dribble(peer: Peer) -> None:
    """Answers byte by byte."""
    while True:
        peer.request()
        for number in range(len(OK)):
            peer.say(OK[number : number + 1])


def test_an_answer_in_pieces_is_put_together() -> None:
    """Wherever it is cut."""
    with serving(_dribble) as server:
        assert {(reply.status, reply.body) for reply in poured(server.url, 4)} == {(200, b"ok")}


@pytest.mark.parametrize(
    ("data", "mishap"),
    [
        (b"", Mishap.CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Mishap.CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Mishap.CLOSED),
        (b"220 mail.example ESMTP\r\n", Mishap.NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", Mishap.NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Mishap.NOT_HTTP),
    ],
    ids=["nothing", "half-a-head", "half-a-body", "mail", "two-lengths", "no-chunk"],
)
def test_what_is_no_answer_is_a_mishap(data: bytes, mishap: Mishap) -> None:
    """The judge takes it from there."""
    with serving(once(data)) as server:
        assert [reply.mishap for reply in poured(server.url, 3)] == [mishap] * 3


def test_bytes_after_an_answer_are_kept() -> None:
    """They belong to no answer, and the connection is not used again."""
    with serving(answering(OK + b"more")) as server:
        assert [(reply.status, reply.stray) for reply in poured(server.url, 3)] == [(200, b"more")] * 3
        assert server.connections == 3


def test_an_answer_that_does_not_come_is_given_up() -> None:
    """After the deadline, for each request."""

    def silent(peer: Peer) -> None:
        peer.request()
        peer.hold()

    with serving(silent) as server:
        found = poured(server.url, 4, deadline_s=0.2)
    assert {reply.mishap for reply in found} == {Mishap.TIMEOUT}


def test_nobody_there_is_a_mishap() -> None:
    """And no exception."""
    with serving(answering()) as server:
        url = server.url
    assert {reply.mishap for reply in poured(url, 3)} == {Mishap.UNREACHABLE}


def test_the_throttle_holds_for_all_lanes() -> None:
    """Requests leave no faster than they may."""
    with serving(answering()) as server:
        assert len(poured(server.url, 6, per_s=200)) == 6


def test_what_taking_a_reply_raises_comes_out() -> None:
    """A fault of ours ends the pour, and is not swallowed."""

    async def run(url: str) -> None:
        lanes: Lanes[Shot] = Lanes(parse(url), connections=2, deadline_s=5)

        def take(*_: object) -> None:
            raise LookupError("ours")

        try:
            await lanes.pour(Shot, take)
        finally:
            lanes.close()

    with serving(answering()) as server, pytest.raises(LookupError, match="ours"):
        asyncio.run(run(server.url))
