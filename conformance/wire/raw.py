"""A connection that is written by hand, for what no HTTP client would send; its answers are read by h11."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import h11
import httpcore

from conformance.model import Mishap, Response
from conformance.payloads.spelling import start_line, usual
from conformance.wire.decoding import CAP_BYTES, decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.model import Request
    from conformance.wire.sockets import NetworkStream
    from conformance.wire.target import Target

INTERIM_S = 1.0
"""How long a piece of a request waits for an answer to the pieces before it, in seconds."""
STRAY_S = 0.02
"""How long a connection is watched for bytes that belong to no answer, in seconds."""
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of one request on a hand-written connection."""

    response: Response | None = None
    mishap: Mishap | None = None
    detail: str = ""
    stray: bytes = b""
    is_open: bool = False
    is_continued: bool = False


GONE = Heard(mishap=Mishap.CLOSED, detail="the connection was closed without an answer")


@dataclass(slots=True)
class Line:
    """One connection to a target, byte by byte."""

    stream: NetworkStream
    buffer: bytes = b""
    is_over: bool = False
    is_torn: bool = False
    is_continued: bool = False
    is_last: bool = False

    @classmethod
    async def to(cls, target: Target) -> Line:
        """Opens a connection. Raises httpcore.ConnectError."""
        stream = await target.backend().connect_tcp(target.host, target.port)
        if target.tls is not None:
            stream = await stream.start_tls(target.tls, target.host)
        return cls(stream)

    async def say(self, pieces: tuple[bytes, ...]) -> None:
        """Sends the pieces of a request; stops at one that is answered before the next."""
        for number, piece in enumerate(pieces):
            if number and await self._interrupted():
                self.is_torn = True
                return
            try:
                await self.stream.write(piece)
            except httpcore.WriteError:
                self.is_torn = True
                return

    async def hear(self, method: str) -> Heard:
        """Reads one answer, as that to a method."""
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method=method, target="/", headers=[("Host", "target")]))
        reader.send(h11.EndOfMessage())
        if not self.buffer and not self.is_over:
            await self._read()
        if not self.buffer:
            return GONE
        try:
            response = await self._answer(reader)
        except h11.RemoteProtocolError as error:
            if self.is_over:
                detail = "the connection was closed in the middle of an answer"
                return Heard(mishap=Mishap.CLOSED, detail=detail)
            return Heard(mishap=Mishap.NOT_HTTP, detail=f"the answer is not HTTP: {error}")
        self.buffer += reader.trailing_data[0]
        self.is_last = reader.their_state is not h11.DONE
        is_open = not (self.is_last or self.is_over or self.is_torn)
        return Heard(response=response, is_open=is_open, is_continued=self.is_continued)

    async def _answer(self, reader: h11.Connection) -> Response:
        """Reads to the end of an answer. Raises h11.RemoteProtocolError if it is none."""
        head: h11.Response | None = None
        body = bytearray()
        while len(body) <= CAP_BYTES:
            event = reader.next_event()
            if event is h11.NEED_DATA:
                await self._feed(reader)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
        if head is None:
            raise h11.RemoteProtocolError("there is no status line")
        return _response(head, bytes(body))

    async def stray(self) -> bytes:
        """What comes after the last answer, within a moment."""
        try:
            async with asyncio.timeout(STRAY_S):
                while not self.is_over:
                    await self._read()
        except TimeoutError:
            pass
        return self.buffer

    async def _interrupted(self) -> bool:
        """Whether a final answer comes before the next piece is due; an interim one says to go on."""
        try:
            async with asyncio.timeout(INTERIM_S):
                while b"\r\n\r\n" not in self.buffer and not self.is_over:
                    await self._read()
        except TimeoutError:
            return False
        if self.buffer.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
            self.buffer = self.buffer.partition(b"\r\n\r\n")[2]
            self.is_continued = True
            return False
        return True

    async def _feed(self, reader: h11.Connection) -> None:
        """Hands h11 what has come, or waits for more."""
        if not self.buffer and not self.is_over:
            await self._read()
        if self.buffer:
            data, self.buffer = self.buffer, b""
            reader.receive_data(data)
        elif self.is_over:
            reader.receive_data(b"")

    async def _read(self) -> None:
        try:
            data = await self.stream.read(_READ_BYTES)
        except httpcore.ReadError:
            data = b""
        self.buffer += data
        self.is_over = not data


async def converse(
    target: Target, requests: Sequence[Request], found: list[Heard], *, pipelined: bool, half_closed: bool
) -> None:
    """Sends requests over one connection and adds what came of each. Raises httpcore.ConnectError."""
    line = await Line.to(target)
    try:
        if pipelined:
            pieces = [piece for request in requests for piece in _pieces(target, request)]
            await line.say((b"".join(pieces),))
        for number, request in enumerate(requests, 1):
            if line.is_last or (line.is_over and not line.buffer):
                found.append(GONE)
                continue
            if not pipelined:
                await line.say(_pieces(target, request))
            if half_closed and number == len(requests):
                await line.stream.end()
            found.append(await line.hear(request.method))
        if found[-1].response is not None:
            stray = await line.stray()
            found[-1] = replace(found[-1], stray=stray, is_open=found[-1].is_open and not line.is_over)
    finally:
        await line.stream.aclose()


def _pieces(target: Target, request: Request) -> tuple[bytes, ...]:
    """The bytes of a request, by its own spelling or as a client would write it."""
    headers = [("Host", target.authority), ("User-Agent", "ingest-conformance"), *request.headers]
    return (request.spelling or usual)(start_line(request, target.prefix), headers, request.body)


def _response(head: h11.Response, body: bytes) -> Response:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
    found = {name.lower(): value for name, value in headers}
    decoded, truncated = decode(body, found.get("content-encoding", ""))
    return Response(
        status=head.status_code,
        headers=headers,
        body=decoded,
        http_version=f"HTTP/{head.http_version.decode('latin-1')}",
        truncated=truncated,
    )
