"""Sockets that keep reading after the peer stops accepting data, so that an early response is not lost.

A server may refuse a large body early: it answers, closes, and resets the connection. A stream that fails at the first
failed write would lose that answer, although the kernel has received it. RFC 9112, section 9.5 asks clients to read on.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import weakref
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

from conformance.wire import failures
from conformance.wire.foreign_protocols import FIRST_BYTES, asks_for_client_certificate, describe_tls_error
from conformance.wire.head_limits import HeadReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GRACE_S, TLS_GRACE_S = 0.25, 2.0
"""How many seconds to wait for room to send after the peer has sent something, before sending is given up.

Under TLS this is longer, because what the peer has sent may belong to the handshake.
"""
AT_EOF = "at_eof"
"""The name for `get_extra_info` of whether the peer has closed the connection."""
RECEIVED_BYTES = "received_bytes"
"""The name for `get_extra_info` of how many bytes came since the last request."""
_READ_BYTES = 65_536


class SocketStream(ByteStream):
    """A connected, non-blocking TCP socket.

    Once the peer accepts no more data, `peer_stopped_reading` is true and sent data is dropped; reading goes on.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.grace_s = GRACE_S
        self.peer_stopped_reading = False
        self._sock = sock
        self._has_received = False
        # A task may be cancelled before it holds its connection; a `__del__` could come after that of the socket.
        self._close = weakref.finalize(self, sock.close)
        self._close.atexit = False

    @property
    def is_readable(self) -> bool:
        """Whether there is something to read; on an idle connection, this is its end."""
        if self._sock.fileno() < 0:
            return True
        if not hasattr(select, "poll"):  # Windows, where `select` takes any number of a socket
            return bool(select.select([self._sock], [], [], 0)[0])
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    async def send(self, item: bytes) -> None:
        """Sends everything, or as much as the peer accepts before it answers or closes."""
        rest = memoryview(item)
        self._has_received = self._has_received and self.peer_stopped_reading
        while rest and not self.peer_stopped_reading:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                self.peer_stopped_reading = not await self._wait_until_writable()
            except OSError:
                self.peer_stopped_reading = True

    async def receive(self, max_bytes: int = _READ_BYTES) -> bytes:
        """Reads what is available. Raises EndOfStream at the end, BrokenResourceError on a reset.

        A reset after the first bytes of an answer counts as its end.
        """
        try:
            data = await asyncio.get_running_loop().sock_recv(self._sock, max_bytes)
        except OSError as error:
            if self._has_received:
                raise anyio.EndOfStream from error
            raise anyio.BrokenResourceError from error
        if not data:
            raise anyio.EndOfStream
        self._has_received = True
        return data

    async def send_eof(self) -> None:
        """Closes our side of the connection."""
        self._sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Closes the socket."""
        self._close()

    async def _wait_until_writable(self) -> bool:
        """Waits for room to send; gives up `grace_s` after the peer has sent something."""
        loop = asyncio.get_running_loop()
        writable, readable = loop.create_future(), loop.create_future()
        loop.add_writer(self._sock, _resolve_future, writable, loop.remove_writer, self._sock)
        loop.add_reader(self._sock, _resolve_future, readable, loop.remove_reader, self._sock)
        try:
            await asyncio.wait({writable, readable}, return_when=asyncio.FIRST_COMPLETED)
            if not writable.done():
                await asyncio.wait({writable}, timeout=self.grace_s)
            return writable.done()
        finally:
            loop.remove_writer(self._sock)
            loop.remove_reader(self._sock)


def _resolve_future(future: asyncio.Future[None], remove: Callable[[socket.socket], bool], sock: socket.socket) -> None:
    remove(sock)
    if not future.done():
        future.set_result(None)


class NetworkStream(httpcore.AsyncNetworkStream):
    """A byte stream with the interface of httpcore. It limits the first answer after each request."""

    def __init__(self, stream: ByteStream, socket_stream: SocketStream) -> None:
        self._stream = stream
        self._socket_stream = socket_stream
        self._at_eof = False
        self.first_bytes = b""
        self._head = HeadReader()
        self._received_bytes = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what is available; empty at the end. Raises AnswerTooLong."""
        data = await self._receive(max_bytes)
        self.first_bytes = self.first_bytes or data[:FIRST_BYTES]
        self._received_bytes += len(data)
        self._head.add(data)
        return data

    async def _receive(self, max_bytes: int) -> bytes:
        try:
            return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            self._at_eof = True
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError) as error:
            if asks_for_client_certificate(error):
                raise TlsError(describe_tls_error(error), is_certificate_rejected=False) from error
            raise httpcore.ReadError(str(error.__cause__ or error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes everything. Raises WriteError if the peer stops reading; httpcore then reads the answer."""
        if not buffer:
            return
        if self._head.is_over:
            self._head, self._received_bytes = HeadReader(), 0
        try:
            await self._stream.send(buffer)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError) as error:
            raise httpcore.WriteError(str(error.__cause__ or error)) from error
        if self._socket_stream.peer_stopped_reading:
            raise httpcore.WriteError("the peer stopped reading")

    async def aclose(self) -> None:
        """Closes at once, without a TLS shutdown that a peer could delay."""
        await self._socket_stream.aclose()

    async def half_close(self) -> None:
        """Closes our side of the connection but keeps reading. Does nothing under TLS, or if it is closed already."""
        if self._stream is self._socket_stream:
            with contextlib.suppress(OSError):
                await self._socket_stream.send_eof()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        """The same connection under TLS."""
        self._socket_stream.grace_s = TLS_GRACE_S
        try:
            stream = await TLSStream.wrap(
                self._socket_stream, hostname=server_hostname, ssl_context=ssl_context, standard_compatible=False
            )
        except (ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
            await self.aclose()
            is_certificate_rejected = isinstance(error, ssl.SSLCertVerificationError)
            raise TlsError(describe_tls_error(error), is_certificate_rejected=is_certificate_rejected) from error
        except BaseException:
            await self.aclose()
            raise
        return NetworkStream(stream, self._socket_stream)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """AT_EOF, RECEIVED_BYTES or `is_readable`, which httpcore needs for idle connections; else None."""
        if info in {AT_EOF, RECEIVED_BYTES}:
            return self._at_eof if info == AT_EOF else self._received_bytes
        return self._socket_stream.is_readable if info == "is_readable" else None


def _socket_addresses(addresses: tuple[str, ...], port: int) -> list[tuple[Any, ...]]:
    """Socket addresses for IP addresses; nothing is resolved."""
    flags = socket.AI_NUMERICHOST
    return [
        item
        for address in addresses
        for item in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=flags)
    ]


class TlsError(httpcore.ConnectError):
    """The TLS handshake failed; we rejected the certificate, or something else went wrong."""

    def __init__(self, message: str, *, is_certificate_rejected: bool) -> None:
        super().__init__(message)
        self.is_certificate_rejected = is_certificate_rejected


class NetworkBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to the known addresses of a target and to no others."""

    def __init__(self, addresses: tuple[str, ...], resolution_error: str) -> None:
        self._addresses = addresses
        self._resolution_error = resolution_error

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """Connects to the first address that accepts. Raises httpcore.ConnectError."""
        if not self._addresses:
            raise httpcore.ConnectError(self._resolution_error)
        loop = asyncio.get_running_loop()
        last_error: OSError | None = None
        for family, kind, protocol, _, address in _socket_addresses(self._addresses, port):
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                last_error = error
            except BaseException:
                sock.close()
                raise
            else:
                stream = SocketStream(sock)
                return NetworkStream(stream, stream)
        reason = last_error.strerror if last_error else "no address"
        raise httpcore.ConnectError(failures.no_connection(host, port, reason)) from last_error

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)
