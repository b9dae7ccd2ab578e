"""Reading HTTP/1.1 requests from a stream, by hand."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.targets.messages import Request

BODY_MAXIMUM = 64 * 1024 * 1024
HEAD_MAXIMUM = 64 * 1024
FIELD_MAXIMUM = 256
TRAILER_MAXIMUM = 100
LENGTH_DIGITS = 18
PIECE = 16 * 1024
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?", re.DOTALL)
LISTS = {"connection", "content-encoding", "expect", "transfer-encoding"}

Fields = list[tuple[str, str]]


class BadRequestError(Exception):
    """What arrived is no HTTP request, or one of an unreasonable size."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class IncompleteError(Exception):
    """The client ended its half of the connection in the middle of a body."""

    def __init__(self, request: Request) -> None:
        super().__init__("incomplete body")
        self.request = request


@dataclass(frozen=True)
class Framing:
    """How the end of a body is found; a length of None was not announced."""

    chunked: bool
    length: int | None
    closes: bool = False

    @property
    def is_known(self) -> bool:
        """Tell whether a body was announced, be it an empty one."""
        return self.chunked or self.length is not None


Frame = Callable[[Fields, str], Framing]


@dataclass(frozen=True)
class Head:
    """The request line and the headers, before the body."""

    request: Request
    framing: Framing

    @property
    def keeps_alive(self) -> bool:
        """Tell whether the client would go on with the connection."""
        tokens = self.request.headers.get("connection", "").lower()
        return self.request.version == "HTTP/1.1" and "close" not in tokens

    @property
    def expects_continue(self) -> bool:
        """Tell whether the client waits for permission to send the body."""
        expected = self.request.headers.get("expect", "").lower() == "100-continue"
        return expected and self.request.version == "HTTP/1.1"


def framing(fields: Fields, version: str) -> Framing:
    """Find the length of a body; what may be understood in two ways is refused."""
    codings = named(fields, "transfer-encoding")
    lengths = set(named(fields, "content-length"))
    if codings and (lengths or version != "HTTP/1.1" or [each.lower() for each in codings] != ["chunked"]):
        raise BadRequestError("unclear Transfer-Encoding")
    if len(lengths) > 1:
        raise BadRequestError("conflicting Content-Length")
    return Framing(bool(codings), None if not lengths else length_of(lengths.pop()))


def has_both(fields: Fields) -> bool:
    """Tell whether a body has a length and a transfer coding, of which the coding wins."""
    return {"content-length", "transfer-encoding"} <= {name for name, _ in fields}


def length_of(text: str) -> int:
    """Read one Content-Length."""
    if not (text.isascii() and text.isdigit() and len(text) <= LENGTH_DIGITS):
        raise BadRequestError("malformed Content-Length")
    return int(text)


def named(fields: Fields, name: str) -> list[str]:
    """List the values of a header, those in one line separately."""
    field_values = [value for each, value in fields if each == name]
    return [part.strip() for value in field_values for part in value.split(",")]


async def read_head(reader: asyncio.StreamReader, frame: Frame = framing) -> Head | None:
    """Read one request's head; None is the end of the connection."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequestError("head too large", 431) from None
    first, *lines = raw[:-4].decode("latin-1").lstrip("\r\n").split("\r\n")
    if len(raw) > HEAD_MAXIMUM or len(lines) > FIELD_MAXIMUM:
        raise BadRequestError("head too large", 431)
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError("malformed request line")
    fields = [field_of(line) for line in lines]
    if parts[2] == "HTTP/1.1" and len([name for name, _ in fields if name == "host"]) != 1:
        raise BadRequestError("one Host is needed")
    path, query = split_target(parts[1])
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    body_framing = frame(fields, parts[2])
    request = Request(parts[0], path, pairs, joined(fields), chunked=body_framing.chunked, version=parts[2])
    return Head(replace(request, announced=body_framing.is_known, repeated=repeated(fields)), body_framing)


def field_of(line: str) -> tuple[str, str]:
    """Split a header line into its lower-case name and its value."""
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise BadRequestError("malformed header")
    return name.lower(), value.strip(" \t")


def repeated(fields: Fields) -> frozenset[str]:
    """Name the headers that came more than once."""
    names = [name for name, _ in fields]
    return frozenset(name for name in names if names.count(name) > 1)


def joined(fields: Fields) -> dict[str, str]:
    """Join repeated headers that are lists; of others the last one counts."""
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name] = f"{headers[name]}, {value}" if name in LISTS and name in headers else value
    return headers


def split_target(target: str) -> tuple[str, str]:
    """Split a request target into its decoded path and its raw query."""
    if not target.startswith("/"):
        try:
            parts = urlsplit(target)
        except ValueError:
            raise BadRequestError("malformed target") from None
        return unquote(parts.path), parts.query
    path, _, query = target.partition("?")
    return unquote(path), query


async def read_body(reader: asyncio.StreamReader, head: Head, maximum: int) -> Request:
    """Read the body; one over the maximum is left unread and its known length recorded."""
    if head.framing.chunked:
        return await _read_chunked(reader, head.request, maximum)
    length = head.framing.length or 0
    request = replace(head.request, length=length)
    if length > maximum:
        return request
    try:
        return replace(request, body=await reader.readexactly(length))
    except asyncio.IncompleteReadError as error:
        raise IncompleteError(replace(request, body=error.partial, length=len(error.partial))) from None


async def _read_chunked(reader: asyncio.StreamReader, request: Request, maximum: int) -> Request:
    """Read chunks and trailers, or stop once the body is over the maximum."""
    body = bytearray()
    extended = False
    try:
        while True:
            left, extension = _chunk_size(await _line(reader))
            extended = extended or extension
            if left == 0:
                break
            while left:
                piece = await reader.readexactly(min(left, PIECE))
                body += piece
                left -= len(piece)
                if len(body) > maximum:
                    return replace(request, body=bytes(body), length=len(body))
            if await _line(reader):
                raise BadRequestError("chunk is longer than announced")
        await _skip_trailers(reader)
    except EOFError as error:
        got = bytes(body) + (error.partial if isinstance(error, asyncio.IncompleteReadError) else b"")
        raise IncompleteError(replace(request, body=got, length=len(got))) from None
    return replace(request, body=bytes(body), length=len(body), extended=extended)


async def _skip_trailers(reader: asyncio.StreamReader) -> None:
    """Read the lines after the last chunk."""
    for _ in range(TRAILER_MAXIMUM):
        if not await _line(reader):
            return
    raise BadRequestError("too many trailers", 431)


def _chunk_size(line: bytes) -> tuple[int, bool]:
    """Read the size of a chunk, and whether extensions follow."""
    match = CHUNK_SIZE.fullmatch(line)
    if match is None:
        raise BadRequestError("malformed chunk size")
    return int(match[1], 16), match[2] is not None


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Read one line without its end."""
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.IncompleteReadError:
        raise EOFError("the client went away") from None
    except asyncio.LimitOverrunError:
        raise BadRequestError("line too long") from None
