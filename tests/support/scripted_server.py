"""A scripted server on loopback: what happens on each of its connections is a function of the test."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import ssl

TIMEOUT_S = 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TOO_LARGE_AND_CLOSE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large"


class ClientClosedError(Exception):
    """The client has closed the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request, as it came over the socket."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    version: str = "HTTP/1.1"

    def values(self, name: str) -> list[str]:
        """Every value of a header, whatever the case of its name."""
        return [value for key, value in self.headers if key.lower() == name]


@dataclass(slots=True)
class ScriptedServer:
    """A server at work: its address, what it has received, how many connections it has seen."""

    host: str
    port: int
    scheme: str = "http"
    received: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0
    is_stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The base URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class ClientConnection:
    """One connection, seen from the server's side. `number` is 1 for the first."""

    def __init__(self, sock: socket.socket, server: ScriptedServer, number: int) -> None:
        self._sock = sock
        self._server = server
        self._buffer = b""
        self.number = number

    def read_head(self, most: int = 4096) -> ReceivedRequest:
        """Reads the head of a request, and no more than a packet of its body. Raises GoneError at the end."""
        while b"\r\n\r\n" not in self._buffer:
            self._read(most)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        pairs = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        return ReceivedRequest(method=method, target=target, headers=pairs, version=version)

    def read_request(self) -> ReceivedRequest:
        """Reads a whole request and keeps it. Raises GoneError at the end."""
        head = self.read_head()
        if head.values("expect"):
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self.read_body(head)

    def read_body(self, head: ReceivedRequest) -> ReceivedRequest:
        """Reads the body of a request whose head was read, and keeps it. Raises GoneError at the end."""
        lengths = head.values("content-length")
        is_chunked = head.values("transfer-encoding") == ["chunked"]
        body = self._read_chunks() if is_chunked else self._read_exactly(int(lengths[0]) if lengths else 0)
        request = replace(head, body=body)
        self._server.received.append(request)
        return request

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._sock.sendall(data)

    def reset(self) -> None:
        """Resets the connection."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def requests_read(self) -> int:
        """How many requests the whole server has read."""
        return len(self._server.received)

    def stay_silent(self) -> None:
        """Keeps the connection open and silent until the test is over."""
        self._server.is_stopping.wait(TIMEOUT_S)

    def wait(self, seconds: float) -> bool:
        """Waits; whether the test is over."""
        return self._server.is_stopping.wait(seconds)

    def _read_exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._read()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._read_line().partition(b";")[0], 16):
            body += self._read_exactly(size)
            self._read_line()
        while self._read_line():
            pass
        return bytes(body)

    def _read_line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._read()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _read(self, most: int = 1_048_576) -> None:
        data = self._sock.recv(most)
        if not data:
            raise ClientClosedError
        self._buffer += data


ConnectionScript: TypeAlias = Callable[[ClientConnection], object]


def answer_always(data: bytes = OK) -> ConnectionScript:
    """Answers every request on every connection with the same bytes."""

    def script(peer: ClientConnection) -> None:
        while True:
            peer.read_request()
            peer.send(data)

    return script


def answer_once(data: bytes = OK) -> ConnectionScript:
    """Answers the first request on every connection, then closes it."""

    def script(peer: ClientConnection) -> None:
        peer.read_request()
        peer.send(data)

    return script


@contextlib.contextmanager
def scripted_server(
    script: ConnectionScript, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[ScriptedServer]:
    """Runs a script for each connection, in a thread of its own. What a script raises, the test raises."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    script_errors: list[Exception] = []
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server((host, 0), family=family, backlog=64) as listener:
        server = ScriptedServer(host, listener.getsockname()[1], "https" if tls else "http")

        def run_script(sock: socket.socket, number: int) -> None:
            sock.settimeout(TIMEOUT_S)
            # Nagle's delay would hold an answer back until the reset that discards it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with sock if tls is None else tls.wrap_socket(sock, server_side=True) as wrapped:
                    open_sockets.append(wrapped)
                    script(ClientConnection(wrapped, server, number))
            except (OSError, ClientClosedError):
                pass
            except Exception as fault:  # noqa: BLE001 - handed to the test's own thread
                script_errors.append(fault)
            finally:
                sock.close()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while not server.is_stopping.is_set():
                    sock, _ = listener.accept()
                    server.connections += 1
                    threads.append(threading.Thread(target=run_script, args=(sock, server.connections)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server
        finally:
            server.is_stopping.set()
            _shut_down(listener)
            acceptor.join(TIMEOUT_S)
            for sock in open_sockets:
                _shut_down(sock)
            for thread in threads:
                thread.join(TIMEOUT_S)
    if script_errors:
        raise script_errors[0]


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _shut_down(sock: socket.socket) -> None:
    """Wakes whoever waits on a socket, under TLS too."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
