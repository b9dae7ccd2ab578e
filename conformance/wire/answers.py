"""Answers as they come over a connection: read in one step where they are usual, by h11 where not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import h11

from conformance.model import Mishap, Response
from conformance.wire.decoding import CAP_BYTES, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

_END = b"\r\n\r\n"
_MOST_KNOWN, _LONGEST_KNOWN = 512, 2_048
_LARGEST_HEAD = 65_536
_MOST_PIECES = 10_000
"""An answer of more chunks, or after more interim answers, is not read to its end: it may have none."""
_NO_CONTENT = 204
_LONGEST_LENGTH = 12


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The head of an answer: its status, its headers, its length, and whether the connection goes on.

    A length of None means that where the answer ends needs a closer look.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    length: int | None
    keeps: bool
    media_type: str = ""
    coding: str = ""
    version: str = "HTTP/1.1"


class Reply(NamedTuple):
    """What came of a request that was sent the fast way; `stray` is what followed the answer."""

    status: int = 0
    head: Head | None = None
    body: bytes = b""
    stray: bytes = b""
    truncated: bool = False
    mishap: Mishap | None = None
    detail: str = ""

    @property
    def response(self) -> Response | None:
        """The answer as everybody else knows it."""
        if self.head is None:
            return None
        return Response(
            status=self.status,
            headers=self.head.headers,
            body=self.body,
            http_version=self.head.version,
            truncated=self.truncated,
        )


class Reader:
    """Reads answers; answers and heads that have come before are not taken apart again."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self._replies: dict[tuple[bytes, str], Reply] = {}

    def read(self, data: bytes, method: str, *, is_over: bool = False) -> Reply | None:
        """The answer at the start of what has come; None if more has to come first."""
        known = self._replies.get((data, method))
        if known is None:
            known = self._read(data, method, is_over=is_over)
            if known is not None and not is_over and len(data) < _LONGEST_KNOWN:
                if len(self._replies) > _MOST_KNOWN:
                    self._replies.clear()
                self._replies[data, method] = known
        return known

    def _read(self, data: bytes, method: str, *, is_over: bool) -> Reply | None:
        """As `read`, for an answer that has not come before."""
        end = data.find(_END)
        if data and not data.startswith(b"HTTP/"[: len(data)]):
            return Reply(mishap=Mishap.NOT_HTTP, detail="the answer is not HTTP: it has no status line")
        if end < 0:
            if is_over or len(data) > _LARGEST_HEAD:
                return _slowly(data, method, is_over=is_over)
            return None
        head = self._heads.get(data[:end]) or self._head(data[:end])
        length = head.length
        if length is None or length > CAP_BYTES:
            return _slowly(data, method, is_over=is_over)
        start = end + len(_END)
        missing = start + length - len(data)
        if missing > 0:
            return _cut(is_over=is_over)
        body = data[start : start + length]
        truncated = False
        if head.coding:
            body, truncated = decode(body, head.coding)
        return Reply(head.status, head, body, data[start + length :] if missing else b"", truncated)

    def _head(self, data: bytes) -> Head:
        """A head, taken apart."""
        if len(self._heads) > _MOST_KNOWN:
            self._heads.clear()
        head = self._heads[data] = _parsed(data)
        return head


def _parsed(data: bytes) -> Head:
    """A head of the usual sort; anything else comes without a length."""
    first, *lines = data.decode("latin-1").split("\r\n")
    headers = tuple(_pairs(lines))
    names = [name.lower() for name, _ in headers]
    found = {name: value for name, (_, value) in zip(names, headers, strict=True)}
    version, _, rest = first.partition(" ")
    status = int(rest[:3]) if rest[:3].isdecimal() and rest[:3].isascii() else 0
    return Head(
        status=status,
        headers=headers,
        length=_length(status, names, found) if _is_usual(version, rest, lines) else None,
        keeps=version == "HTTP/1.1" and "close" not in found.get("connection", "").lower(),
        media_type=found.get("content-type", "").partition(";")[0].strip().lower(),
        coding=found.get("content-encoding", ""),
        version=version,
    )


def _is_usual(version: str, rest: str, lines: list[str]) -> bool:
    """Whether a head is one that needs no closer look."""
    folded = any(not line or line[0] in " \t" or ":" not in line for line in lines)
    return version == "HTTP/1.1" and rest[3:4] in {" ", ""} and not folded


def _pairs(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name, value.strip()


def _length(status: int, names: list[str], found: dict[str, str]) -> int | None:
    """How many bytes follow a head, if that is plain to see."""
    if "transfer-encoding" in found or names.count("content-length") > 1 or status < 200:
        return None
    if status in {_NO_CONTENT, 304}:
        return 0
    text = found.get("content-length", "")
    is_plain = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_LENGTH
    return int(text) if is_plain else None


def _cut(*, is_over: bool) -> Reply | None:
    """What an unfinished answer is: still on its way, or cut off."""
    detail = "the connection was closed in the middle of an answer"
    return Reply(mishap=Mishap.CLOSED, detail=detail) if is_over else None


def _slowly(data: bytes, method: str, *, is_over: bool) -> Reply | None:
    """Reads an answer with h11: chunks, interim answers, HTTP/1.0, bodies that end with the connection."""
    if not data:
        return Reply(mishap=Mishap.CLOSED, detail="the connection was closed without an answer")
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method=method, target="/", headers=[("Host", "target")]))
    reader.send(h11.EndOfMessage())
    try:
        reader.receive_data(data)
        if is_over:
            reader.receive_data(b"")
        return _answer(reader, is_over=is_over)
    except h11.RemoteProtocolError as error:
        if is_over and str(error).startswith(("peer ", "Can't")):
            return _cut(is_over=True)
        return Reply(mishap=Mishap.NOT_HTTP, detail=f"the answer is not HTTP: {error}")


def _answer(reader: h11.Connection, *, is_over: bool) -> Reply | None:
    """The whole answer, or None; what comes in too many pieces is cut. Raises h11.RemoteProtocolError."""
    found: h11.Response | None = None
    body = bytearray()
    pieces = 0
    while len(body) <= CAP_BYTES and pieces < _MOST_PIECES:
        pieces += 1
        event = reader.next_event()
        if event is h11.NEED_DATA:
            return None
        if isinstance(event, h11.Response):
            found = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    if found is None:
        if pieces >= _MOST_PIECES:
            raise h11.RemoteProtocolError("interim answers without an end")
        return _cut(is_over=is_over)
    head = _of_h11(found, keeps=reader.their_state is h11.DONE)
    content, truncated = decode(bytes(body), head.coding)
    stray = reader.trailing_data[0] if head.keeps else b""
    return Reply(head.status, head, content, stray, truncated or pieces >= _MOST_PIECES)


def _of_h11(found: h11.Response, *, keeps: bool) -> Head:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in found.headers)
    values = {name.lower(): value for name, value in headers}
    return Head(
        status=found.status_code,
        headers=headers,
        length=None,
        keeps=keeps and found.http_version == b"1.1" and "close" not in values.get("connection", "").lower(),
        media_type=values.get("content-type", "").partition(";")[0].strip().lower(),
        coding=values.get("content-encoding", ""),
        version=f"HTTP/{found.http_version.decode('latin-1')}",
    )
