"""Writes the bytes of HTTP/1.1 requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from conformance.core.model import Request

HeaderPairs: TypeAlias = "list[tuple[str, str]]"


class Pieces(tuple[bytes, ...]):
    """The bytes of a request in pieces, each sent by itself, `pause_s` after the one before.

    Other tuples wait for an interim answer.
    """

    __slots__ = ()
    pause_s = 0.02  # shorter ones are often read together by a busy server


class SlowPieces(Pieces):
    """The same with half a second between them."""

    __slots__ = ()
    pause_s = 0.5


class LatePieces(Pieces):
    """The same, each sent once the one before is answered, or after a while; an answer does not end them."""

    __slots__ = ()
    pause_s = 0.3


def start_line(request: Request, prefix: str) -> str:
    """The request line, with a prefix before the path."""
    query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
    return f"{request.method} {prefix}{request.path}{query} HTTP/1.1"


def write_request(start: str, headers: HeaderPairs, body: bytes) -> bytes:
    """A request with exactly these headers."""
    return "\r\n".join([start, *(f"{name}: {value}" for name, value in headers), "", ""]).encode() + body


def write_standard(start: str, headers: HeaderPairs, body: bytes) -> tuple[bytes, ...]:
    """A request with a Content-Length, in one piece, as a client would write it."""
    return (write_request(start, [*headers, ("Content-Length", str(len(body)))], body),)
