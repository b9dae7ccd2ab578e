"""Hostile targets: each is a script of what happens on a connection, over bare sockets."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from functools import cache
from typing import TYPE_CHECKING

from tests.support.scripted_server import ClientConnection, answer_always

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.scripted_server import ConnectionScript, ReceivedRequest

MAX_REPEATS = 400_000
"""An endless thing ends here: no test goes on for ever."""
HOSTILE_TEXT = "\x1b]0;owned\x07\x1b[2J\x1b[31m<script>alert(1)</script>\u202e\x9b31m"
HOSTILE_BYTES = HOSTILE_TEXT.encode("latin-1", errors="ignore")


def answer(status: str, body: bytes, *headers: bytes) -> bytes:
    """An answer with a length."""
    lines = [f"HTTP/1.1 {status}".encode(), *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def endless_body(peer: ClientConnection) -> None:
    """A body without an end."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(MAX_REPEATS):
        peer.send(b"a" * 65_536)


def endless_chunks(peer: ClientConnection) -> None:
    """Chunks of one byte, without an end."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(MAX_REPEATS):
        peer.send(b"1\r\na\r\n" * 1_000)


def endless_headers(peer: ClientConnection) -> None:
    """Headers without an end."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(MAX_REPEATS):
        peer.send(b"X-%d: %b\r\n" % (number, b"a" * 4_096))


def many_headers(peer: ClientConnection) -> None:
    """An answer with 200,000 headers, and all else in order."""
    while True:
        peer.read_request()
        peer.send(answer("200 OK", b"ok", *(b"X-%d: y" % number for number in range(200_000))))


def endless_line(peer: ClientConnection) -> None:
    """A status line without an end."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 ")
    for _ in range(MAX_REPEATS):
        peer.send(b"O" * 65_536)


def gzip_bomb(peer: ClientConnection) -> None:
    """A body of gzip that unpacks to half a gigabyte."""
    answer_always(answer("200 OK", _gzip_bomb_bytes(), b"Content-Encoding: gzip"))(peer)


@cache
def _gzip_bomb_bytes() -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1_048_576)
    return b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()


def false_codings(peer: ClientConnection) -> None:
    """Codings that are none, one in another, and brotli that nobody asked for."""
    bodies = (
        (b"br", b"\x0b\x02\x80brotli\x03"),
        (b"gzip", b"no gzip at all"),
        (b"deflate", gzip.compress(b"ok")),
        (b"gzip, gzip", gzip.compress(gzip.compress(b"ok"))),
        (b"gzip", gzip.compress(b"ok")[:-6]),
    )
    for number in range(MAX_REPEATS):
        peer.read_request()
        coding, body = bodies[number % len(bodies)]
        peer.send(answer("200 OK", body, b"Content-Encoding: " + coding))


def one_byte_a_second(peer: ClientConnection) -> None:
    """One byte a second."""
    peer.read_request()
    for byte in answer("200 OK", b"o" * 60):
        peer.send(bytes([byte]))
        if peer.wait(1.0):
            return


def silence(peer: ClientConnection) -> None:
    """Accepts, and never says a word."""
    peer.stay_silent()


def reset_mid_answer(peer: ClientConnection) -> None:
    """Resets each connection in the middle of the answer."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
    peer.reset()


def ssh_banner(peer: ClientConnection) -> None:
    """Speaks something else, and first."""
    peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")
    peer.stay_silent()


def tls_alert(peer: ClientConnection) -> None:
    """Speaks TLS to who does not."""
    peer.send(b"\x15\x03\x01\x00\x02\x02\x0a")


def endless_interim_answers(peer: ClientConnection) -> None:
    """Interim answers without an end."""
    peer.read_request()
    for _ in range(MAX_REPEATS):
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


def redirect_to(place: bytes) -> ConnectionScript:
    """Redirects to somewhere else."""
    return answer_always(answer("302 Found", b"", b"Location: " + place))


def hostile_text_everywhere(status: str) -> ConnectionScript:
    """Escapes for terminals and script in everything that can be shown."""
    headers = (
        b"Retry-After: 0",
        b"X-Odd: " + HOSTILE_BYTES.replace(b"\x07", b""),
        b"Content-Type: text/html; a=" + HOSTILE_BYTES[:3],
    )
    reason = status.encode() + b" \x1b[31mred<script>"
    return answer_always(answer(reason.decode("latin-1"), HOSTILE_BYTES, *headers))


def echo_key(status: bytes) -> Callable[[ClientConnection], None]:
    """Says back what came: the key in the body, in headers, and in the reason phrase."""

    def script(peer: ClientConnection) -> None:
        while True:
            request = peer.read_request()
            key = b" ".join(value.encode("latin-1") for value in request.values("authorization"))
            reason = b"HTTP/1.1 " + status + b" " + key
            body = _request_as_text(request)
            head = reason + b"\r\nX-Echo: " + key + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
            peer.send(head + body)

    return script


def echo_without_http(peer: ClientConnection) -> None:
    """Says back the key where no status line is."""
    request = peer.read_request()
    peer.send(b"HTTP/9 " + _request_as_text(request).replace(b"\r\n", b" ") + b"\r\n\r\n")


def _request_as_text(request: ReceivedRequest) -> bytes:
    lines = [f"{name}: {value}" for name, value in request.headers]
    return "\n".join([request.target, *lines]).encode("latin-1") + b"\n" + request.body


def answer_before_request(peer: ClientConnection) -> None:
    """Answers before anything was asked, twice."""
    peer.send(answer("200 OK", b"ok") * 2)
    while True:
        peer.read_request()
        peer.send(answer("200 OK", b"ok"))


def length_too_large(peer: ClientConnection) -> None:
    """A Content-Length that is larger than the body."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nok")


def length_too_small(peer: ClientConnection) -> None:
    """A Content-Length that is smaller than the body."""
    for _ in range(MAX_REPEATS):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok" + HOSTILE_BYTES)


def invalid_lengths(peer: ClientConnection) -> None:
    """Lengths that are none."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\nContent-Length: 1e9\r\n\r\nok")


def ending_on_bad_request(script: ConnectionScript) -> ConnectionScript:
    """The same, hanging up where it is asked for what is no HTTP."""

    def run(peer: ClientConnection) -> None:
        with contextlib.suppress(ValueError):
            script(peer)

    return run


def good_until(after: int, then: ConnectionScript) -> ConnectionScript:
    """A good target, until it has answered so many requests; then another one."""

    def script(peer: ClientConnection) -> None:
        while peer.requests_read() < after:
            peer.read_request()
            peer.send(answer("200 OK", b"ok"))
        then(peer)

    return script
