"""A receiver of ours, to which a server forwards events: an HTTP/1.1 server whose memory is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections import deque
from typing import TYPE_CHECKING

import h11

from conformance.core.errors import UsageError
from conformance.sinks.extraction import Extractor, NoEvents, gunzip, inflate
from conformance.sinks.stored_event import SinkError

if TYPE_CHECKING:
    from conformance.sinks.secrets import SinkSecrets
    from conformance.sinks.sink import HttpSource, Sink
    from conformance.sinks.stored_event import StoredEvent

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_HELD_BYTES = 64 * 1024 * 1024
"""Of bodies that nobody has read yet; further requests wait for their answer."""
_MAX_CONNECTIONS = 256
_IDLE_S = 60.0
_CHUNK = 64 * 1024
_PER_READ_BYTES = 8 * 1024 * 1024
_NDJSON = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines")


class _Refused(Exception):
    """A request that is not taken; `status` answers it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class HttpReader:
    """The events in the requests that a server sends to us."""

    def __init__(self, sink: Sink, source: HttpSource, secrets: SinkSecrets) -> None:
        self._source = source
        host, _, port = secrets.expand(source.listen).rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._secret = secrets.expand(source.secret, is_secret=True).encode()
        self._extractor = Extractor(sink)
        self.skipped = self._extractor.skipped
        self._bodies: deque[tuple[str, bytes]] = deque()
        self._held_bytes = self._count = 0
        self._has_room = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listens. Raises SinkError if the address can't be had."""
        if self._port > 65_535:
            raise UsageError(f"{self._source.listen}: a port is at most 65535")
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port)
        except OSError as error:
            raise SinkError(f"{self._source.listen} can't be listened to: {error.strerror or error}") from None

    @property
    def port(self) -> int:
        """The port that is listened to, after the start."""
        return self._server.sockets[0].getsockname()[1] if self._server else self._port

    async def read_new(self) -> list[StoredEvent]:
        """The events of the requests that came since the last call."""
        events: list[StoredEvent] = []
        size = 0
        while self._bodies and size < _PER_READ_BYTES:
            record, body = self._bodies.popleft()
            size += len(body)
            events += self._extractor.events_of(body, record)
        if size:
            async with self._has_room:
                self._held_bytes -= size
                self._has_room.notify_all()
        return events

    async def close(self) -> None:
        """Stops to listen, and ends the connections."""
        if self._server is not None:
            self._server.close()
            for task in [*self._tasks]:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            if len(self._tasks) <= _MAX_CONNECTIONS:
                await self._converse(h11.Connection(h11.SERVER), reader, writer)
        except (OSError, h11.RemoteProtocolError, TimeoutError, asyncio.CancelledError):
            pass  # the server's side of a connection that ends: what was not answered, it sends again or not
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answers requests until the connection ends."""
        while True:
            request = await self._next(connection, reader, writer)
            if not isinstance(request, h11.Request):
                return
            try:
                self._require_allowed(request)
                body = await self._body(connection, reader, writer)
                await self._take(request, body)
                status, reason = self._source.status, b""
            except _Refused as refusal:
                status, reason = refusal.status, str(refusal).encode()
            is_over = connection.their_state is not h11.DONE
            headers = [("Content-Length", str(len(reason))), *([("Connection", "close")] if is_over else [])]
            parts = [h11.Response(status_code=status, headers=headers), h11.Data(data=reason), h11.EndOfMessage()]
            writer.write(b"".join(connection.send(part) or b"" for part in parts))
            await writer.drain()
            if is_over or connection.our_state is h11.MUST_CLOSE:
                return
            connection.start_next_cycle()

    async def _next(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> object:
        """The next part of a request."""
        while (event := connection.next_event()) is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            connection.receive_data(await asyncio.wait_for(reader.read(_CHUNK), _IDLE_S))
        return event

    async def _body(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        pieces, size = [], 0
        while isinstance(part := await self._next(connection, reader, writer), h11.Data):
            size += len(part.data)
            if size > MAX_BODY_BYTES:
                raise _Refused(413, "the body is too large")
            pieces.append(bytes(part.data))
        return b"".join(pieces)

    def _require_allowed(self, request: h11.Request) -> None:
        path = request.target.split(b"?")[0].decode("ascii", "replace")
        if self._source.path and path != self._source.path:
            raise _Refused(404, "no destination is here")
        if self._secret:
            name = self._source.secret_header.lower().encode()
            given = [value for header, value in request.headers if header == name]
            if len(given) != 1 or not hmac.compare_digest(given[0], self._secret):
                raise _Refused(401, "the secret is missing or wrong")

    async def _take(self, request: h11.Request, body: bytes) -> None:
        """Keeps a body for `read_new`, once there is room for it."""
        headers = {name: value.decode("latin-1").strip().lower() for name, value in request.headers}
        coding = headers.get(b"content-encoding", "identity")
        try:
            match coding:
                case "gzip" | "x-gzip":
                    body = gunzip(body)
                case "deflate":
                    body = inflate(body)
                case "identity" | "":
                    pass
                case _:
                    raise _Refused(415, "the content coding is none of gzip, deflate and identity")
        except NoEvents as problem:
            raise _Refused(400, str(problem)) from None
        if not body.strip():
            return  # a probe whether we are there
        is_lines = headers.get(b"content-type", "").split(";")[0].strip() in _NDJSON
        bodies = [line for line in body.split(b"\n") if line.strip()] if is_lines else [body]
        async with self._has_room:
            size = sum(map(len, bodies))
            await self._has_room.wait_for(lambda: not self._held_bytes or self._held_bytes + size <= MAX_HELD_BYTES)
            self._held_bytes += size
            self._count += 1
            for number, item in enumerate(bodies, 1):
                line = f", line {number}" if len(bodies) > 1 else ""
                self._bodies.append((f"request {self._count}{line}", item))
