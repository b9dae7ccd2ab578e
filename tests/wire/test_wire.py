"""The wire, against servers that do what servers do: close, refuse early, dribble, lie, or say nothing."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import socket
import time
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.core.errors import UsageError
from conformance.core.kept_connections import KeptConnections
from conformance.core.model import Exchange, Request, TransportFailure
from conformance.requests.framings import write_expect_continue
from conformance.wire import Redactor, Wire, parse_target
from conformance.wire.decoding import MAX_BODY_BYTES
from conformance.wire.throttle import Throttle
from tests.support.scripted_server import (
    OK,
    TOO_LARGE_AND_CLOSE,
    ClientConnection,
    ConnectionScript,
    ReceivedRequest,
    answer_always,
    answer_once,
    free_port,
    scripted_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.wire import TargetAddress

ROUNDS = 30
JSON = (("Content-Type", "application/json"),)
EVENT = Request(method="POST", path="/v1/track", headers=JSON, body=b'{"event":"x"}')


def send_requests(
    target: TargetAddress, requests: Iterable[Request], *, deadline_s: float = 10.0, throttle: Throttle | None = None
) -> list[Exchange]:
    """What comes of requests that one wire sends to a target, one after the other."""

    async def send() -> list[Exchange]:
        wire = Wire(
            target=target,
            redactor=Redactor({}),
            deadline_s=deadline_s,
            throttle=throttle or Throttle(None),
        )
        async with wire:
            return [await wire.exchange(request) for request in requests]

    return asyncio.run(send())


def exchange_with_script(script: ConnectionScript, request: Request = EVENT, *, deadline_s: float = 10.0) -> Exchange:
    """What comes of one request to a server that follows a script."""
    with scripted_server(script) as server:
        return send_requests(parse_target(server.url), [request], deadline_s=deadline_s)[0]


def exchange_answered_by(data: bytes) -> Exchange:
    """What the wire makes of an answer, given byte for byte, after which the server closes."""
    return exchange_with_script(answer_once(data))


def request_received(prefix: str = "", *, headers: tuple[str, ...] = (), request: Request = EVENT) -> ReceivedRequest:
    """What a server sees of a request to a base URL with this prefix."""
    with scripted_server(answer_always()) as server:
        send_requests(parse_target(server.url + prefix, headers=headers), [request])
        return server.received[0]


def post_request(body: bytes, *, chunked: bool = False) -> Request:
    """A request with a body."""
    return Request(method="POST", path="/v1/batch", headers=JSON, body=body, chunked=chunked)


def test_a_connection_is_reused() -> None:
    """Requests one after the other share a connection."""
    with scripted_server(answer_always()) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT] * 5)
    assert [item.status for item in exchanges] == [200] * 5
    assert server.connections == 1


def test_a_connection_that_was_closed_in_between_is_replaced() -> None:
    """A server may close an idle connection; the next request goes over a new one, unnoticed."""
    with scripted_server(answer_once()) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT] * 5)
    assert [item.failure for item in exchanges] == [None] * 5
    assert len(server.received) == 5


def close_on_second(peer: ClientConnection) -> None:
    """Answers once on the first connection and hangs up on the request after that."""
    peer.read_request()
    peer.send(OK)
    peer.read_request()
    if peer.number > 1:
        peer.send(OK)


def reset_on_second(peer: ClientConnection) -> None:
    """Answers once on the first connection and resets it in the middle of the request after that."""
    peer.read_request()
    peer.send(OK)
    peer.read_head(most=64)
    if peer.number > 1:
        peer.send(OK)


@pytest.mark.parametrize("script", [close_on_second, reset_on_second])
def test_a_reused_connection_that_closes_on_a_request_is_replaced_once(script: ConnectionScript) -> None:
    """A server that closes just as the request arrives is asked again, over a fresh connection."""
    with scripted_server(script) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT, EVENT])
    assert [item.status for item in exchanges] == [200, 200]
    assert server.connections == 2


def test_requests_over_kept_connections_are_counted() -> None:
    """Those that were closed without an answer, too."""

    async def send(target: TargetAddress) -> KeptConnections:
        async with Wire(target=target, redactor=Redactor({})) as wire:
            for _ in range(2):
                await wire.exchange(EVENT)
            return wire.kept

    with scripted_server(answer_always()) as server:
        assert asyncio.run(send(parse_target(server.url))) == KeptConnections(used=1)
    with scripted_server(close_on_second) as server:
        assert asyncio.run(send(parse_target(server.url))) == KeptConnections(used=1, closed=1)


def answer_the_first_only(peer: ClientConnection) -> None:
    """Answers the first request of the first connection, and nothing else ever."""
    peer.read_request()
    if peer.number == 1:
        peer.send(OK)
        peer.read_request()


def test_a_replaced_connection_that_closes_too_is_a_mishap() -> None:
    """One replacement is all: then the target does not answer."""
    with scripted_server(answer_the_first_only) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT, EVENT])
    assert [item.failure for item in exchanges] == [None, TransportFailure.CLOSED]
    assert len(server.received) == 3


def test_a_fresh_connection_that_closes_is_a_mishap() -> None:
    """A server that hangs up on a request without a word is seen to, and is not asked again."""
    with scripted_server(ClientConnection.read_request) as server:
        (exchange,) = send_requests(parse_target(server.url), [EVENT])
    assert exchange.failure is TransportFailure.CLOSED
    assert exchange.response is None
    assert len(server.received) == server.connections == 1


def test_an_answer_that_breaks_off_is_a_mishap_and_not_asked_for_again() -> None:
    """Half an answer on a reused connection is the server's doing: the request is not repeated."""

    def script(peer: ClientConnection) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with scripted_server(script) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT, EVENT])
    assert [item.failure for item in exchanges] == [None, TransportFailure.CLOSED]
    assert server.connections == 1


def test_requests_at_once_get_connections_of_their_own() -> None:
    """Four requests in flight take four connections, and no request waits for another's answer."""

    def script(peer: ClientConnection) -> None:
        peer.read_request()
        while len(server.received) < 4 and not peer.wait(0.005):
            pass
        peer.send(OK)

    async def send() -> list[Exchange]:
        async with Wire(target=parse_target(server.url), redactor=Redactor({}), connections=4) as wire:
            return list(await asyncio.gather(*(wire.exchange(EVENT) for _ in range(4))))

    with scripted_server(script) as server:
        result = asyncio.run(send())
    assert [item.status for item in result] == [200] * 4
    assert server.connections == 4


def refuse_after_the_head(peer: ClientConnection) -> None:
    """Answers as soon as the head is there, and closes on the unread body, which resets the connection."""
    peer.read_head()
    peer.send(TOO_LARGE_AND_CLOSE)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("size", [600_000, 5_000_000])
def test_an_early_refusal_is_always_heard(size: int, chunked: bool) -> None:  # noqa: FBT001 - a parameter
    """A refusal that comes before the body was read is heard every time, though the connection is reset."""
    with scripted_server(refuse_after_the_head) as server:
        exchanges = send_requests(parse_target(server.url), [post_request(b"a" * size, chunked=chunked)] * ROUNDS)
    assert [item.status for item in exchanges] == [413] * ROUNDS
    assert {item.response.body for item in exchanges if item.response} == {b"too large"}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_an_early_refusal_without_a_length_is_heard(chunked: bool) -> None:  # noqa: FBT001 - a parameter
    """A refusal that ends with the connection is whole when a reset ends it."""

    def script(peer: ClientConnection) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.0 413 Too Large\r\n\r\ntoo large")

    with scripted_server(script) as server:
        exchanges = send_requests(parse_target(server.url), [post_request(b"a" * 600_000, chunked=chunked)] * ROUNDS)
    assert [item.status for item in exchanges] == [413] * ROUNDS
    assert {item.response.body for item in exchanges if item.response} == {b"too large"}


def test_an_early_refusal_on_a_reused_connection_is_heard() -> None:
    """It is an answer like any other: the request does not go out again."""

    def script(peer: ClientConnection) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_head()
        peer.send(TOO_LARGE_AND_CLOSE)

    with scripted_server(script) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT, post_request(b"a" * 5_000_000)])
    assert [item.status for item in exchanges] == [200, 413]
    assert server.connections == 1


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_an_early_answer_is_heard_while_the_server_reads_no_more(chunked: bool) -> None:  # noqa: FBT001
    """A server that answers, stops reading and does not close can't make the wire wait for its deadline."""

    def script(peer: ClientConnection) -> None:
        peer.read_head()
        peer.send(TOO_LARGE_AND_CLOSE)
        peer.stay_silent()

    exchange = exchange_with_script(script, post_request(b"a" * 5_000_000, chunked=chunked))
    assert (exchange.status, exchange.failure) == (413, None)


def test_a_body_is_sent_whole_to_a_server_that_reads_slowly() -> None:
    """A pause of the reader is no reason to give up."""

    def script(peer: ClientConnection) -> None:
        peer.wait(0.3)
        peer.read_request()
        peer.send(OK)

    body = bytes(range(256)) * 20_000
    with scripted_server(script) as server:
        (exchange,) = send_requests(parse_target(server.url), [post_request(body)])
    assert exchange.status == 200
    assert server.received[0].body == body


def test_a_plain_answer_is_taken_as_it_is() -> None:
    """Status, headers and body arrive unchanged."""
    exchange = exchange_answered_by(
        b"HTTP/1.1 201 Made\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 3\r\n\r\na\xff\n"
    ).response
    assert exchange is not None
    assert (exchange.status, exchange.body, exchange.http_version) == (201, b"a\xff\n", "HTTP/1.1")
    assert exchange.headers[:2] == (("X-One", "1"), ("x-one", "2"))


def test_an_http_1_0_answer_ends_with_its_connection() -> None:
    """A body without a length ends where the connection does."""
    response = exchange_answered_by(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold and fine").response
    assert response is not None
    assert (response.body, response.http_version) == (b"old and fine", "HTTP/1.0")


def test_an_answer_in_chunks_is_put_together() -> None:
    """Chunks, their extensions and trailers leave no trace in the body."""
    chunks = b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-After: 1\r\n\r\n"
    exchange = exchange_answered_by(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert exchange.response is not None
    assert exchange.response.body == b"abcde"


def test_header_names_are_found_in_any_case() -> None:
    """Servers may write them in lower case."""
    exchange = exchange_answered_by(
        b"HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\ncontent-length: 0\r\n\r\n"
    )
    assert exchange.response is not None
    assert exchange.response.media_type == "application/json"
    assert exchange.response.header("CONTENT-LENGTH") == "0"


def test_an_interim_answer_is_passed_over() -> None:
    """A 100 or 103 is not yet the answer."""
    assert exchange_answered_by(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK).status == 200


@pytest.mark.parametrize(("interim", "continues"), [(b"102", False), (b"103", False), (b"100", True)])
def test_only_a_100_asks_for_the_body(interim: bytes, continues: bool) -> None:  # noqa: FBT001 - a parameter
    """Other interim answers may come at any time, before the head is understood too."""

    def script(peer: ClientConnection) -> None:
        head = peer.read_head()
        peer.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 %b Interim\r\n\r\n" % interim)
        peer.read_body(head)
        peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)

    request = replace(EVENT, raw_writer=write_expect_continue)
    with scripted_server(script) as server:

        async def converse() -> list[Exchange]:
            async with Wire(target=parse_target(server.url), redactor=Redactor({})) as wire:
                return await wire.exchange_on_one_connection([request])

        (exchange,) = asyncio.run(converse())
    assert (exchange.status, exchange.got_100_continue) == (200, continues)


def test_a_204_has_no_body() -> None:
    """An answer without content is whole at the end of its head."""
    exchange = exchange_answered_by(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (exchange.status, exchange.response and exchange.response.body) == (204, b"")


def test_a_redirect_is_not_followed() -> None:
    """It is an answer like any other, and its place gets no request."""
    redirect = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with scripted_server(answer_always(redirect)) as server:
        (exchange,) = send_requests(parse_target(server.url), [EVENT])
    assert exchange.status == 307
    assert len(server.received) == 1


def test_cookies_are_not_sent_back() -> None:
    """One request leaves no mark on the next."""
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    with scripted_server(answer_always(cookie)) as server:
        send_requests(parse_target(server.url), [EVENT, EVENT])
    assert [item.values("cookie") for item in server.received] == [[], []]


def test_an_endless_body_is_cut_at_the_cap() -> None:
    """A server that never stops is listened to up to the cap."""

    def script(peer: ClientConnection) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            peer.send(b"a" * 65_536)
        peer.stay_silent()

    response = exchange_with_script(script).response
    assert response is not None
    assert response.truncated
    assert response.body == b"a" * MAX_BODY_BYTES


@pytest.mark.parametrize(("size", "truncated"), [(MAX_BODY_BYTES, False), (MAX_BODY_BYTES + 1, True)])
def test_the_cap_is_exact(size: int, truncated: bool) -> None:  # noqa: FBT001 - a parameter
    """A body as large as the cap is whole, one byte more is cut."""
    response = exchange_answered_by(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size).response
    assert response is not None
    assert (len(response.body), response.truncated) == (MAX_BODY_BYTES, truncated)


def coded(coding: str, body: bytes) -> bytes:
    """An answer with a content coding."""
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("x-gzip", gzip.compress(b"hello", mtime=0)),
        ("GZIP", gzip.compress(b"hello", mtime=0)),
        ("deflate", zlib.compress(b"hello")),
        ("identity", b"hello"),
        ("gzip", b"hello"),
        ("br", b"hello"),
    ],
)
def test_a_coded_answer_is_decoded(coding: str, body: bytes) -> None:
    """Such as gzip and deflate, though nobody asked for them; what is not what it says stays as it is."""
    response = exchange_answered_by(coded(coding, body)).response
    assert response is not None
    assert (response.body, response.truncated) == (b"hello", False)


def test_a_gzip_bomb_is_cut_at_the_cap() -> None:
    """A small answer that unpacks to a large one is unpacked up to the cap."""
    response = exchange_answered_by(coded("gzip", gzip.compress(b"a" * 100_000_000, compresslevel=1))).response
    assert response is not None
    assert response.truncated
    assert response.body == b"a" * MAX_BODY_BYTES


def answer_slowly(peer: ClientConnection) -> None:
    """Sends a good answer, one byte at a time, and slowly."""
    peer.read_request()
    for byte in OK * 10:
        peer.send(bytes([byte]))
        if peer.wait(0.05):
            return


def never_answer(peer: ClientConnection) -> None:
    """Reads, and says nothing."""
    peer.read_request()
    peer.stay_silent()


def accept_without_reading(peer: ClientConnection) -> None:
    """Does not even read."""
    peer.stay_silent()


def half_answer(peer: ClientConnection) -> None:
    """Sends the head, and holds the body back."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    peer.stay_silent()


@pytest.mark.parametrize("script", [answer_slowly, never_answer, accept_without_reading, half_answer])
def test_the_deadline_bounds_the_whole_exchange(script: ConnectionScript) -> None:
    """However little a server says, and however often, the wire waits no longer than its deadline."""
    exchange = exchange_with_script(script, post_request(b"a" * 5_000_000), deadline_s=0.3)
    assert exchange.failure is TransportFailure.TIMEOUT
    assert exchange.response is None
    assert exchange.failure_detail == "no answer within 0.3 s"


def test_the_wire_goes_on_after_a_deadline() -> None:
    """The connection of an exchange that came to nothing is not used again."""

    def script(peer: ClientConnection) -> None:
        peer.read_request()
        if peer.number == 1:
            peer.stay_silent()
        peer.send(OK)

    with scripted_server(script) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT, EVENT], deadline_s=0.3)
    assert [item.failure for item in exchanges] == [TransportFailure.TIMEOUT, None]


def test_a_refused_connection_is_unreachable() -> None:
    """Nobody listens: the detail names host and port."""
    port = free_port()
    (exchange,) = send_requests(parse_target(f"http://127.0.0.1:{port}"), [EVENT])
    assert exchange.failure is TransportFailure.UNREACHABLE
    assert exchange.failure_detail.startswith(f"no connection to 127.0.0.1 port {port}: ")


def test_a_host_without_an_address_is_unreachable() -> None:
    """A name that does not resolve is named (RFC 6761: .invalid never does)."""
    (exchange,) = send_requests(parse_target("http://nobody.invalid"), [EVENT])
    assert exchange.failure is TransportFailure.UNREACHABLE
    assert exchange.failure_detail.startswith("the host 'nobody.invalid' does not resolve: ")


@pytest.mark.parametrize("host", ["xn--wgv71a.invalid", "a_b.invalid", "-a.invalid"])
def test_an_odd_host_is_unreachable(host: str) -> None:
    """Whatever the letters of its name."""
    (exchange,) = send_requests(parse_target(f"http://{host}"), [EVENT])
    assert exchange.failure is TransportFailure.UNREACHABLE


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example.com ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"<html>no head</html>\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_http_is_a_mishap(data: bytes) -> None:
    """Whatever else a port speaks, the detail says that it is not HTTP."""
    exchange = exchange_answered_by(data + b"\r\n" * 4)
    assert exchange.failure is TransportFailure.NOT_HTTP
    assert exchange.failure_detail.startswith("the answer is not HTTP: ")


def test_a_request_goes_out_as_it_is() -> None:
    """Method, path, headers and body arrive, and hardly anything else."""
    request = Request(method="PUT", path="/v1/x", headers=(("X-Own", "a: b"), *JSON), body=b"\x00{}")
    received_request = request_received(request=request)
    assert (received_request.method, received_request.target, received_request.body) == ("PUT", "/v1/x", b"\x00{}")
    assert [name for name, _ in received_request.headers] == [
        *("Host", "User-Agent", "Accept", "Accept-Encoding"),
        *("X-Own", "Content-Type", "Content-Length"),
    ]
    assert received_request.values("x-own") == ["a: b"]
    assert received_request.values("accept-encoding") == ["identity"]


def test_a_body_in_chunks_has_no_length() -> None:
    """It is announced as chunked, in more than one piece where it is large, and arrives whole."""
    body = bytes(range(256)) * 200
    request = request_received(request=post_request(body, chunked=True))
    assert request.values("content-length") == []
    assert request.values("transfer-encoding") == ["chunked"]
    assert request.body == body


def test_an_empty_body_has_a_length_of_nothing() -> None:
    """A POST of nothing says so, or servers answer 411."""
    assert request_received(request=post_request(b"")).values("content-length") == ["0"]


def test_a_query_is_encoded() -> None:
    """Parameters arrive in their order, with what means something in a URL encoded."""
    request = Request(method="GET", path="/p", query=(("data", "a+b/c=="), ("k", "é &#")))
    assert request_received(request=request).target == "/p?data=a%2Bb%2Fc%3D%3D&k=%C3%A9+%26%23"


@pytest.mark.parametrize(
    ("prefix", "target"),
    [
        ("", "/v1/track"),
        ("/", "/v1/track"),
        ("/in", "/in/v1/track"),
        ("/in/", "/in/v1/track"),
        ("/a/b//", "/a/b/v1/track"),
        ("/a%20b", "/a%20b/v1/track"),
    ],
)
def test_the_path_of_the_base_url_comes_first(prefix: str, target: str) -> None:
    """With or without a slash at its end."""
    assert request_received(prefix).target == target


def test_extra_headers_go_with_every_request() -> None:
    """What the command line adds is there beside the request's own headers."""
    request = request_received(headers=("X-Tenant: a: b", "X-Flag:"))
    assert (request.values("x-tenant"), request.values("x-flag")) == (["a: b"], [""])
    assert request.values("content-type") == ["application/json"]


@pytest.mark.parametrize("name", ["Host", "User-Agent", "Accept", "Accept-Encoding"])
def test_an_extra_header_takes_the_place_of_the_wire_s_own(name: str) -> None:
    """One Host, one User-Agent: two are an error in HTTP, or mean nothing."""
    assert request_received(headers=(f"{name}: own.example",)).values(name.lower()) == ["own.example"]


def test_a_header_beyond_ascii_is_sent_as_utf_8() -> None:
    """A key may have any letters."""
    request = Request(method="POST", path="/v1/track", headers=(("X-Key", "schlüssel"),))
    (value,) = request_received(request=request).values("x-key")
    assert value.encode("latin-1").decode() == "schlüssel"


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run measures its target, not what stands between."""
    nobody = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, nobody)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert request_received().target == "/v1/track"


def test_an_ipv6_address_is_reached() -> None:
    """Its brackets belong to the URL and the Host header, not to the address."""
    if not socket.has_ipv6:
        pytest.skip("this Python knows no IPv6")
    try:
        with scripted_server(answer_always(), host="::1") as server:
            (exchange,) = send_requests(parse_target(server.url), [EVENT])
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    assert exchange.status == 200
    assert exchange.url == f"http://[::1]:{server.port}/v1/track"
    assert server.received[0].values("host") == [f"[::1]:{server.port}"]


def test_an_exchange_says_where_it_went() -> None:
    """The URL of an exchange is whole, the request is the one that was sent."""
    with scripted_server(answer_always()) as server:
        (exchange,) = send_requests(parse_target(f"{server.url}/in/"), [EVENT])
    assert exchange.url == f"{server.url}/in/v1/track"
    assert exchange.request == EVENT
    assert exchange.failure_detail == ""


def test_what_was_sent_is_counted() -> None:
    """Every exchange counts, those without an answer too."""

    async def send() -> int:
        target = parse_target(f"http://127.0.0.1:{free_port()}")
        async with Wire(target=target, redactor=Redactor({})) as wire:
            for _ in range(3):
                await wire.exchange(EVENT)
            return wire.sent_count

    assert asyncio.run(send()) == 3


def throttle_delays(per_s: float | None, count: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each of so many requests at once is asked to wait, in seconds."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def wait() -> None:
        throttle = Throttle(per_s)
        for _ in range(count):
            await throttle.wait()

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "sleep", sleep)
        asyncio.run(wait())
    return waits


def test_the_throttle_spaces_requests_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """At half a request a second, each of five at once is told to wait two seconds longer than the last."""
    waits = throttle_delays(0.5, 5, monkeypatch)
    gaps = [later - sooner for sooner, later in itertools.pairwise(waits)]
    assert waits[0] == 0
    assert gaps == pytest.approx([2.0] * 4, abs=0.5)


def test_without_a_rate_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit is no wait."""
    assert throttle_delays(None, 5, monkeypatch) == []


def test_a_pause_is_not_saved_up() -> None:
    """After a quiet time there is no burst: the next turns are a gap apart again."""

    async def starts() -> list[float]:
        loop, throttle = asyncio.get_running_loop(), Throttle(20)
        await throttle.wait()
        await asyncio.sleep(0.2)
        start_times = []
        for _ in range(4):
            await throttle.wait()
            start_times.append(loop.time())
        return start_times

    result = asyncio.run(starts())
    assert all(later - sooner > 0.02 for sooner, later in itertools.pairwise(result))


def test_the_throttle_holds_the_wire_back() -> None:
    """Requests leave no faster than the rate, and the wait for a turn does not count against the deadline."""
    start_s = time.monotonic()
    with scripted_server(answer_always()) as server:
        exchanges = send_requests(parse_target(server.url), [EVENT] * 2, deadline_s=0.6, throttle=Throttle(1.25))
    assert [item.status for item in exchanges] == [200] * 2
    assert time.monotonic() - start_s > 0.7


def test_a_base_url_is_taken_apart() -> None:
    """Scheme, host, port and prefix."""
    target = parse_target("https://Ingest.Example.com:8443/in/")
    assert (target.scheme, target.host, target.port, target.prefix) == (
        *("https", "ingest.example.com", 8443),
        "/in",
    )
    assert target.authority == "ingest.example.com:8443"
    assert target.tls is not None


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://a.example", "a.example"),
        ("http://a.example:80", "a.example"),
        ("https://a.example:443/", "a.example"),
        ("http://a.example:443", "a.example:443"),
        ("http://[::1]", "[::1]"),
    ],
)
def test_the_host_header_leaves_the_usual_port_out(url: str, authority: str) -> None:
    """As browsers and SDKs do."""
    assert parse_target(url).authority == authority


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.9.9.9", True), ("[::1]", True), ("localhost", True), ("a.localhost", True), ("10.0.0.1", False),
     ("localhost.example.com", False)],
)  # fmt: skip
def test_loopback_is_known(host: str, is_loopback: bool) -> None:  # noqa: FBT001 - a parameter
    """By address, and by the name that means it."""
    assert parse_target(f"http://{host}:1").is_loopback is is_loopback


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "'' is not a base URL; write it like http"),
        ("localhost:8080", "'localhost:8080' is not a base URL; write it like http"),
        ("ftp://a.example", "is not a base URL; write it like http"),
        ("http://", "is not a base URL; write it like http"),
        ("http://a.example:x", "'http://a.example:x' is not a URL: "),
        ("http://a.example:99999", "is not a URL: Port out of range"),
        ("http://[::1", "is not a URL: "),
        ("http://127.0.0.1:0", "is not a base URL; write it like http"),
        ("http://[::1]evil", "not a"),
        ("http://[::1]evil:80/", "not a"),
        ("http://evil[::1]", "not a"),
        ("http://[v1.x]", "not a"),
        ("http://[127.0.0.1]", "not a"),
        ("http://[::1%25]", "not a"),
        ("http://0177.0.0.1", "is not a base URL; write it like http"),
        ("http://127.1", "is not a base URL; write it like http"),
        ("http://2130706433", "is not a base URL; write it like http"),
        ("http://0x7f000001", "is not a base URL; write it like http"),
        ("http://127.0.0.1.", "is not a base URL; write it like http"),
        ("http://a%00b", "is not a base URL; write it like http"),
        ("http://a\\b", "not a"),
        ("http://a..example", "is not a URL: "),
        (f"http://{'a' * 64}.example", "is not a URL: "),
        ("http://a.example/?x=1", "is not a base URL: drop what follows the path"),
        ("http://a.example/#x", "is not a base URL: drop what follows the path"),
        ("http://key@a.example", "carries credentials; hand in the write key with --write-key"),
        ("http://:key@a.example", "carries credentials; hand in the write key with --write-key"),
    ],
)
def test_a_bad_url_is_explained(url: str, words: str) -> None:
    """In one sentence, with what to write instead."""
    with pytest.raises(UsageError) as caught:
        parse_target(url)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_credentials_in_a_url_are_not_repeated() -> None:
    """The message of a URL with a key in it does not print the key."""
    with pytest.raises(UsageError) as caught:
        parse_target("http://secret-key:@a.example")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "X-Own",
        ": x",
        "  : x",
        "X Own: x",
        "X-Öwn: x",
        "X-Own: secret\nb",
        "X-Own: \x00",
        "X(Y): x",
        "X@Y: x",
    ],
)
def test_a_bad_header_is_explained(line: str) -> None:
    """With its form; what was given may hold a secret, and is not repeated."""
    with pytest.raises(UsageError, match=r"^--header.*: write it as 'Name: value'") as caught:
        parse_target("http://a.example", headers=(line,))
    assert "secret" not in str(caught.value)


def converse(target: TargetAddress, *requests: Request) -> list[Exchange]:
    """What comes of requests over one connection that is written by hand."""

    async def send() -> list[Exchange]:
        async with Wire(target=target, redactor=Redactor({}), deadline_s=5) as wire:
            return await wire.exchange_on_one_connection(requests)

    return asyncio.run(send())


def closing_first(count: int) -> ConnectionScript:
    """A server that closes its first connections at once, as one that has no patience with idle ones does."""

    def script(peer: ClientConnection) -> None:
        if peer.number > count:
            peer.read_request()
            peer.send(OK)

    return script


def test_a_raw_connection_that_is_closed_before_its_first_answer_is_replaced() -> None:
    """As a kept one is: the server may have closed it for being idle."""
    with scripted_server(closing_first(1)) as server:
        (exchange,) = converse(parse_target(server.url), EVENT)
    assert exchange.status == 200


def test_a_raw_connection_that_is_always_closed_is_a_mishap() -> None:
    """It is the request that the server does not like, or any."""
    with scripted_server(closing_first(100)) as server:
        (exchange,) = converse(parse_target(server.url), EVENT)
    assert exchange.failure is TransportFailure.CLOSED
