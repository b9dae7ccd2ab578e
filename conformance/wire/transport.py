"""httpx over sockets of ours: one connection pool, no redirects, no cookies, no proxies, no retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpcore
import httpx

from conformance.wire.sockets import Backend

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator


class _Body(httpx.AsyncByteStream):
    """The bytes of an answer as they come."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        """Gives the connection back to the pool, or closes it if the answer was not read to its end."""
        await self._response.aclose()


class Transport(httpx.AsyncBaseTransport):
    """Sends httpx requests through a pool of at most `connections` of our sockets."""

    def __init__(self, *, tls: ssl.SSLContext | None, connections: int, keep_alive: bool = True) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections if keep_alive else 0,
            network_backend=Backend(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request and returns its answer's head. Raises httpcore's errors as they are."""
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._pool.aclose()
