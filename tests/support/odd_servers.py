"""Small servers with habits of their own, on two frameworks that the suite does not use; each in a few lines.

They know nothing of the suite, nor of the servers in tests/targets: a class says how it answers a request.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedIOBase

KEY = "odd-key-5c1e"
SINGLES = {"/v1/track": "track", "/v1/identify": "identify"}
BATCH = "/v1/batch"
REQUIRED = {"track": "event", "identify": None}
STRICT_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
TYPES = ("track", "identify", "page", "screen", "group", "alias")


class RefusedError(Exception):
    """A reason to refuse, with its status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass
class Reply:
    """A status, a body, and its headers."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def as_json(status: int, value: object, media_type: str = "application/json") -> Reply:
    """A reply in JSON."""
    return Reply(status, json.dumps(value).encode(), {"Content-Type": media_type})


class OddServer:
    """A plain server: Basic or a key in the body, 200 as JSON, 400 401 404 405 413 as text."""

    event_limit, batch_limit = 16_000, 64_000

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a request."""
        try:
            return self.accept(method, self.find_path(path), headers, body)
        except RefusedError as refused:
            return self.refusal(refused.status, refused.reason)

    def find_path(self, path: str) -> str:
        """The path as it is known here."""
        return path

    def accept(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The success of a request that nothing is wrong with."""
        if path not in (*SINGLES, BATCH):
            raise RefusedError(404, "no such path")
        if method != "POST":
            raise RefusedError(405, "POST only")
        if "content-encoding" in headers:
            raise RefusedError(415, "no codings")
        if len(body) > self.limit_of(path):
            raise RefusedError(413, "too large")
        value = self.parse(body)
        self.authorize(path, headers, value)
        events = self.events_of(path, value)
        return self.success(path, events)

    def limit_of(self, path: str) -> int:
        """The most bytes at a path."""
        return self.batch_limit if path == BATCH else self.event_limit

    def parse(self, body: bytes) -> dict[str, Any]:
        """The object in a body."""
        try:
            value = json.loads(body.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise RefusedError(400, "not JSON") from None
        if not isinstance(value, dict):
            raise RefusedError(400, "not an object")
        return value

    def keys_in(self, path: str, headers: Mapping[str, str], value: dict[str, Any]) -> list[object]:
        """The keys that a request shows."""
        del path
        return [basic_user(headers), value.get("writeKey")]

    def authorize(self, path: str, headers: Mapping[str, str], value: dict[str, Any]) -> None:
        """Refuses a request without the key."""
        if KEY not in self.keys_in(path, headers, value):
            raise RefusedError(401, "who are you?")

    def events_of(self, path: str, value: dict[str, Any]) -> list[Any]:
        """The events of a request, all of them good."""
        if path != BATCH:
            self.check_event(SINGLES[path], value)
            return [value]
        events = value.get("batch")
        if not isinstance(events, list):
            raise RefusedError(400, "no batch")
        for event in events:
            self.check_event(event.get("type") if isinstance(event, dict) else None, event)
        return events

    def check_event(self, name: object, event: Any) -> None:  # noqa: ANN401 - JSON
        """Refuses an event that is none."""
        if not isinstance(event, dict) or name not in TYPES:
            raise RefusedError(400, "no event")
        if not any(isinstance(event.get(word), str) and event[word] for word in ("userId", "anonymousId")):
            raise RefusedError(400, "nobody")
        if (required := REQUIRED.get(str(name))) and required not in event:
            raise RefusedError(400, f"no {required}")

    def success(self, path: str, events: list[Any]) -> Reply:
        """The answer to accepted events."""
        del path, events
        return as_json(200, {"success": True})

    def refusal(self, status: int, reason: str) -> Reply:
        """The answer to a refused request."""
        return Reply(status, reason.encode(), {"Content-Type": "text/plain"})


def _refuse(word: str) -> object:
    raise ValueError(word)


def basic_user(headers: Mapping[str, str]) -> str | None:
    """The user in HTTP Basic."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(token, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return None


class NeedsContext(OddServer):
    """Fails with 500 on events without a context."""

    def check_event(self, name: object, event: Any) -> None:  # noqa: ANN401 - JSON
        """Reads the context as if it were always there."""
        super().check_event(name, event)
        if not isinstance(event.get("context"), dict):
            raise RefusedError(500, "KeyError: context")


class NeedsLibrary(OddServer):
    """Wants to know the name of the library in the context."""

    def check_event(self, name: object, event: Any) -> None:  # noqa: ANN401 - JSON
        """Asks for context.library.name."""
        super().check_event(name, event)
        context = event.get("context")
        library = context.get("library") if isinstance(context, dict) else None
        if not isinstance(library, dict) or not library.get("name"):
            raise RefusedError(400, "which library?")


class OkFalse(OddServer):
    """Answers 200 to everything that it knows the path of; the body says whether it was accepted."""

    def success(self, path: str, events: list[Any]) -> Reply:
        """Says yes, and how many."""
        del path
        return as_json(200, {"ok": True, "receivedEvents": len(events), "okEvents": len(events)})

    def refusal(self, status: int, reason: str) -> Reply:
        """Says no, with a success."""
        if status in {404, 405, 413}:
            return super().refusal(status, reason)
        return as_json(200, {"ok": False, "receivedEvents": 1, "okEvents": 0, "errors": [reason]})


class OtherSuccesses(OddServer):
    """201 to single events, 202 to batches, with the number of events."""

    def success(self, path: str, events: list[Any]) -> Reply:
        """Created, or queued."""
        return as_json(202 if path == BATCH else 201, {"queued": len(events)})


class Unprocessable(OddServer):
    """422 as problem+json to everything that is wrong with a body."""

    def refusal(self, status: int, reason: str) -> Reply:
        """A problem (RFC 9457)."""
        status = 422 if status == 400 else status
        return as_json(status, {"type": "about:blank", "title": reason}, "application/problem+json")


class KeyByPath(OddServer):
    """Basic on single events, and in batches only the key in the body."""

    def keys_in(self, path: str, headers: Mapping[str, str], value: dict[str, Any]) -> list[object]:
        """Each path has a place of its own."""
        return [value.get("writeKey")] if path == BATCH else [basic_user(headers)]


class LimitByPath(OddServer):
    """Every path has a limit of its own, and a status for it."""

    def limit_of(self, path: str) -> int:
        """Smaller for identify."""
        return {"/v1/track": 9_000, "/v1/identify": 5_000}.get(path, 30_000)


class LoosePaths(OddServer):
    """Paths in any case and with a slash at the end; elsewhere a text for people."""

    def find_path(self, path: str) -> str:
        """The known path that it resembles."""
        return path.lower().rstrip("/")

    def refusal(self, status: int, reason: str) -> Reply:
        """A text that names nothing."""
        if status == 404:
            return Reply(404, b"Sorry, nothing to see here.\n", {"Content-Type": "text/plain"})
        return super().refusal(status, reason)


class Fragile(OddServer):
    """Fails with 500 on top-level arrays, on U+0000 and on ids that are numbers."""

    def parse(self, body: bytes) -> dict[str, Any]:
        """Trips over what nobody thought of."""
        if body.lstrip().startswith(b"[") or b"\\u0000" in body:
            raise RefusedError(500, "internal error")
        return super().parse(body)

    def check_event(self, name: object, event: Any) -> None:  # noqa: ANN401 - JSON
        """Calls a method of strings on an id."""
        if isinstance(event, dict) and isinstance(event.get("userId"), int):
            raise RefusedError(502, "upstream failed")
        super().check_event(name, event)


class EventRate(OddServer):
    """So many events a second, whatever the requests; more are answered 429, with Retry-After."""

    events_per_s = 400

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window_s, self._count = 0, 0

    def events_of(self, path: str, value: dict[str, Any]) -> list[Any]:
        """Counts the events of a second."""
        events = super().events_of(path, value)
        with self._lock:
            now_s = int(time.monotonic())
            if now_s != self._window_s:
                self._window_s, self._count = now_s, 0
            if self._count + len(events) > self.events_per_s:
                raise RefusedError(429, "too many events")
            self._count += len(events)
        return events

    def refusal(self, status: int, reason: str) -> Reply:
        """With the second to wait."""
        reply = super().refusal(status, reason)
        if status == 429:
            reply.headers["Retry-After"] = "1"
        return reply


class PartialBatches(OddServer):
    """Takes the good events of a batch, and lists the others in a 207; all bad is 400, none at all is fine."""

    def events_of(self, path: str, value: dict[str, Any]) -> list[Any]:
        """The good ones, and reasons for the others."""
        if path != BATCH or not isinstance(value.get("batch"), list):
            return super().events_of(path, value)
        results: list[Any] = []
        for event in value["batch"]:
            try:
                self.check_event(event.get("type") if isinstance(event, dict) else None, event)
                results.append(event)
            except RefusedError as refused:
                results.append(refused)
        if results and all(isinstance(item, RefusedError) for item in results):
            raise results[0]
        return results

    def success(self, path: str, events: list[Any]) -> Reply:
        """207 if some are bad."""
        reasons = [item.reason for item in events if isinstance(item, RefusedError)]
        if not reasons:
            return super().success(path, events)
        return as_json(207, {"success": False, "errors": reasons})


class OnlyBatches(OddServer):
    """Takes batches alone, and timestamps with milliseconds in UTC alone."""

    def find_path(self, path: str) -> str:
        """Knows one path."""
        if path != BATCH:
            raise RefusedError(404, "no such path")
        return path

    def check_event(self, name: object, event: Any) -> None:  # noqa: ANN401 - JSON
        """Compares timestamps with one form."""
        super().check_event(name, event)
        if not STRICT_TIME.fullmatch(str(event.get("timestamp", "2024-03-01T09:30:00.000Z"))):
            raise RefusedError(400, "what time is that?")


ODD_SERVERS: dict[str, type[OddServer]] = {
    "plain": OddServer,
    "needs-context": NeedsContext,
    "needs-library": NeedsLibrary,
    "ok-false": OkFalse,
    "other-successes": OtherSuccesses,
    "unprocessable": Unprocessable,
    "key-by-path": KeyByPath,
    "limit-by-path": LimitByPath,
    "loose-paths": LoosePaths,
    "fragile": Fragile,
    "event-rate": EventRate,
    "partial-batches": PartialBatches,
    "only-batches": OnlyBatches,
}
ON_ASYNCIO = {"needs-library", "unprocessable", "loose-paths", "partial-batches"}
"""Those that run on asyncio streams; the others run on http.server."""


def _make_handler(server: OddServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement of its head

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            if "chunked" in headers.get("transfer-encoding", ""):
                body = _read_chunks(self.rfile)
            else:
                body = self.rfile.read(int(headers.get("content-length") or 0))
            reply = server.answer(self.command, self.path.partition("?")[0], headers, body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_POST  # noqa: N815 - its names

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


def _read_chunks(stream: BufferedIOBase) -> bytes:
    body = b""
    while size := int(stream.readline().partition(b";")[0], 16):
        body += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return body


async def _serve_connection(server: OddServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        while await _serve_one(server, reader, writer):
            pass
    with contextlib.suppress(ConnectionError):
        writer.close()


async def _serve_one(server: OddServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One request of a connection; returns whether there may be another."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head.rstrip().split("\r\n")
    words = start.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "0")
    is_wrong = len(words) != 3 or not length.isdigit() or "transfer-encoding" in headers
    if is_wrong:
        reply = Reply(411 if "transfer-encoding" in headers else 400, b"bad request", {"Content-Type": "text/plain"})
    else:
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(length))
        reply = server.answer(words[0], words[1].partition("?")[0], headers, body)
    is_last = is_wrong or headers.get("connection", "").lower() == "close" or words[-1] == "HTTP/1.0"
    more = {"Content-Length": str(len(reply.body)), **({"Connection": "close"} if is_last else {})}
    fields = "".join(f"{name}: {value}\r\n" for name, value in {**reply.headers, **more}.items())
    body = b"" if words[0] == "HEAD" else reply.body
    writer.write(f"HTTP/1.1 {reply.status} Odd\r\n{fields}\r\n".encode() + body)
    await writer.drain()
    return not is_last


@contextlib.contextmanager
def serve_odd(name: str) -> Iterator[str]:
    """Runs a server; gives its URL."""
    server = ODD_SERVERS[name]()
    if name in ON_ASYNCIO:
        with _on_asyncio(server) as url:
            yield url
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(server)) as http_server:
        http_server.daemon_threads = True
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_address[1]}"
        http_server.shutdown()


@contextlib.contextmanager
def _on_asyncio(server: OddServer) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(lambda r, w: _serve_connection(server, r, w), "127.0.0.1", 0)

    async def stop() -> None:
        listener.close()
        waiting = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    listener = asyncio.run_coroutine_threadsafe(start(), loop).result()
    yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


if __name__ == "__main__":
    import sys

    with serve_odd(sys.argv[1]) as address:
        print(address, flush=True)  # noqa: T201 - a server by hand
        threading.Event().wait()
