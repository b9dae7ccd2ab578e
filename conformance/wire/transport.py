"""A transport for httpx: no redirects, no cookies, no proxies, no retries.

It keeps idle connections in a stack. httpcore's own pool inspects every connection for every request, which costs more
and is not needed: the engine bounds the requests in flight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from conformance.wire.sockets import NetworkBackend


class _ResponseBody(httpx.AsyncByteStream):
    """The bytes of an answer; its connection is released when they are read."""

    def __init__(
        self, response: httpcore.Response, connection: httpcore.AsyncHTTPConnection, transport: Transport
    ) -> None:
        self._response = response
        self._connection = connection
        self._transport = transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        """Releases the connection, or closes it if the answer was not read to its end."""
        await self._response.aclose()
        await self._transport.release(self._connection)


class Transport(httpx.AsyncBaseTransport):
    """Sends httpx requests to one target, over keep-alive connections unless `keep_alive` is false."""

    def __init__(self, *, tls: ssl.SSLContext | None, backend: NetworkBackend, keep_alive: bool = True) -> None:
        self._backend = backend
        self._tls = tls
        self._keep_alive = keep_alive
        self._idle: list[httpcore.AsyncHTTPConnection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request and returns the head of its answer. Raises httpcore's errors."""
        url = request.url
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        connection = await self._acquire(outgoing.url.origin)
        try:
            response = await connection.handle_async_request(outgoing)
        except BaseException:
            await connection.aclose()
            raise
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_ResponseBody(response, connection, self),
            extensions=response.extensions,
        )

    async def release(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keeps a connection whose exchange is over, or closes it."""
        if self._keep_alive and connection.is_idle():
            self._idle.append(connection)
        else:
            await connection.aclose()

    async def aclose(self) -> None:
        """Closes every connection."""
        while self._idle:
            await self._idle.pop().aclose()

    async def _acquire(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        """The open connection that was used last, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            origin=origin, ssl_context=self._tls, network_backend=self._backend, keepalive_expiry=None
        )


async def split_body(body: bytes, size: int = 16_384) -> AsyncIterator[bytes]:
    """A body in pieces, each of which httpx sends as a chunk."""
    for start in range(0, len(body), size):
        yield body[start : start + size]
