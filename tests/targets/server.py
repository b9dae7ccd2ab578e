"""A hand-written HTTP/1.1 server over raw streams, in a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.targets.application import Application
from tests.targets.behaviour import STANDARD, Behaviour
from tests.targets.http_connection import HttpConnection

BUFFER_MAXIMUM = 1024 * 1024
START_SECONDS = 10


class Server:
    """One listening server; `start` and `stop` bracket its life."""

    def __init__(self, judge: Application, behaviour: Behaviour = STANDARD, tls: ssl.SSLContext | None = None) -> None:
        self._judge = judge
        self._behaviour = behaviour
        self._tls = tls
        self._host = ""
        self._port = 0
        self._count = 0
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
                self._connect, self._host, self._port, ssl=self._tls, limit=BUFFER_MAXIMUM
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
        maximum = self._behaviour.max_connections
        try:
            if maximum is not None and len(self._connections) > maximum:
                return
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError, ssl.SSLError):
                self._count += 1
                speak = self._judge.connection_type or HttpConnection
                await speak(self._judge, self._behaviour, self._count, reader, writer).run()
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError, ssl.SSLError):
                await asyncio.wait_for(writer.wait_closed(), 2)


@contextmanager
def serve(
    judge: Application,
    behaviour: Behaviour = STANDARD,
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
