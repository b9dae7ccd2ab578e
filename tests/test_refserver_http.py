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


def head(method: str = "POST", path: str = "/v1/track", *lines: str, version: str = "1.1") -> bytes:
    """A request's head with credentials and further lines."""
    first = (f"{method} {path} HTTP/{version}", "Host: here", f"Authorization: {BASIC}", *lines)
    return "\r\n".join((*first, "", "")).encode()


def whole(body: bytes = BODY, *lines: str, path: str = "/v1/track", version: str = "1.1") -> bytes:
    """A request with a body of a stated length."""
    return head("POST", path, f"Content-Length: {len(body)}", *lines, version=version) + body


def talk(*pieces: bytes, name: str = "rudderstack", end: bool = True) -> bytes:
    """Everything that a server says to some pieces of bytes, until it hangs up or falls silent."""
    heard = b""
    with socket.create_connection(ADDRESSES[name], timeout=5) as line:
        for piece in pieces:
            line.sendall(piece)
        if end:
            line.shutdown(socket.SHUT_WR)
        else:
            line.settimeout(0.3)
        try:
            while part := line.recv(65_536):
                heard += part
        except (TimeoutError, ConnectionResetError):
            pass
    return heard


def statuses(heard: bytes) -> list[int]:
    """The statuses of the answers in what was heard."""
    return [int(found) for found in re.findall(rb"(?:^|\r\n|[^\r\n])HTTP/1\.1 (\d+)", heard)]


def ask(body: bytes, *lines: str, path: str = "/v1/track", name: str = "rudderstack") -> int:
    """The status of one answer."""
    (status,) = statuses(talk(whole(body, *lines, path=path), name=name))
    return status


GZIP = "Content-Encoding: gzip"


def packed(body: bytes) -> bytes:
    """The same bytes in every process: the ids of tests are made of them."""
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (packed(BODY), "gzip", 200),
        (packed(BODY), "x-gzip", 200),
        (packed(BODY), "GZIP", 200),
        (packed(BODY[:9]) + packed(BODY[9:]), "gzip", 200),
        (BODY, "identity", 200),
        (BODY, "gzip", 400),
        (b"", "gzip", 400),
        (packed(BODY)[:-1], "gzip", 400),
        (packed(BODY)[:20], "gzip", 400),
        (packed(BODY) + b"more", "gzip", 400),
        (packed(BODY)[:12] + b"\x00" + packed(BODY)[13:], "gzip", 400),
        (packed(BODY[:-1]), "gzip", 400),
        (BODY, "br", 415),
        (packed(packed(BODY)), "gzip, gzip", 415),
        (packed(BODY.ljust(32 * 1024)), "gzip", 200),
        (packed(BODY.ljust(32 * 1024 + 1)), "gzip", 413),
        (packed(BODY.ljust(200_000_000)), "gzip", 413),
    ],
)
def test_bodies_are_unpacked(body: bytes, coding: str, status: int) -> None:
    """Gzip is understood, what is corrupt is refused, and the limit holds for what is inside."""
    assert ask(body, f"Content-Encoding: {coding}") == status


BROWSER = ("Origin: https://shop.example", "Access-Control-Request-Method: POST")


def test_a_preflight_is_answered_without_credentials() -> None:
    """A browser learns that it may send, to every site and with the headers that it asks for."""
    lines = ("OPTIONS /v1/track HTTP/1.1", "Host: here", *BROWSER, "Access-Control-Request-Headers: x-a")
    heard = talk("\r\n".join((*lines, "", "")).encode()).lower()
    assert heard.startswith(b"http/1.1 204")
    for line in (b"allow-origin: *", b"allow-headers: x-a", b"allow-methods: options, post"):
        assert b"access-control-" + line in heard
    assert b"credentials" not in heard
    assert b"content-length" not in heard


def test_an_answer_to_a_browser_may_be_read_there() -> None:
    """Acceptance and refusal alike say that any site may read them; to others they say nothing of it."""
    for body in (BODY, b"{"):
        assert b"Access-Control-Allow-Origin: *" in talk(whole(body, BROWSER[0]))
        assert b"Access-Control" not in talk(whole(body))


def test_options_tells_what_is_possible() -> None:
    """Without a browser behind it, the answer names the methods; of an unknown path there is nothing."""
    assert b"Allow: OPTIONS, POST" in talk(head("OPTIONS"))
    assert statuses(talk(head("OPTIONS", "/nowhere"))) == [404]


def test_a_head_is_answered_without_a_body() -> None:
    """The refusal of a HEAD ends with its headers."""
    heard = talk(head("HEAD"))
    assert statuses(heard) == [405]
    assert heard.endswith(b"\r\n\r\n")


STRANGE = {
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


@pytest.mark.parametrize("words", STRANGE)
def test_strange_json_is_no_trouble(words: str) -> None:
    """It is accepted or refused, never the server's own failure."""
    body, status = STRANGE[words]
    assert ask(body) == status


@pytest.mark.parametrize("depth", range(900, 1_000, 3))
def test_depth_is_no_trouble_anywhere(depth: int) -> None:
    """Near the depth that Python still reads, an event of a batch is weighed or refused."""
    deep = b"[" * depth + b"]" * depth
    body = b'{"batch":[{"userId":"u","event":"e","type":"track","a":' + deep + b"}]}"
    assert ask(body, path="/v1/batch") in {200, 400}


def wrong(value: object) -> Iterator[tuple[str, bytes]]:
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
    for path, body in wrong(value):
        assert ask(body, path=path, name=name) < 500


def test_the_key_of_a_webhooks_address_counts() -> None:
    """A wrong one inside does not matter, and a right one inside does not help."""
    inside = json.dumps({**EVENT, "writeKey": "other"}).encode()
    assert ask(inside, path=f"/v1/webhook?writeKey={KEY}", name="metarouter") == 200
    inside = json.dumps({**EVENT, "writeKey": KEY}).encode()
    assert ask(inside, path="/v1/webhook?writeKey=other", name="metarouter") == 400


@pytest.mark.parametrize("text", ["~~~???", "~~~???>", "~~~???>>"])
@pytest.mark.parametrize("is_safe", [True, False])
@pytest.mark.parametrize("end", ["", "="])
def test_pixels_in_every_base64(text: str, end: str, *, is_safe: bool) -> None:
    """Standard or url-safe, padded or not."""
    body = json.dumps({**EVENT, "writeKey": KEY, "event": text}).encode()
    data = (base64.urlsafe_b64encode if is_safe else base64.b64encode)(body).decode()
    shown = data.rstrip("=") if not end else data
    asked = head("GET", f"/v1/pixel/track?data={shown.replace('+', '%2B')}")
    assert statuses(talk(asked, name="metarouter")) == [200]


CHUNKED = head("POST", "/v1/track", "Transfer-Encoding: chunked")
CHUNK = f"{len(BODY):x}".encode()
RAW = {
    "chunk extensions": (CHUNKED + CHUNK + b";a=b;c\r\n" + BODY + b"\r\n0;d\r\n\r\n", [200]),
    "trailers": (CHUNKED + CHUNK + b"\r\n" + BODY + b"\r\n0\r\nX-A: b\r\n\r\n", [200]),
    "bad chunk": (CHUNKED + b"zz\r\n", [400]),
    "absolute form": (whole(path="http://here/v1/track"), [200]),
    "same lengths": (whole(BODY, f"Content-Length: {len(BODY)}"), [200]),
    "lengths that differ": (whole(BODY, "Content-Length: 3"), [400]),
    "no number": (head("POST", "/v1/track", "Content-Length: many"), [400]),
    "no length": (head(), [400]),
    "incomplete": (whole()[:-1], []),
    "incomplete in chunks": (CHUNKED + CHUNK + b"\r\n" + BODY + b"\r\n", []),
    "header flood": (head("POST", "/v1/track", *(f"X-{n}: {'a' * 80}" for n in range(900))), [400]),
    "garbage": (b"\x16\x03\x01\x02\x00\r\n\r\n", [400]),
    "pipelined": (whole() + whole(b"{") + whole(), [200, 400, 200]),
    "garbage behind": (whole() + b"\x16\x03\r\n\r\n", [200, 400]),
}


@pytest.mark.parametrize("words", RAW)
@pytest.mark.parametrize("end", [True, False])
def test_http_as_it_comes(words: str, *, end: bool) -> None:
    """What is whole is answered, also to a client that has ended its side; what is not is not accepted."""
    asked, expected = RAW[words]
    assert statuses(talk(asked, end=end)) == expected


def test_http_10_is_answered_and_hung_up_on() -> None:
    """The connection ends with the answer."""
    assert statuses(talk(whole(version="1.0"), end=False)) == [200]
    heard = talk(whole(version="1.0"), whole(version="1.0"), end=False)
    assert len(statuses(heard)) == 1


def test_who_waits_to_go_on_is_told_to() -> None:
    """Expect: 100-continue is answered before the body comes."""
    with socket.create_connection(ADDRESSES["rudderstack"], timeout=5) as line:
        line.sendall(head("POST", "/v1/track", f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert line.recv(1_000).startswith(b"HTTP/1.1 100")
        line.sendall(BODY)
        assert line.recv(1_000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "refused",
    [whole(b"{"), whole(b"a" * 40_000), whole(b"a" * 3_000_000), whole(path="/nowhere"),
     whole(BODY, "Content-Encoding: br"), head("DELETE", "/v1/track", "Content-Length: 3") + b"abc"],
    ids=["json", "size", "volume", "path", "coding", "method"],
)  # fmt: skip
def test_a_refused_body_does_not_stay_on_the_connection(refused: bytes) -> None:
    """The next request on the connection is understood."""
    first, second = statuses(talk(refused, whole()))
    assert 400 <= first < 500
    assert second == 200
