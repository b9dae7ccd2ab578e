"""A connection for raw bytes, for requests that no HTTP client would send; h11 parses the answers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import h11
import httpcore

from conformance.core.model import Response, TransportFailure
from conformance.requests.raw_writers import LatePieces, Pieces, start_line, write_standard
from conformance.wire import failures
from conformance.wire.deadline import client_deadline
from conformance.wire.decoding import MAX_READ_BYTES, MAX_TRAILING_BYTES, BodyBuffer, headers_to_text
from conformance.wire.head_limits import MAX_HEAD_BYTES
from conformance.wire.sockets import RECEIVED_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.core.model import Request
    from conformance.wire.sockets import NetworkStream
    from conformance.wire.target import TargetAddress

USER_AGENT = "ingest-conformance"
INTERIM_WAIT_S = 1.0
"""How many seconds a piece of a request waits for an answer to the pieces before it."""
TRAILING_WAIT_S = 0.02
"""How many seconds a connection is read for bytes after its last answer."""
_END_WAIT_S = 1.0
"""How many seconds the target has to close a connection after its last answer, where that is waited for."""
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The response to a request or its transport failure, and the state of the connection after it."""

    response: Response | None = None
    failure: TransportFailure | None = None
    failure_detail: str = ""
    is_certificate_rejected: bool = False
    bytes_after_response: bytes = b""
    stays_open: bool = False
    got_100_continue: bool = False
    is_left_open: bool = False
    elapsed_s: float = 0.0


CLOSED_WITHOUT_ANSWER = SendResult(failure=TransportFailure.CLOSED, failure_detail=failures.CLOSED_WITHOUT_ANSWER)


@dataclass(slots=True)
class RawConnection:
    """A connection to a target that sends bytes as they are given.

    `idle_s` is how long it was open, in seconds, before its first bytes were sent.
    """

    stream: NetworkStream
    opened_s: float = field(default_factory=time.monotonic)
    idle_s: float | None = None
    buffer: bytes = b""
    at_eof: bool = False
    is_send_aborted: bool = False
    got_100_continue: bool = False
    is_final_response: bool = False

    @classmethod
    async def open(cls, target: TargetAddress) -> RawConnection:
        """Opens a connection. Raises httpcore.ConnectError."""
        stream = await target.network_backend().connect_tcp(target.host, target.port)
        if target.tls is not None:
            stream = await stream.start_tls(target.tls, target.host)
        return cls(stream)

    async def send(self, pieces: tuple[bytes, ...]) -> None:
        """Sends the pieces of a request; stops if an answer comes before the next piece, unless they are late ones."""
        wait_s = pieces.pause_s if isinstance(pieces, Pieces) else INTERIM_WAIT_S
        stops = not isinstance(pieces, LatePieces)
        for number, piece in enumerate(pieces):
            if number and await self._is_answered_early(wait_s) and stops:
                self.is_send_aborted = True
                return
            if self.idle_s is None:
                self.idle_s = time.monotonic() - self.opened_s
            try:
                await self.stream.write(piece)
            except httpcore.WriteError:
                self.is_send_aborted = True
                return

    async def receive(self, method: str) -> SendResult:
        """Reads the answer to a request with a method."""
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * MAX_HEAD_BYTES)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "target")]))
        parser.send(h11.EndOfMessage())
        if not self.buffer and not self.at_eof:
            await self._read()
        if not self.buffer:
            return CLOSED_WITHOUT_ANSWER
        try:
            response = await self._read_response(parser)
        except h11.RemoteProtocolError as error:
            if self.at_eof:
                return SendResult(failure=TransportFailure.CLOSED, failure_detail=failures.CLOSED_IN_ANSWER)
            detail = failures.not_http(error, self.stream.first_bytes)
            return SendResult(failure=TransportFailure.NOT_HTTP, failure_detail=detail)
        self.buffer += parser.trailing_data[0]
        self.is_final_response = parser.their_state is not h11.DONE
        is_open = not (self.is_final_response or self.at_eof or self.is_send_aborted)
        return SendResult(response=response, stays_open=is_open, got_100_continue=self.got_100_continue)

    async def _read_response(self, parser: h11.Connection) -> Response:
        """Reads to the end of an answer. Raises h11.RemoteProtocolError if it is not HTTP."""
        head: h11.Response | None = None
        body = BodyBuffer()
        while not body.is_over:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                await self._feed_parser(parser)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body.add(event.data)
                body.count_with_framing(self.stream.get_extra_info(RECEIVED_BYTES))
            elif isinstance(event, h11.EndOfMessage):
                break
        if head is None:
            raise h11.RemoteProtocolError("there is no status line")
        return _response_from_h11(head, body)

    async def read_trailing(self, wait_s: float) -> bytes:
        """The bytes after the last answer that come in time."""
        try:
            async with client_deadline(wait_s):
                while not self.at_eof and len(self.buffer) <= MAX_TRAILING_BYTES:
                    await self._read()
        except TimeoutError:
            pass
        return self.buffer[:MAX_TRAILING_BYTES]

    async def _is_answered_early(self, wait_s: float) -> bool:
        """Whether a final answer comes before the next piece, which is sent after a 100 or when nothing comes.

        Other interim answers, such as 102 and 103, may come at any time and say nothing.
        """
        try:
            async with client_deadline(wait_s):
                while True:
                    while b"\r\n\r\n" not in self.buffer and not self.at_eof and len(self.buffer) <= MAX_READ_BYTES:
                        await self._read()
                    if not self.buffer.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
                        return True
                    head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
                    if head[9:12] == b"100":
                        self.got_100_continue = True
                        return False
        except TimeoutError:
            return False

    async def _feed_parser(self, parser: h11.Connection) -> None:
        """Gives the parser the received bytes, or waits for more."""
        if not self.buffer and not self.at_eof:
            await self._read()
        if self.buffer:
            data, self.buffer = self.buffer, b""
            parser.receive_data(data)
        elif self.at_eof:
            parser.receive_data(b"")

    async def _read(self) -> None:
        try:
            data = await self.stream.read(_READ_BYTES)
        except httpcore.ReadError:
            data = b""
        self.buffer += data
        self.at_eof = not data


async def send_on_raw_connection(  # noqa: PLR0913 - three ways to send the same requests
    target: TargetAddress,
    requests: Sequence[Request],
    results: list[SendResult],
    *,
    pipelined: bool,
    half_closed: bool,
    pause_s: float = 0.0,
) -> float:
    """Sends requests over one connection and appends a result for each. Raises httpcore.ConnectError.

    Returns how many seconds the connection was idle before its first bytes: some servers close it for that.
    """
    connection = await RawConnection.open(target)
    try:
        if pipelined:
            pieces = [piece for request in requests for piece in _write_pieces(target, request)]
            await connection.send((b"".join(pieces),))
        for number, request in enumerate(requests, 1):
            if connection.is_final_response or (connection.at_eof and not connection.buffer):
                results.append(CLOSED_WITHOUT_ANSWER)
                continue
            if not pipelined:
                if number > 1 and pause_s:
                    await asyncio.sleep(pause_s)
                await connection.send(_write_pieces(target, request))
            if half_closed and number == len(requests):
                await connection.stream.half_close()
            results.append(await connection.receive(request.method))
        if results[-1].response is not None:
            awaits_end = requests[-1].awaits_end
            bytes_after_response = await connection.read_trailing(_END_WAIT_S if awaits_end else TRAILING_WAIT_S)
            results[-1] = replace(
                results[-1],
                bytes_after_response=bytes_after_response,
                stays_open=results[-1].stays_open and not connection.at_eof,
                is_left_open=awaits_end and not connection.at_eof,
            )
    finally:
        await connection.stream.aclose()
    return connection.idle_s or 0.0


def _write_pieces(target: TargetAddress, request: Request) -> tuple[bytes, ...]:
    """The bytes of a request, from its raw writer or as a client would write it."""
    headers = [("Host", target.authority), ("User-Agent", USER_AGENT), *request.headers]
    return (request.raw_writer or write_standard)(start_line(request, target.prefix), headers, request.body)


def _response_from_h11(head: h11.Response, body: BodyBuffer) -> Response:
    headers = headers_to_text(head.headers)
    values = {name.lower(): value for name, value in headers}
    decoded, truncated = body.decode(values.get("content-encoding", ""))
    return Response(
        status=head.status_code,
        headers=headers,
        body=decoded,
        http_version=f"HTTP/{head.http_version.decode('latin-1')}",
        truncated=truncated,
    )
