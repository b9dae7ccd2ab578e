"""Hostile targets: each is a script of what happens on a connection, over bare sockets."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from functools import cache
from typing import TYPE_CHECKING

from tests.sockets import Peer, answering

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sockets import Received, Script

MOST = 400_000
"""An endless thing ends here: no test goes on for ever."""
NASTY = "\x1b]0;owned\x07\x1b[2J\x1b[31m<script>alert(1)</script>\u202e\x9b31m"
ANSI = NASTY.encode("latin-1", errors="ignore")


def answer(status: str, body: bytes, *headers: bytes) -> bytes:
    """An answer with a length."""
    lines = [f"HTTP/1.1 {status}".encode(), *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def endless_body(peer: Peer) -> None:
    """A body without an end."""
    peer.request()
    peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(MOST):
        peer.say(b"a" * 65_536)


def endless_chunks(peer: Peer) -> None:
    """Chunks of one byte, without an end."""
    peer.request()
    peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(MOST):
        peer.say(b"1\r\na\r\n" * 1_000)


def endless_headers(peer: Peer) -> None:
    """Headers without an end."""
    peer.request()
    peer.say(b"HTTP/1.1 200 OK\r\n")
    for number in range(MOST):
        peer.say(b"X-%d: %b\r\n" % (number, b"a" * 4_096))


def many_headers(peer: Peer) -> None:
    """An answer with 200,000 headers, and all else in order."""
    while True:
        peer.request()
        peer.say(answer("200 OK", b"ok", *(b"X-%d: y" % number for number in range(200_000))))


def endless_line(peer: Peer) -> None:
    """A status line without an end."""
    peer.request()
    peer.say(b"HTTP/1.1 200 ")
    for _ in range(MOST):
        peer.say(b"O" * 65_536)


def bomb(peer: Peer) -> None:
    """A body of gzip that unpacks to half a gigabyte."""
    answering(answer("200 OK", _packed(), b"Content-Encoding: gzip"))(peer)


@cache
def _packed() -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1_048_576)
    return b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()


def false_codings(peer: Peer) -> None:
    """Codings that are none, one in another, and brotli that nobody asked for."""
    bodies = (
        (b"br", b"\x0b\x02\x80brotli\x03"),
        (b"gzip", b"no gzip at all"),
        (b"deflate", gzip.compress(b"ok")),
        (b"gzip, gzip", gzip.compress(gzip.compress(b"ok"))),
        (b"gzip", gzip.compress(b"ok")[:-6]),
    )
    for number in range(MOST):
        peer.request()
        coding, body = bodies[number % len(bodies)]
        peer.say(answer("200 OK", body, b"Content-Encoding: " + coding))


def drip(peer: Peer) -> None:
    """One byte a second."""
    peer.request()
    for byte in answer("200 OK", b"o" * 60):
        peer.say(bytes([byte]))
        if peer.pause(1.0):
            return


def silence(peer: Peer) -> None:
    """Accepts, and never says a word."""
    peer.hold()


def reset(peer: Peer) -> None:
    """Resets each connection in the middle of the answer."""
    peer.request()
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
    peer.tear()


def ssh(peer: Peer) -> None:
    """Speaks something else, and first."""
    peer.say(b"SSH-2.0-OpenSSH_9.6\r\n")
    peer.hold()


def tls_alert(peer: Peer) -> None:
    """Speaks TLS to who does not."""
    peer.say(b"\x15\x03\x01\x00\x02\x02\x0a")


def interim(peer: Peer) -> None:
    """Interim answers without an end."""
    peer.request()
    for _ in range(MOST):
        peer.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


def elsewhere(place: bytes) -> Script:
    """Redirects to somewhere else."""
    return answering(answer("302 Found", b"", b"Location: " + place))


def nasty(status: str) -> Script:
    """Escapes for terminals and script in everything that can be shown."""
    headers = (
        b"Retry-After: 0",
        b"X-Odd: " + ANSI.replace(b"\x07", b""),
        b"Content-Type: text/html; a=" + ANSI[:3],
    )
    reason = status.encode() + b" \x1b[31mred<script>"
    return answering(answer(reason.decode("latin-1"), ANSI, *headers))


def echo(status: bytes) -> Callable[[Peer], None]:
    """Says back what came: the key in the body, in headers, and in the reason phrase."""

    def script(peer: Peer) -> None:
        while True:
            found = peer.request()
            key = b" ".join(value.encode("latin-1") for value in found.values("authorization"))
            reason = b"HTTP/1.1 " + status + b" " + key
            told = _told(found)
            head = reason + b"\r\nX-Echo: " + key + b"\r\nContent-Length: %d\r\n\r\n" % len(told)
            peer.say(head + told)

    return script


def garbled_echo(peer: Peer) -> None:
    """Says back the key where no status line is."""
    found = peer.request()
    peer.say(b"HTTP/9 " + _told(found).replace(b"\r\n", b" ") + b"\r\n\r\n")


def _told(found: Received) -> bytes:
    lines = [f"{name}: {value}" for name, value in found.headers]
    return "\n".join([found.target, *lines]).encode("latin-1") + b"\n" + found.body


def early(peer: Peer) -> None:
    """Answers before anything was asked, twice."""
    peer.say(answer("200 OK", b"ok") * 2)
    while True:
        peer.request()
        peer.say(answer("200 OK", b"ok"))


def short(peer: Peer) -> None:
    """A Content-Length that is larger than the body."""
    peer.request()
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nok")


def long(peer: Peer) -> None:
    """A Content-Length that is smaller than the body."""
    for _ in range(MOST):
        peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok" + ANSI)


def negative(peer: Peer) -> None:
    """Lengths that are none."""
    peer.request()
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\nContent-Length: 1e9\r\n\r\nok")


def careful(script: Script) -> Script:
    """The same, hanging up where it is asked for what is no HTTP."""

    def run(peer: Peer) -> None:
        with contextlib.suppress(ValueError):
            script(peer)

    return run


def turning(after: int, then: Script) -> Script:
    """A good target, until it has answered so many requests; then another one."""

    def script(peer: Peer) -> None:
        while peer.answered() < after:
            peer.request()
            peer.say(answer("200 OK", b"ok"))
        then(peer)

    return script
