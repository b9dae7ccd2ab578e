"""Connections that are written by hand: what goes out, and how answers are told apart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from conformance.model import Exchange, Mishap, Request
from conformance.payloads.spelling import spell, start_line, usual
from conformance.wire import Redactor, Wire, parse
from tests.sockets import OK, GoneError, Peer, answering, free_port, once, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import Spelling

CANARY = "Canary-Key-4711"
EVENT = Request(method="POST", path="/v1/track", headers=(("Content-Type", "application/json"),), body=b"{}")


def talked(
    url: str, *requests: Request, pipelined: bool = False, half_closed: bool = False, deadline_s: float = 10.0
) -> list[Exchange]:
    """What comes of requests on one connection."""

    async def talk() -> list[Exchange]:
        wire = Wire(target=parse(url), redactor=Redactor({CANARY: "$KEY"}), deadline_s=deadline_s)
        async with wire:
            return await wire.converse(requests or (EVENT,), pipelined=pipelined, half_closed=half_closed)

    return asyncio.run(talk())


def event(spelling: Spelling | None = None, method: str = "POST", body: bytes = b"{}") -> Request:
    """A request, spelled by hand."""
    return Request(method=method, path="/v1/track", body=body, spelling=spelling)


def test_a_request_is_written_as_a_client_would() -> None:
    """With its host, its headers and its length, under the prefix of the target."""
    with serving(answering()) as server:
        (found,) = talked(f"{server.url}/in", EVENT)
    (received,) = server.received
    assert (received.method, received.target, received.body) == ("POST", "/in/v1/track", b"{}")
    assert received.values("host") == [server.url.removeprefix("http://")]
    assert received.values("content-length") == ["2"]
    assert (found.status, found.stray, found.is_open) == (200, b"", True)


def test_a_query_is_escaped() -> None:
    """As an address wants it."""
    request = Request(method="GET", path="/p", query=(("data", "a+b/c= d"),))
    assert start_line(request, "/x") == "GET /x/p?data=a%2Bb%2Fc%3D%20d HTTP/1.1"


def test_one_connection_carries_all() -> None:
    """Each request follows the answer to the one before."""
    with serving(answering()) as server:
        found = talked(server.url, EVENT, EVENT, EVENT)
    assert [item.status for item in found] == [200] * 3
    assert server.connections == 1


def test_bytes_are_sent_as_they_are_spelled() -> None:
    """Whatever no client would send."""
    heard: list[bytes] = []

    def script(peer: Peer) -> None:
        heard.append(spell(*parts(peer)))
        peer.say(OK)

    def parts(peer: Peer) -> tuple[str, list[tuple[str, str]], bytes]:
        head = peer.head()
        return f"{head.method} {head.target}", list(head.headers), b""

    odd = event(lambda start, _, body: (spell(start, [("Host", "x"), ("X-Odd", "1"), ("X-Odd", "2")], body),))
    with serving(script) as server:
        (found,) = talked(server.url, odd)
    assert heard == [b"POST /v1/track\r\nHost: x\r\nX-Odd: 1\r\nX-Odd: 2\r\n\r\n"]
    assert found.status == 200


def test_pipelined_requests_go_out_at_once() -> None:
    """The answers are taken in their order."""

    def script(peer: Peer) -> None:
        numbers = [len(peer.request().body) for _ in range(3)]
        for number in numbers:
            peer.say(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (200 + number))

    requests = [event(body=b"x" * number) for number in (1, 2, 3)]
    with serving(script) as server:
        found = talked(server.url, *requests, pipelined=True)
    assert [item.status for item in found] == [201, 202, 203]


def test_what_follows_an_answer_is_stray() -> None:
    """A length that is too short leaves bytes on the connection."""
    with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay")) as server:
        (found,) = talked(server.url)
    assert found.response is not None
    assert (found.response.body, found.stray) == (b"ok", b"ay")


HEADS: list[tuple[str, bytes]] = [
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
    ("POST", b"HTTP/1.1 204 No Content\r\n\r\n"),
]


@pytest.mark.parametrize(("method", "head"), HEADS)
def test_an_answer_without_content_may_have_none(method: str, head: bytes) -> None:
    """What comes all the same is stray."""
    for body in (b"", b"ok"):
        with serving(answering(head + body)) as server:
            (found,) = talked(server.url, event(method=method))
        assert found.stray == body


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"], ids=["silent", "announced"])
def test_the_end_of_a_connection_is_told(end: bytes) -> None:
    """Announced or not; what was not sent is not answered."""
    with serving(once(OK.replace(b"\r\n\r\n", end))) as server:
        found = talked(server.url, EVENT, EVENT)
    assert [item.status for item in found] == [200, 0]
    assert found[1].mishap is Mishap.CLOSED


def test_an_announced_end_is_known_from_the_answer() -> None:
    """Before anything else is sent."""
    with serving(answering(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))) as server:
        (found,) = talked(server.url)
    assert not found.is_open


def test_the_last_piece_waits_for_leave() -> None:
    """A 100 says to go on."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(OK)

    def expecting(start: str, headers: list[tuple[str, str]], body: bytes) -> tuple[bytes, ...]:
        head = [*headers, ("Expect", "100-continue"), ("Content-Length", str(len(body)))]
        return spell(start, head, b""), body

    with serving(script) as server:
        (found,) = talked(server.url, event(expecting))
    assert found.status == 200
    assert server.received[0].body == b"{}"


def test_an_answer_before_the_last_piece_ends_the_request() -> None:
    """And its connection with it, for the target still waits for a body that won't come."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.say(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        peer.hold()

    with serving(script) as server:
        (found,) = talked(server.url, event(lambda start, headers, body: (spell(start, headers, b""), body)))
    assert (found.status, found.is_open) == (417, False)


def test_a_half_closed_connection_still_listens() -> None:
    """The target sees the end of our side, and answers."""

    def script(peer: Peer) -> None:
        peer.request()
        with pytest.raises(GoneError):
            peer.head()
        peer.say(OK)

    with serving(script) as server:
        (found,) = talked(server.url, half_closed=True)
    assert found.status == 200


def saying(data: bytes, *, holding: bool = False) -> Callable[[Peer], None]:
    """Says something in place of an answer, and closes the connection or holds it."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.say(data)
        if holding:
            peer.hold()

    return script


SILENT: dict[str, tuple[Callable[[Peer], None], Mishap]] = {
    "silence": (saying(b"", holding=True), Mishap.TIMEOUT),
    "an end": (saying(b""), Mishap.CLOSED),
    "half an answer": (saying(b"HTTP/1.1 200 O"), Mishap.CLOSED),
    "no HTTP": (saying(b"220 smtp\r\n\r\n", holding=True), Mishap.NOT_HTTP),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_is_no_answer_is_a_mishap(name: str) -> None:
    """Nothing is raised, and every request of the conversation has an exchange."""
    script, mishap = SILENT[name]
    with serving(script) as server:
        found = talked(server.url, EVENT, EVENT, deadline_s=0.3)
    assert found[0].mishap is mishap
    assert len(found) == 2


def test_nobody_listens() -> None:
    """The target is unreachable, for each request."""
    found = talked(f"http://127.0.0.1:{free_port()}", EVENT, EVENT)
    assert [item.mishap for item in found] == [Mishap.UNREACHABLE] * 2


def test_secrets_do_not_leave_by_this_way_either() -> None:
    """Neither from requests, nor from answers, nor from what strays behind them."""
    echo = b"HTTP/1.1 200 OK\r\nX-Key: %b\r\nContent-Length: %d\r\n\r\n%b%b"
    secret = CANARY.encode()
    request = Request(method="POST", path="/", headers=(("X-Key", CANARY),), body=secret)
    with serving(answering(echo % (secret, len(secret), secret, secret))) as server:
        (found,) = talked(server.url, request)
    assert CANARY not in repr(found)
    assert found.stray == b"$KEY"


def test_the_usual_spelling_has_a_length() -> None:
    """And nothing else is added."""
    assert usual("GET / HTTP/1.1", [], b"abc") == (b"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",)


def test_a_long_body_is_read_no_further_than_its_answer() -> None:
    """An early refusal is heard although the body was not taken."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        peer.pause(0.1)

    with serving(script) as server:
        (found,) = talked(server.url, event(body=b"x" * 20_000_000))
    assert (found.status, found.is_open) == (413, False)


def test_sockets_are_closed() -> None:
    """Whatever came of the conversation."""
    ends: list[bool] = []

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(OK)
        try:
            peer.head()
        except (TimeoutError, GoneError):
            ends.append(True)

    with serving(script) as server:
        talked(server.url)
        deadline = 50
        while not ends and deadline:
            deadline -= 1
            asyncio.run(asyncio.sleep(0.01))
    assert ends == [True]
