"""Serves an empty page on an origin of its own on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BODY = b"<!doctype html><title>conformance</title><link rel=icon href=data:,>"
_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
_DEADLINE_S = 5.0


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one request with the page."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_PAGE)
            await writer.drain()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        pass  # a connection that Chromium opened in advance, and did not need
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def serve_page() -> AsyncIterator[int]:
    """The port of the page on 127.0.0.1."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    try:
        port: int = server.sockets[0].getsockname()[1]
        yield port
    finally:
        server.close()
