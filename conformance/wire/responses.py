"""Parses HTTP responses: common ones in one step, all others with h11."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import h11

from conformance.core.model import Response, TransportFailure
from conformance.wire import failures
from conformance.wire.decoding import (
    MAX_BODY_BYTES,
    MAX_TRAILING_BYTES,
    BodyBuffer,
    cut_headers,
    decode_body,
    headers_to_text,
)
from conformance.wire.head_limits import MAX_HEAD_BYTES, MAX_HEADERS, AnswerTooLong, HeadReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD_END = b"\r\n\r\n"
_MAX_CACHED, _MAX_CACHED_BYTES = 512, 2_048
_NO_CONTENT = 204
_MAX_LENGTH_DIGITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class ResponseHead:
    """The head of an answer. A `body_length` of None means that h11 has to find the end of the body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body_length: int | None
    keeps_alive: bool
    media_type: str = ""
    content_encoding: str = ""
    http_version: str = "HTTP/1.1"


_UNREAD_HEAD = ResponseHead(status=0, headers=(), body_length=None, keeps_alive=False)


class Reply(NamedTuple):
    """The answer to a request sent over `Connections`, or its transport failure; a tuple because it is fast."""

    status: int = 0
    head: ResponseHead | None = None
    body: bytes = b""
    bytes_after_response: bytes = b""
    is_truncated: bool = False
    failure: TransportFailure | None = None
    failure_detail: str = ""

    @classmethod
    def failed(cls, failure: TransportFailure, detail: str) -> Reply:
        """No answer, and why."""
        return cls(failure=failure, failure_detail=detail)

    @property
    def response(self) -> Response | None:
        """The answer as a Response; None for a failure."""
        if self.head is None:
            return None
        return Response(
            status=self.status,
            headers=self.head.headers,
            body=self.body,
            http_version=self.head.http_version,
            truncated=self.is_truncated,
        )


class ResponseReader:
    """Parses answers; equal answers and equal heads are parsed only once.

    `read` is for the beginning of an answer. Where that needs h11 and is not the whole answer, it returns a parser that
    takes the rest piece by piece.
    """

    def __init__(self) -> None:
        self._cached_heads: dict[bytes, ResponseHead] = {}
        self._cached_replies: dict[tuple[bytes, str], Reply] = {}

    def read(self, data: bytes, method: str, *, at_eof: bool = False) -> Reply | AnswerParser | None:
        """The answer at the start of the received bytes; None, or a parser for the rest, if it is incomplete."""
        reply: Reply | AnswerParser | None = self._cached_replies.get((data, method))
        if reply is None:
            reply = self._read_uncached(data, method, at_eof=at_eof)
            if isinstance(reply, Reply) and not at_eof and len(data) < _MAX_CACHED_BYTES:
                if len(self._cached_replies) > _MAX_CACHED:
                    self._cached_replies.clear()
                self._cached_replies[data, method] = reply
        return reply

    def _read_uncached(self, data: bytes, method: str, *, at_eof: bool) -> Reply | AnswerParser | None:
        """The same as `read`, for an answer that is not cached."""
        head_end = data.find(_HEAD_END)
        if data and not data.startswith(b"HTTP/"[: len(data)]):
            return Reply.failed(TransportFailure.NOT_HTTP, failures.not_http("it has no status line", data))
        if head_end < 0:
            if at_eof or len(data) > MAX_HEAD_BYTES:
                return _read_with_h11(data, method, at_eof=at_eof)
            return None
        head = self._cached_heads.get(data[:head_end]) or self._parse_and_cache_head(data[:head_end])
        length = head.body_length
        if length is None or length > MAX_BODY_BYTES:
            return _read_with_h11(data, method, at_eof=at_eof)
        start = head_end + len(_HEAD_END)
        missing_bytes = start + length - len(data)
        if missing_bytes > 0:
            return _unfinished(at_eof=at_eof)
        body = data[start : start + length]
        truncated = False
        if head.content_encoding:
            body, truncated = decode_body(body, head.content_encoding)
        return Reply(
            head.status, head, body, data[start + length :][:MAX_TRAILING_BYTES] if missing_bytes else b"", truncated
        )

    def _parse_and_cache_head(self, data: bytes) -> ResponseHead:
        """The parsed head; one with too many lines is left to h11, and to its limit."""
        if data.count(b"\n") > MAX_HEADERS:
            return _UNREAD_HEAD
        head = _parse_head(data)
        if len(data) < _MAX_CACHED_BYTES:
            if len(self._cached_heads) > _MAX_CACHED:
                self._cached_heads.clear()
            self._cached_heads[data] = head
        return head


def _parse_head(data: bytes) -> ResponseHead:
    """The parsed head; an unusual one gets no `body_length`."""
    status_line, *lines = data.decode("latin-1").split("\r\n")
    headers = tuple(_split_headers(lines))
    names = [name.lower() for name, _ in headers]
    values = {name: value for name, (_, value) in zip(names, headers, strict=True)}
    version, _, status_text = status_line.partition(" ")
    status = int(status_text[:3]) if status_text[:3].isdecimal() and status_text[:3].isascii() else 0
    return ResponseHead(
        status=status,
        headers=cut_headers(headers),
        body_length=_body_length(status, names, values) if _is_simple(version, status_text, lines) else None,
        keeps_alive=version == "HTTP/1.1" and "close" not in values.get("connection", "").lower(),
        media_type=values.get("content-type", "").partition(";")[0].strip().lower(),
        content_encoding=values.get("content-encoding", ""),
        http_version=version,
    )


def _is_simple(version: str, status_text: str, lines: list[str]) -> bool:
    """Whether a head needs no closer look by h11."""
    has_odd_lines = any(not line or line[0] in " \t" or ":" not in line for line in lines)
    return version == "HTTP/1.1" and status_text[3:4] in {" ", ""} and not has_odd_lines


def _split_headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name, value.strip()


def _body_length(status: int, names: list[str], values: dict[str, str]) -> int | None:
    """How many bytes follow a head, if its headers say it plainly."""
    if "transfer-encoding" in values or names.count("content-length") > 1 or status < 200:
        return None
    if status in {_NO_CONTENT, 304}:
        return 0
    text = values.get("content-length", "")
    is_plain = text.isascii() and text.isdecimal() and len(text) <= _MAX_LENGTH_DIGITS
    return int(text) if is_plain else None


def _unfinished(*, at_eof: bool) -> Reply | None:
    """The result for an incomplete answer: a failure if the connection is closed, else None."""
    return Reply.failed(TransportFailure.CLOSED, failures.CLOSED_IN_ANSWER) if at_eof else None


def _read_with_h11(data: bytes, method: str, *, at_eof: bool) -> Reply | AnswerParser | None:
    """Reads an answer with h11: chunks, interim answers, HTTP/1.0, bodies that end with the connection."""
    if not data:
        return Reply.failed(TransportFailure.CLOSED, failures.CLOSED_WITHOUT_ANSWER)
    parser = AnswerParser(method)
    return parser.feed(data, at_eof=at_eof) or (None if at_eof else parser)


class AnswerParser:
    """Puts an answer together from pieces, up to the maximum size. Each byte is looked at once."""

    def __init__(self, method: str) -> None:
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * MAX_HEAD_BYTES)
        self._parser.send(h11.Request(method=method, target="/", headers=[("Host", "target")]))
        self._parser.send(h11.EndOfMessage())
        self._response: h11.Response | None = None
        self._body = BodyBuffer()
        self._head = HeadReader()
        self._received_bytes = 0

    def feed(self, data: bytes, *, at_eof: bool = False) -> Reply | None:
        """The answer, once it is whole, cut or wrong; None if it needs more bytes."""
        try:
            if data:
                self._receive(data)
            is_complete = self._read_events()
        except AnswerTooLong as error:
            return Reply.failed(TransportFailure.NOT_HTTP, str(error))
        except h11.RemoteProtocolError as error:
            return Reply.failed(TransportFailure.NOT_HTTP, failures.not_http(error))
        if not is_complete and at_eof:
            self._parser.receive_data(b"")
            try:
                is_complete = self._read_events()
            except h11.RemoteProtocolError:  # all that was received is HTTP, but it is not all of the answer
                return _unfinished(at_eof=True)
        return self._to_reply(at_eof=at_eof) if is_complete else None

    def _receive(self, data: bytes) -> None:
        """Passes on bytes to the parser. Raises AnswerTooLong."""
        self._received_bytes += len(data)
        self._head.add(data)
        self._body.count_with_framing(self._received_bytes)
        self._parser.receive_data(data)

    def _read_events(self) -> bool:
        """Reads events; whether the response is complete or cut. Raises h11.RemoteProtocolError."""
        while not (self._body.is_over and self._response):
            event = self._parser.next_event()
            if event is h11.NEED_DATA:
                return False
            if isinstance(event, h11.Response):
                self._response = event
            elif isinstance(event, h11.Data):
                self._body.add(event.data)
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                break
        return True

    def _to_reply(self, *, at_eof: bool) -> Reply | None:
        """The reply; None if the connection may still bring a response."""
        if self._response is None:
            return _unfinished(at_eof=at_eof)
        head = _head_from_h11(self._response, keeps_alive=self._parser.their_state is h11.DONE)
        content, truncated = self._body.decode(head.content_encoding)
        bytes_after_response = self._parser.trailing_data[0][:MAX_TRAILING_BYTES] if head.keeps_alive else b""
        return Reply(head.status, head, content, bytes_after_response, truncated)


class PendingAnswer:
    """The answer that a connection is receiving: its bytes so far, or a parser that has read them."""

    def __init__(self, reader: ResponseReader) -> None:
        self._reader = reader
        self._buffer = b""
        self._parser: AnswerParser | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was received yet."""
        return not self._buffer and self._parser is None

    def feed(self, data: bytes, method: str, *, at_eof: bool = False) -> Reply | None:
        """The answer to a request with a method, once its last piece is received."""
        if self._parser is not None:
            return self._parser.feed(data, at_eof=at_eof)
        if self._buffer:
            data = self._buffer + data
        reply = self._reader.read(data, method, at_eof=at_eof)
        if isinstance(reply, AnswerParser):
            self._parser, self._buffer = reply, b""
            return None
        self._buffer = data
        return reply

    def clear(self) -> None:
        """Forgets what was received."""
        self._buffer, self._parser = b"", None


def _head_from_h11(response: h11.Response, *, keeps_alive: bool) -> ResponseHead:
    headers = headers_to_text(response.headers)
    values = {name.lower(): value for name, value in headers}
    return ResponseHead(
        status=response.status_code,
        headers=headers,
        body_length=None,
        keeps_alive=keeps_alive
        and response.http_version == b"1.1"
        and "close" not in values.get("connection", "").lower(),
        media_type=values.get("content-type", "").partition(";")[0].strip().lower(),
        content_encoding=values.get("content-encoding", ""),
        http_version=f"HTTP/{response.http_version.decode('latin-1')}",
    )
