"""A hand-written HTTP/1.1 server over raw streams, in a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from tests.targets.answers import REASONS
from tests.targets.behaviour import PLAIN, Behaviour
from tests.targets.judge import Judge
from tests.targets.reading import BODY_MAXIMUM, BadRequestError, Head, read_body, read_head
from tests.targets.wire import Answer, Request

HEAD_MAXIMUM = 1024 * 1024
DRIBBLE = 7
CHUNK = 5
START_SECONDS = 10


class Server:
    """One listening server; `start` and `stop` bracket its life."""

    def __init__(self, judge: Judge, behaviour: Behaviour = PLAIN, tls: ssl.SSLContext | None = None) -> None:
        self._judge = judge
        self._behaviour = behaviour
        self._tls = tls
        self._host = ""
        self._port = 0
        self._error: OSError | None = None
        self._ready = threading.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="target", daemon=True)

    @property
    def url(self) -> str:
        """Give the base URL, with the path prefix and no slash at its end."""
        scheme = "https" if self._tls else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}{self._behaviour.prefix}"

    def start(self, host: str, port: int) -> None:
        """Listen, or raise the OSError that says why not."""
        self._host, self._port = host, port
        self._thread.start()
        self._ready.wait(START_SECONDS)
        if self._error is not None:
            self._thread.join()
            raise self._error

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        """Run the event loop of the thread."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        """Listen until told to stop."""
        try:
            server = await asyncio.start_server(
                self._connect, self._host, self._port, ssl=self._tls, limit=HEAD_MAXIMUM
            )
        except OSError as error:
            self._error = error
            self._ready.set()
            return
        self._port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError, ssl.SSLError):
                await self._converse(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError, ssl.SSLError):
                await asyncio.wait_for(writer.wait_closed(), 2)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until one side has had enough."""
        patience: float | None = None
        going = True
        while going:
            try:
                head = await asyncio.wait_for(read_head(reader), patience)
                if head is None:
                    return
                going = await self._exchange(head, reader, writer)
            except BadRequestError as error:
                writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: ")
                writer.write(f"{len(str(error))}\r\n\r\n{error}".encode())
                await writer.drain()
                return
            if self._behaviour.idle_ms is not None:
                patience = self._behaviour.idle_ms / 1000

    async def _exchange(self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read the rest of one request, answer it, and tell whether the connection goes on."""
        request = self._without_prefix(head.request)
        maximum = self._maximum(request)
        declared = head.request.headers.get("content-length", "0")
        if head.expects_continue and declared.isdigit() and int(declared) <= maximum:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = await read_body(reader, request, maximum)
        if self._behaviour.delay_ms:
            await asyncio.sleep(self._behaviour.delay_ms / 1000)
        answer = self._judge.answer(request)
        if answer.dropped:
            return False
        unread = request.length > maximum
        closing = self._behaviour.close or self._behaviour.http10 or unread or not head.keeps_alive
        await self._send(writer, self._render(answer, head, closing=closing))
        return not closing

    def _without_prefix(self, request: Request) -> Request:
        """Take the path prefix away; a path without it becomes an unknown one."""
        prefix = self._behaviour.prefix
        if request.path.startswith(prefix + "/"):
            return replace(request, path=request.path.removeprefix(prefix))
        return replace(request, path="")

    def _maximum(self, request: Request) -> int:
        """Tell how much of the body is worth reading."""
        limit = self._judge.wire_limit(request) if self._behaviour.early_refusal else None
        return BODY_MAXIMUM if limit is None else limit

    def _render(self, answer: Answer, head: Head, *, closing: bool) -> bytes:
        """Write an answer as bytes."""
        behaviour = self._behaviour
        headers = dict(answer.headers)
        body = answer.body
        bodiless = answer.status == 204
        if bodiless:
            body = b""
        elif behaviour.chunked and not behaviour.http10 and head.version == "HTTP/1.1":
            headers["Transfer-Encoding"] = "chunked"
            body = chunked(body)
        else:
            headers["Content-Length"] = str(len(body))
        if closing and (behaviour.announce_close or not behaviour.close):
            headers["Connection"] = "close"
        version = "HTTP/1.0" if behaviour.http10 else "HTTP/1.1"
        lines = [f"{version} {answer.status} {REASONS[answer.status]}"]
        lines += [
            f"{name.lower() if behaviour.lower_case else name}: {value}" for name, value in headers.items()
        ]
        if head.request.method == "HEAD":
            body = b""
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Send an answer, in one piece or in many."""
        step = DRIBBLE if self._behaviour.dribble else len(data)
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            if self._behaviour.dribble:
                await asyncio.sleep(0.001)


def chunked(body: bytes) -> bytes:
    """Write a body as small chunks."""
    pieces = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


@contextmanager
def serve(
    judge: Judge,
    behaviour: Behaviour = PLAIN,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """Serve in the background and yield the base URL."""
    server = Server(judge, behaviour, tls)
    server.start(host, port)
    try:
        yield server.url
    finally:
        server.stop()
