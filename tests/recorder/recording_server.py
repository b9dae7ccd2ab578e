"""A loopback server that keeps every request, and answers as it is told."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_REQUESTS = 40
_HOP = frozenset({"connection", "content-length", "host", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request as it came in; `at_s` is the time of its arrival."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at_s: float

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The body, unpacked and read."""
        body = gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" else self.body
        return json.loads(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class StubAnswer:
    """An answer to be given."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class Recording:
    """What a server heard so far. The last of its answers is given to everything that follows.

    With `beyond`, the server behind it answers in its place.
    """

    url: str = ""
    answers: tuple[StubAnswer, ...] = (StubAnswer(),)
    upstream_url: str = ""
    requests: list[ReceivedRequest] = field(default_factory=list)

    def record(self, request: ReceivedRequest) -> StubAnswer:
        """Keeps a request and returns the answer to it; an SDK that never stops is told to."""
        self.requests.append(request)
        if len(self.requests) > MAX_REQUESTS:
            return StubAnswer()
        if self.upstream_url:
            return forward(request, self.upstream_url)
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


def forward(request: ReceivedRequest, url: str) -> StubAnswer:
    """What another server on loopback answers to a request."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        headers = {name: value for name, value in request.headers if name.lower() not in _HOP}
        connection.request(request.method, request.path, request.body, headers)
        answer = connection.getresponse()
        answer_headers = tuple((name, value) for name, value in answer.getheaders() if name.lower() not in _HOP)
        return StubAnswer(status=answer.status, headers=answer_headers, body=answer.read())
    finally:
        connection.close()


@contextmanager
def recording_server(*answers: StubAnswer, upstream_url: str = "") -> Iterator[Recording]:
    """A server on loopback, with the answers to its requests in their order, or those of one beyond it."""
    recording = Recording(answers=answers or (StubAnswer(),), upstream_url=upstream_url)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 20

        def do_POST(self) -> None:
            """Keeps the request and answers it."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = ReceivedRequest(
                method=self.command, path=self.path, headers=tuple(self.headers.items()), body=body,
                at_s=time.monotonic(),
            )  # fmt: skip
            with lock:
                stub = recording.record(request)
            self.send_response(stub.status)
            for name, value in stub.headers:
                self.send_header(name, value)
            if stub.status != 204:
                self.send_header("Content-Length", str(len(stub.body)))
            self.end_headers()
            self.wfile.write(stub.body)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the library's signature
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recording.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield recording
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
