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

PATIENCE_S = 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REFUSED = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large"


class GoneError(Exception):
    """The client has closed the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
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
class Server:
    """A server at work: its address, what it has received, how many connections it has seen."""

    host: str
    port: int
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The base URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Peer:
    """One connection, seen from the server's side. `number` is 1 for the first."""

    def __init__(self, sock: socket.socket, server: Server, number: int) -> None:
        self._sock = sock
        self._server = server
        self._buffer = b""
        self.number = number

    def head(self, most: int = 4096) -> Received:
        """Reads the head of a request, and no more than a packet of its body. Raises GoneError at the end."""
        while b"\r\n\r\n" not in self._buffer:
            self._read(most)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        pairs = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        return Received(method=method, target=target, headers=pairs, version=version)

    def request(self) -> Received:
        """Reads a whole request and keeps it. Raises GoneError at the end."""
        head = self.head()
        if head.values("expect"):
            self.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self.rest(head)

    def rest(self, head: Received) -> Received:
        """Reads the body of a request whose head was read, and keeps it. Raises GoneError at the end."""
        lengths = head.values("content-length")
        is_chunked = head.values("transfer-encoding") == ["chunked"]
        body = self._chunks() if is_chunked else self._exactly(int(lengths[0]) if lengths else 0)
        found = replace(head, body=body)
        self._server.received.append(found)
        return found

    def say(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._sock.sendall(data)

    def tear(self) -> None:
        """Resets the connection."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def answered(self) -> int:
        """How many requests the whole server has read."""
        return len(self._server.received)

    def hold(self) -> None:
        """Keeps the connection open and silent until the test is over."""
        self._server.over.wait(PATIENCE_S)

    def pause(self, seconds: float) -> bool:
        """Waits; whether the test is over."""
        return self._server.over.wait(seconds)

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._read()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._line().partition(b";")[0], 16):
            body += self._exactly(size)
            self._line()
        while self._line():
            pass
        return bytes(body)

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._read()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _read(self, most: int = 1_048_576) -> None:
        data = self._sock.recv(most)
        if not data:
            raise GoneError
        self._buffer += data


Script: TypeAlias = Callable[[Peer], object]


def answering(data: bytes = OK) -> Script:
    """Answers every request on every connection with the same bytes."""

    def script(peer: Peer) -> None:
        while True:
            peer.request()
            peer.say(data)

    return script


def once(data: bytes = OK) -> Script:
    """Answers the first request on every connection, then closes it."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(data)

    return script


@contextlib.contextmanager
def serving(
    script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Server]:
    """Runs a script for each connection, in a thread of its own. What a script raises, the test raises."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    faults: list[Exception] = []
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server((host, 0), family=family, backlog=64) as listener:
        server = Server(host, listener.getsockname()[1], "https" if tls else "http")

        def talk(sock: socket.socket, number: int) -> None:
            sock.settimeout(PATIENCE_S)
            # Nagle's delay would hold an answer back until the reset that discards it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with sock if tls is None else tls.wrap_socket(sock, server_side=True) as wrapped:
                    open_sockets.append(wrapped)
                    script(Peer(wrapped, server, number))
            except (OSError, GoneError):
                pass
            except Exception as fault:  # noqa: BLE001 - handed to the test's own thread
                faults.append(fault)
            finally:
                sock.close()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while not server.over.is_set():
                    sock, _ = listener.accept()
                    server.connections += 1
                    threads.append(threading.Thread(target=talk, args=(sock, server.connections)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server
        finally:
            server.over.set()
            _hang_up(listener)
            acceptor.join(PATIENCE_S)
            for sock in open_sockets:
                _hang_up(sock)
            for thread in threads:
                thread.join(PATIENCE_S)
    if faults:
        raise faults[0]


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _hang_up(sock: socket.socket) -> None:
    """Wakes whoever waits on a socket, under TLS too."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
