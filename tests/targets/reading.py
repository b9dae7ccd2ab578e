"""Reading HTTP/1.1 requests from a stream, by hand."""

import asyncio
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.targets.wire import Request

BODY_MAXIMUM = 64 * 1024 * 1024
PIECE = 16 * 1024


class BadRequestError(Exception):
    """What arrived is no HTTP request."""


@dataclass(frozen=True)
class Head:
    """The request line and the headers, before the body."""

    request: Request
    version: str

    @property
    def keeps_alive(self) -> bool:
        """Tell whether the client would go on with the connection."""
        tokens = self.request.headers.get("connection", "").lower()
        return self.version == "HTTP/1.1" and "close" not in tokens

    @property
    def expects_continue(self) -> bool:
        """Tell whether the client waits for permission to send the body."""
        return self.request.headers.get("expect", "").lower() == "100-continue"


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read one request's head; None is the end of the connection."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequestError("head too large") from None
    first, *lines = raw[:-4].decode("latin-1").lstrip("\r\n").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequestError("malformed header")
        headers[name.lower()] = value.strip()
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError("malformed request line")
    path, query = split_target(parts[1])
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    if chunked and "content-length" in headers:
        raise BadRequestError("two body lengths")
    return Head(Request(parts[0], path, pairs, headers, chunked=chunked), parts[2])


def split_target(target: str) -> tuple[str, str]:
    """Split a request target into its decoded path and its raw query."""
    if not target.startswith("/"):
        parts = urlsplit(target)
        return unquote(parts.path), parts.query
    path, _, query = target.partition("?")
    return unquote(path), query


async def read_body(reader: asyncio.StreamReader, request: Request, maximum: int) -> Request:
    """Read the body; one over the maximum is left unread and its known length recorded."""
    if request.chunked:
        return await _read_chunked(reader, request, maximum)
    text = request.headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise BadRequestError("malformed Content-Length")
    length = int(text)
    if length > maximum:
        return replace(request, length=length)
    return replace(request, body=await _exactly(reader, length), length=length)


async def _read_chunked(reader: asyncio.StreamReader, request: Request, maximum: int) -> Request:
    """Read chunks and trailers, or stop once the body is over the maximum."""
    body = bytearray()
    while size := _chunk_size(await _line(reader)):
        left = size
        while left:
            piece = await _exactly(reader, min(left, PIECE))
            body += piece
            left -= len(piece)
            if len(body) > maximum:
                return replace(request, body=bytes(body), length=len(body))
        if await _line(reader):
            raise BadRequestError("chunk is longer than announced")
    while await _line(reader):
        pass
    return replace(request, body=bytes(body), length=len(body))


def _chunk_size(line: bytes) -> int:
    """Read the size of a chunk, without its extensions."""
    try:
        return int(line.partition(b";")[0].strip(), 16)
    except ValueError:
        raise BadRequestError("malformed chunk size") from None


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Read one line without its end."""
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.IncompleteReadError:
        raise ConnectionResetError("the client went away") from None
    except asyncio.LimitOverrunError:
        raise BadRequestError("line too long") from None


async def _exactly(reader: asyncio.StreamReader, count: int) -> bytes:
    """Read that many bytes."""
    try:
        return await reader.readexactly(count)
    except asyncio.IncompleteReadError:
        raise ConnectionResetError("the client went away") from None
