"""Reads answers from a connection of gevent's: as little work as telling one answer from the next takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Readable(Protocol):
        """A socket that waits with gevent."""

        def recv(self, size: int, /) -> bytes:
            """The next bytes; empty at the end."""


_CHUNK, _MAX_HEAD, _MAX_BODY = 65_536, 65_536, 4_000_000
_EXCERPT = 300


class NoAnswer(Exception):
    """The connection ended, or what came is no HTTP. `is_silent`: not a single byte had come."""

    def __init__(self, cause: str, *, is_silent: bool = False) -> None:
        super().__init__(cause)
        self.is_silent = is_silent


@dataclass(slots=True)
class Answer:
    """One answer: its status, its head as lower case and as it came, its body, and what is wrong with its framing."""

    status: int
    lower: bytes
    head: bytes
    body: bytes
    stays_open: bool
    framing: str = ""

    def header(self, name: bytes) -> bytes | None:
        """The value of a header by its name in lower case; None if it is missing."""
        start = self.lower.find(b"\r\n" + name + b":")
        if start < 0:
            return None
        start += len(name) + 3
        end = self.lower.find(b"\r\n", start)
        return self.head[start : end if end >= 0 else None].strip()

    def headers(self) -> Iterator[tuple[bytes, bytes]]:
        """The names and values of all headers."""
        for line in self.head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            yield name, value.strip()

    def excerpt(self) -> str:
        """The beginning of the answer, for a report."""
        return (self.head[:_EXCERPT] + b"\r\n\r\n" + self.body[:_EXCERPT]).decode("utf-8", "replace")


def read_answer(connection: Readable) -> Answer:
    """The next answer. Raises NoAnswer, or OSError."""
    buffer = connection.recv(_CHUNK)
    if not buffer:
        raise NoAnswer("the connection was closed without an answer", is_silent=True)
    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            more = connection.recv(_CHUNK) if len(buffer) < _MAX_HEAD else b""
            if not more:
                raise NoAnswer("the connection was closed in the head of an answer")
            buffer += more
        if buffer[:7] != b"HTTP/1." or not buffer[9:12].isdigit():
            raise NoAnswer("the answer is not HTTP")
        status = int(buffer[9:12])
        if status >= 200 or status == 101:
            break
        buffer = buffer[end + 4 :]
    return _read_rest(connection, buffer, end, status)


def _read_rest(connection: Readable, buffer: bytes, end: int, status: int) -> Answer:
    head = buffer[:end]
    answer = Answer(status, head.lower(), head, b"", stays_open=True)
    rest = buffer[end + 4 :]
    length, coding = answer.header(b"content-length"), answer.header(b"transfer-encoding")
    closing = answer.header(b"connection")
    answer.stays_open = (closing or b"").lower() != b"close" and (buffer[7:8] == b"1" or closing is not None)
    if length is not None and coding is not None:
        answer.framing = "an answer with both a Content-Length and a Transfer-Encoding"
    if status in {204, 304}:
        answer.body = b""
    elif coding is not None:
        answer.body, rest = _read_chunks(connection, rest)
    elif length is not None:
        if not length.isdigit():
            raise NoAnswer("the Content-Length of an answer is no number")
        size = int(length)
        while len(rest) < min(size, _MAX_BODY):
            more = connection.recv(_CHUNK)
            if not more:
                raise NoAnswer("the connection was closed in the body of an answer")
            rest += more
        answer.body, rest = rest[:size], rest[size:]
    else:
        while more := connection.recv(_CHUNK):
            rest += more
        answer.body, rest, answer.stays_open = rest, b"", False
    if rest:
        answer.framing = answer.framing or "an answer followed by bytes that belong to none"
        answer.stays_open = False
    return answer


def _read_chunks(connection: Readable, rest: bytes) -> tuple[bytes, bytes]:
    """A body in chunks, and what follows it."""
    body = b""
    while True:
        while (end := rest.find(b"\r\n")) < 0:
            rest += _more(connection)
        try:
            size = int(rest[:end].partition(b";")[0], 16)
        except ValueError:
            raise NoAnswer("a chunk of an answer has no size") from None
        need = end + 2 + size + 2
        while len(rest) < need:
            rest += _more(connection)
        body += rest[end + 2 : end + 2 + size]
        rest = rest[need:]
        if size == 0 or len(body) > _MAX_BODY:
            return body, rest


def _more(connection: Readable) -> bytes:
    more = connection.recv(_CHUNK)
    if not more:
        raise NoAnswer("the connection was closed in the body of an answer")
    return more
