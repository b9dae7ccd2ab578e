"""Connections that are kept open from one request to the next: no redirects, no cookies, no proxies, no retries."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h11
import httpcore

from conformance.core.model import Response
from conformance.wire import failures
from conformance.wire.decoding import BodyBuffer, decode_body, headers_to_text
from conformance.wire.head_limits import MAX_HEAD_BYTES
from conformance.wire.plain_heads import HEAD_END, PlainHead, read_plain_head
from conformance.wire.request_bytes import write_kept_alive
from conformance.wire.sockets import AT_EOF, RECEIVED_BYTES

if TYPE_CHECKING:
    from conformance.core.model import Request
    from conformance.wire.sockets import NetworkStream
    from conformance.wire.target import TargetAddress

_READ_BYTES = 65_536
_MAX_PLAIN_PIECES = 16
"""A plain answer in more pieces is left to h11, and to the limits of its body."""
_CONNECTION_HEADERS = frozenset({"connection", "upgrade"})


@dataclass(slots=True)
class Attempt:
    """Whether one attempt to send a request opened a connection and received the head of an answer.

    `idle_s` is how long a new connection waited for the first bytes of the request, and `stream` that connection.
    """

    opened_connection: bool = False
    received_head: bool = False
    idle_s: float = 0.0
    stream: NetworkStream | None = None

    @property
    def first_bytes(self) -> bytes:
        """The first bytes that the peer sent over a new connection."""
        return self.stream.first_bytes if self.stream else b""


class KeptConnections:
    """The idle connections to one target; the one that was used last is used next."""

    def __init__(self, target: TargetAddress) -> None:
        self._target = target
        self._idle: list[_Connection] = []

    async def send(self, request: Request, attempt: Attempt, *, is_kept: bool = True) -> Response:
        """Sends a request and reads its answer, over a connection of its own unless `is_kept`.

        Raises httpcore's errors.
        """
        data = write_kept_alive(request, self._target.authority, self._target.prefix)
        connection = await self._take(attempt) if is_kept else await self._open(attempt)
        try:
            response = await connection.exchange(request, data, attempt)
        except BaseException:
            await connection.stream.aclose()
            raise
        if is_kept and connection.is_reusable:
            self._idle.append(connection)
        else:
            await connection.stream.aclose()
        return response

    async def aclose(self) -> None:
        """Closes every idle connection."""
        while self._idle:
            await self._idle.pop().stream.aclose()

    async def _take(self, attempt: Attempt) -> _Connection:
        """The open connection that was used last, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.stream.is_readable:
                return connection
            await connection.stream.aclose()
        return await self._open(attempt)

    async def _open(self, attempt: Attempt) -> _Connection:
        attempt.opened_connection = True
        attempt.stream = await self._target.open_stream()
        return _Connection(attempt.stream)


@dataclass(slots=True)
class _Connection:
    """An open connection. `is_reusable` once an answer was read to its end, and nobody said that it was the last one.

    What came after an answer is taken for the beginning of the next one.
    """

    stream: NetworkStream
    is_reusable: bool = False
    _unread: bytes = b""
    _opened_s: float = field(default_factory=time.monotonic)

    async def exchange(self, request: Request, data: bytes, attempt: Attempt) -> Response:
        """Sends a request and reads its answer, even if the peer does not take all of the request."""
        self.is_reusable = False
        if attempt.opened_connection:
            attempt.idle_s = time.monotonic() - self._opened_s
        is_sent = True
        try:
            await self.stream.write(data)
        except httpcore.WriteError:
            is_sent = False
        received, self._unread = self._unread or await self._read(attempt), b""
        head_end = received.find(HEAD_END)
        head = read_plain_head(received[:head_end], request.method) if head_end >= 0 else None
        if head is None:
            return await self._read_with_h11(request, received, attempt, is_sent=is_sent)
        attempt.received_head = True
        start = head_end + len(HEAD_END)
        stop, pieces = start + head.body_length, 1
        while len(received) < stop:
            received, pieces = received + await self._read(attempt), pieces + 1
            if pieces > _MAX_PLAIN_PIECES:
                return await self._read_with_h11(request, received, attempt, is_sent=is_sent)
        self._unread = received[stop:]
        self.is_reusable = is_sent and head.keeps_alive and not _says_close(request)
        return _plain_response(head, received[start:stop])

    async def _read(self, attempt: Attempt) -> bytes:
        """The next bytes of an answer. Raises httpcore's errors, also where there are none."""
        received = await self.stream.read(_READ_BYTES)
        if not received:
            raise _ended(attempt)
        return received

    async def _read_with_h11(self, request: Request, received: bytes, attempt: Attempt, *, is_sent: bool) -> Response:
        """Reads an answer that is not plain, of which some bytes are received. Raises httpcore's errors."""
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * MAX_HEAD_BYTES)
        further = [pair for pair in request.headers if pair[0].lower() in _CONNECTION_HEADERS]
        parser.send(h11.Request(method=request.method, target="/", headers=[("Host", "target"), *further]))
        parser.send(h11.EndOfMessage())
        parser.receive_data(received)
        try:
            head, body = await self._read_events(parser, attempt)
        except h11.RemoteProtocolError as error:
            if attempt.received_head and self.stream.get_extra_info(AT_EOF):
                raise httpcore.ReadError(failures.CLOSED_IN_ANSWER) from error
            raise httpcore.RemoteProtocolError(str(error)) from error
        is_over = parser.our_state is h11.DONE and parser.their_state is h11.DONE
        self._unread, self.is_reusable = parser.trailing_data[0], is_sent and is_over
        headers = headers_to_text(head.headers.raw_items())
        codings = [value for name, value in headers if name.lower() == "content-encoding"]
        content, is_truncated = body.decode(", ".join(codings))
        version = f"HTTP/{head.http_version.decode('latin-1')}"
        return Response(
            status=head.status_code, headers=headers, body=content, http_version=version, truncated=is_truncated
        )

    async def _read_events(
        self, parser: h11.Connection, attempt: Attempt
    ) -> tuple[h11.Response | h11.InformationalResponse, BodyBuffer]:
        """The head and the body of an answer, or a switch of protocols. Raises h11's errors, and httpcore's."""
        head: h11.Response | h11.InformationalResponse | None = None
        body = BodyBuffer()
        while not (body.is_over and head):
            event = parser.next_event()
            if event is h11.NEED_DATA:
                part = await self.stream.read(_READ_BYTES)
                if not part and head is None:
                    raise _ended(attempt)
                parser.receive_data(part)
            elif isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == 101
            ):
                head, attempt.received_head = event, True
            elif isinstance(event, h11.Data):
                body.add(event.data)
                body.count_with_framing(self.stream.get_extra_info(RECEIVED_BYTES))
            elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                break
        if head is None:
            raise _ended(attempt)
        return head, body


def _says_close(request: Request) -> bool:
    """Whether a request asks to close the connection after its answer."""
    return any(name.lower() == "connection" and "close" in value.lower() for name, value in request.headers)


def _ended(attempt: Attempt) -> httpcore.NetworkError | httpcore.RemoteProtocolError:
    """The error of a connection that was closed before the end of an answer, or without one."""
    if attempt.received_head:
        return httpcore.ReadError(failures.CLOSED_IN_ANSWER)
    return httpcore.RemoteProtocolError(failures.CLOSED_WITHOUT_ANSWER)


def _plain_response(head: PlainHead, body: bytes) -> Response:
    """The response with a plain head."""
    is_truncated = False
    if head.content_encoding:
        body, is_truncated = decode_body(body, head.content_encoding)
    return Response(status=head.status, headers=head.headers, body=body, truncated=is_truncated)
