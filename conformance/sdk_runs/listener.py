"""A loopback server for clients: it keeps every request, and gives the answer that somebody decides on."""

from __future__ import annotations

import contextlib
import gzip
import io
import threading
import time
import zlib
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from conformance.core.foreign_json import Unreadable, read_json
from conformance.wire.forwarding import ForwardedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.core.model import Json

MAX_REQUESTS, MAX_BODY_BYTES = 400, 16 * 1024 * 1024
"""The most requests of one client, and the most bytes of one body; a client beyond them gets no answer."""
_READ_TIMEOUT_S = 20.0
_CHUNK_LINE_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardRequest:
    """One request of a client, with its answer.

    `at_s` is when it was whole, `answered_at_s` when its answer was ready, by a clock without an origin.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at_s: float
    answer: ForwardedAnswer = field(default_factory=lambda: ForwardedAnswer(status=0))
    answered_at_s: float = 0.0

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case; None if it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def unpacked(self) -> bytes | None:
        """The body without its coding; None if it is not what its Content-Encoding says, or too large."""
        if (self.header("content-encoding") or "identity").lower() == "identity":
            return self.body
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(self.body)) as file:
                content = file.read(MAX_BODY_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            return None
        return content if len(content) <= MAX_BODY_BYTES else None

    def value(self) -> Json | Unreadable:
        """The body as JSON."""
        return read_json((self.unpacked or b"").decode("utf-8", errors="replace"))

    def events(self) -> list[dict[str, Any]]:
        """The events of the body: those of its batch, or itself; none if it is no such JSON."""
        value = self.value()
        if not isinstance(value, dict):
            return []
        batch: Any = value.get("batch")
        return [item for item in batch if isinstance(item, dict)] if isinstance(batch, list) else [value]


@dataclass(slots=True, kw_only=True)
class Listener:
    """What was heard so far. `answer` decides on an answer, by the request and the number of those before it."""

    answer: Callable[[HeardRequest, int], ForwardedAnswer]
    url: str = ""
    requests: list[HeardRequest] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> ForwardedAnswer:
        """Keeps a request and returns the answer to it."""
        fresh = HeardRequest(method=method, path=path, headers=headers, body=body, at_s=time.monotonic())
        with self._lock:
            number = len(self.requests)
            self.requests.append(fresh)
        answer = self.answer(fresh, number) if number < MAX_REQUESTS else ForwardedAnswer(status=0)
        with self._lock:
            self.requests[number] = replace(fresh, answer=answer, answered_at_s=time.monotonic())
        return answer


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _READ_TIMEOUT_S
    server: _Server

    def _handle(self) -> None:
        """Reads a request, and gives its answer; none closes the connection."""
        body = self._read_body()
        answer = self.server.listener.hear(self.command, self.path, tuple(self.headers.items()), body)
        if not answer.status:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in {204, 304}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in {204, 304}:
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_OPTIONS = do_HEAD = _handle  # noqa: N815 - the library's names

    def _read_body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return b"".join(self._chunks())
        length = self.headers.get("Content-Length") or "0"
        return self.rfile.read(min(int(length), MAX_BODY_BYTES)) if length.isdecimal() else b""

    def _chunks(self) -> Iterator[bytes]:
        total = 0
        while total <= MAX_BODY_BYTES:
            size = int(self.rfile.readline(_CHUNK_LINE_BYTES).split(b";")[0] or b"0", 16)
            total += size
            if not size:
                self.rfile.readline(_CHUNK_LINE_BYTES)
                return
            yield self.rfile.read(size)
            self.rfile.readline(_CHUNK_LINE_BYTES)

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


class _Server(ThreadingHTTPServer):
    """The server of one listener."""

    daemon_threads = True
    listener: Listener

    def handle_error(self, *_: object) -> None:
        """Keeps quiet about connections that clients break off."""


@contextlib.contextmanager
def listening(answer: Callable[[HeardRequest, int], ForwardedAnswer]) -> Iterator[Listener]:
    """A server on loopback, for as long as the block runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.listener = Listener(answer=answer, url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
