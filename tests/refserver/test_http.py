"""The reference server on the wire: codings, CORS, and HTTP as clients rarely write it."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

from conformance import Contract, Server, load

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "direct-key"
BASIC = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
EVENT = {"userId": "u", "event": "e", "type": "track", "messageId": "m"}
BODY = json.dumps(EVENT).encode()
ADDRESSES: dict[str, tuple[str, int]] = {}


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    """Two reference servers: one takes the key in the body, too."""
    names = ("rudderstack", "metarouter")
    servers = {name: Server(Contract(load(name)), KEY) for name in names}
    with servers["rudderstack"], servers["metarouter"]:
        for name, server in servers.items():
            host, _, port = server.url.removeprefix("http://").partition(":")
            ADDRESSES[name] = (host, int(port))
        yield


def head_bytes(method: str = "POST", path: str = "/v1/track", *lines: str, version: str = "1.1") -> bytes:
    """A request's head with credentials and further lines."""
    first = (f"{method} {path} HTTP/{version}", "Host: here", f"Authorization: {BASIC}", *lines)
    return "\r\n".join((*first, "", "")).encode()


def request_bytes(body: bytes = BODY, *lines: str, path: str = "/v1/track", version: str = "1.1") -> bytes:
    """A request with a body of a stated length."""
    return head_bytes("POST", path, f"Content-Length: {len(body)}", *lines, version=version) + body


def exchange_bytes(*pieces: bytes, name: str = "rudderstack", end: bool = True) -> bytes:
    """Everything that a server says to some pieces of bytes, until it hangs up or falls silent."""
    answer_bytes = b""
    with socket.create_connection(ADDRESSES[name], timeout=5) as line:
        for piece in pieces:
            line.sendall(piece)
        if end:
            line.shutdown(socket.SHUT_WR)
        else:
            line.settimeout(0.3)
        try:
            while part := line.recv(65_536):
                answer_bytes += part
        except (TimeoutError, ConnectionResetError):
            pass
    return answer_bytes


def statuses(answer_bytes: bytes) -> list[int]:
    """The statuses of the answers in what was heard."""
    return [int(status) for status in re.findall(rb"(?:^|\r\n|[^\r\n])HTTP/1\.1 (\d+)", answer_bytes)]


def status_of(body: bytes, *lines: str, path: str = "/v1/track", name: str = "rudderstack") -> int:
    """The status of one answer."""
    (status,) = statuses(exchange_bytes(request_bytes(body, *lines, path=path), name=name))
    return status


GZIP = "Content-Encoding: gzip"


def gzip_body(body: bytes) -> bytes:
    """The same bytes in every process: the ids of tests are made of them."""
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (gzip_body(BODY), "gzip", 200),
        (gzip_body(BODY), "x-gzip", 200),
        (gzip_body(BODY), "GZIP", 200),
        (gzip_body(BODY[:9]) + gzip_body(BODY[9:]), "gzip", 200),
        (BODY, "identity", 200),
        (BODY, "gzip", 400),
        (b"", "gzip", 400),
        (gzip_body(BODY)[:-1], "gzip", 400),
        (gzip_body(BODY)[:20], "gzip", 400),
        (gzip_body(BODY) + b"more", "gzip", 400),
        (gzip_body(BODY)[:12] + b"\x00" + gzip_body(BODY)[13:], "gzip", 400),
        (gzip_body(BODY[:-1]), "gzip", 400),
        (BODY, "br", 415),
        (gzip_body(gzip_body(BODY)), "gzip, gzip", 415),
        (gzip_body(BODY.ljust(32 * 1024)), "gzip", 200),
        (gzip_body(BODY.ljust(32 * 1024 + 1)), "gzip", 413),
        (gzip_body(BODY.ljust(200_000_000)), "gzip", 413),
    ],
)
def test_bodies_are_unpacked(body: bytes, coding: str, status: int) -> None:
    """Gzip is understood, what is corrupt is refused, and the limit holds for what is inside."""
    assert status_of(body, f"Content-Encoding: {coding}") == status


BROWSER = ("Origin: https://shop.example", "Access-Control-Request-Method: POST")


def test_a_preflight_is_answered_without_credentials() -> None:
    """A browser learns that it may send, to every site and with the headers that it asks for."""
    lines = ("OPTIONS /v1/track HTTP/1.1", "Host: here", *BROWSER, "Access-Control-Request-Headers: x-a")
    answer_bytes = exchange_bytes("\r\n".join((*lines, "", "")).encode()).lower()
    assert answer_bytes.startswith(b"http/1.1 204")
    for line in (b"allow-origin: *", b"allow-headers: x-a", b"allow-methods: options, post"):
        assert b"access-control-" + line in answer_bytes
    assert b"credentials" not in answer_bytes
    assert b"content-length" not in answer_bytes


def test_an_answer_to_a_browser_may_be_read_there() -> None:
    """Acceptance and refusal alike say that any site may read them; to others they say nothing of it."""
    for body in (BODY, b"{"):
        assert b"Access-Control-Allow-Origin: *" in exchange_bytes(request_bytes(body, BROWSER[0]))
        assert b"Access-Control" not in exchange_bytes(request_bytes(body))


def test_options_tells_what_is_possible() -> None:
    """Without a browser behind it, the answer names the methods; of an unknown path there is nothing."""
    assert b"Allow: OPTIONS, POST" in exchange_bytes(head_bytes("OPTIONS"))
    assert statuses(exchange_bytes(head_bytes("OPTIONS", "/nowhere"))) == [404]


def test_a_head_is_answered_without_a_body() -> None:
    """The refusal of a HEAD ends with its headers."""
    answer_bytes = exchange_bytes(head_bytes("HEAD"))
    assert statuses(answer_bytes) == [405]
    assert answer_bytes.endswith(b"\r\n\r\n")


UNUSUAL_REQUESTS = {
    "duplicate keys": (b'{"userId":"","userId":"u","event":"e"}', 200),
    "NUL": (b'{"userId":"u\\u0000","event":"\\u0000"}', 200),
    "lone surrogate": (b'{"userId":"\\ud800","event":"e"}', 200),
    "byte order mark": (b"\xef\xbb\xbf" + BODY, 400),
    "deep": (b'{"userId":"u","event":"e","a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "deep objects": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400),
    "huge integer": (b'{"userId":"u","event":"e","a":' + b"9" * 20_000 + b"}", 200),
    "huge exponent": (b'{"userId":"u","event":"e","a":1e400,"b":-1e999}', 200),
    "number as id": (b'{"userId":7,"event":"e"}', 400),
    "list as id": (b'{"userId":["u"],"event":"e"}', 400),
    "null ids": (b'{"userId":null,"anonymousId":null,"event":"e"}', 400),
    "null beside an id": (b'{"userId":"u","anonymousId":null,"event":"e"}', 200),
    "empty key": (b'{"":{"":""},"userId":"u","event":"e"}', 200),
}


@pytest.mark.parametrize("words", UNUSUAL_REQUESTS)
def test_strange_json_is_no_trouble(words: str) -> None:
    """It is accepted or refused, never the server's own failure."""
    body, status = UNUSUAL_REQUESTS[words]
    assert status_of(body) == status


@pytest.mark.parametrize("depth", range(900, 1_000, 3))
def test_depth_is_no_trouble_anywhere(depth: int) -> None:
    """Near the depth that Python still reads, an event of a batch is weighed or refused."""
    deep = b"[" * depth + b"]" * depth
    body = b'{"batch":[{"userId":"u","event":"e","type":"track","a":' + deep + b"}]}"
    assert status_of(body, path="/v1/batch") in {200, 400}


def corrupt_encodings(value: object) -> Iterator[tuple[str, bytes]]:
    """Bodies with a value in each place where the server looks at something."""
    for key in (*EVENT, "anonymousId", "writeKey", "context", "properties"):
        event = {**EVENT, key: value}
        yield "/v1/track", json.dumps(event).encode()
        yield "/v1/batch", json.dumps({"batch": [event]}).encode()
    yield "/v1/batch", json.dumps({"batch": value}).encode()
    yield "/v1/batch", json.dumps({"batch": [value]}).encode()
    yield "/v1/batch", json.dumps({"batch": [EVENT], "writeKey": value}).encode()


@pytest.mark.parametrize("value", [None, True, 7, -1.5, "", "\x00", [], [[]], {}, {"a": {}}], ids=repr)
@pytest.mark.parametrize("name", ["rudderstack", "metarouter"])
def test_wrong_types_are_no_trouble(value: object, name: str) -> None:
    """Whatever stands where, no answer is the server's own failure."""
    for path, body in corrupt_encodings(value):
        assert status_of(body, path=path, name=name) < 500


def test_the_key_of_a_webhooks_address_counts() -> None:
    """A wrong one inside does not matter, and a right one inside does not help."""
    inside = json.dumps({**EVENT, "writeKey": "other"}).encode()
    assert status_of(inside, path=f"/v1/webhook?writeKey={KEY}", name="metarouter") == 200
    inside = json.dumps({**EVENT, "writeKey": KEY}).encode()
    assert status_of(inside, path="/v1/webhook?writeKey=other", name="metarouter") == 400


@pytest.mark.parametrize("text", ["~~~???", "~~~???>", "~~~???>>"])
@pytest.mark.parametrize("is_safe", [True, False])
@pytest.mark.parametrize("end", ["", "="])
def test_pixels_in_every_base64(text: str, end: str, *, is_safe: bool) -> None:
    """Standard or url-safe, padded or not."""
    body = json.dumps({**EVENT, "writeKey": KEY, "event": text}).encode()
    data = (base64.urlsafe_b64encode if is_safe else base64.b64encode)(body).decode()
    shown = data.rstrip("=") if not end else data
    asked = head_bytes("GET", f"/v1/pixel/track?data={shown.replace('+', '%2B')}")
    assert statuses(exchange_bytes(asked, name="metarouter")) == [200]


CHUNKED = head_bytes("POST", "/v1/track", "Transfer-Encoding: chunked")
CHUNK = f"{len(BODY):x}".encode()
RAW = {
    "chunk extensions": (CHUNKED + CHUNK + b";a=b;c\r\n" + BODY + b"\r\n0;d\r\n\r\n", [200]),
    "trailers": (CHUNKED + CHUNK + b"\r\n" + BODY + b"\r\n0\r\nX-A: b\r\n\r\n", [200]),
    "bad chunk": (CHUNKED + b"zz\r\n", [400]),
    "absolute form": (request_bytes(path="http://here/v1/track"), [200]),
    "same lengths": (request_bytes(BODY, f"Content-Length: {len(BODY)}"), [200]),
    "lengths that differ": (request_bytes(BODY, "Content-Length: 3"), [400]),
    "no number": (head_bytes("POST", "/v1/track", "Content-Length: many"), [400]),
    "no length": (head_bytes(), [400]),
    "incomplete": (request_bytes()[:-1], []),
    "incomplete in chunks": (CHUNKED + CHUNK + b"\r\n" + BODY + b"\r\n", []),
    "header flood": (head_bytes("POST", "/v1/track", *(f"X-{n}: {'a' * 80}" for n in range(900))), [400]),
    "garbage": (b"\x16\x03\x01\x02\x00\r\n\r\n", [400]),
    "pipelined": (request_bytes() + request_bytes(b"{") + request_bytes(), [200, 400, 200]),
    "garbage behind": (request_bytes() + b"\x16\x03\r\n\r\n", [200, 400]),
}


@pytest.mark.parametrize("words", RAW)
@pytest.mark.parametrize("end", [True, False])
def test_http_as_it_comes(words: str, *, end: bool) -> None:
    """What is whole is answered, also to a client that has ended its side; what is not is not accepted."""
    asked, expected = RAW[words]
    assert statuses(exchange_bytes(asked, end=end)) == expected


def test_http_10_is_answered_and_hung_up_on() -> None:
    """The connection ends with the answer."""
    assert statuses(exchange_bytes(request_bytes(version="1.0"), end=False)) == [200]
    answer_bytes = exchange_bytes(request_bytes(version="1.0"), request_bytes(version="1.0"), end=False)
    assert len(statuses(answer_bytes)) == 1


def test_who_waits_to_go_on_is_told_to() -> None:
    """Expect: 100-continue is answered before the body comes."""
    with socket.create_connection(ADDRESSES["rudderstack"], timeout=5) as line:
        line.sendall(head_bytes("POST", "/v1/track", f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert line.recv(1_000).startswith(b"HTTP/1.1 100")
        line.sendall(BODY)
        assert line.recv(1_000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "refused",
    [request_bytes(b"{"), request_bytes(b"a" * 40_000), request_bytes(b"a" * 3_000_000), request_bytes(path="/nowhere"),
     request_bytes(BODY, "Content-Encoding: br"), head_bytes("DELETE", "/v1/track", "Content-Length: 3") + b"abc"],
    ids=["json", "size", "volume", "path", "coding", "method"],
)  # fmt: skip
def test_a_refused_body_does_not_stay_on_the_connection(refused: bytes) -> None:
    """The next request on the connection is understood."""
    first, second = statuses(exchange_bytes(refused, request_bytes()))
    assert 400 <= first < 500
    assert second == 200
