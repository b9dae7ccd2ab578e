"""Requests as they stand on the wire: the usual way, and the ways in which no client writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from conformance.core.model import Request

HeaderPairs: TypeAlias = "list[tuple[str, str]]"


def start_line(request: Request, prefix: str) -> str:
    """The first line of a request to a path under a prefix."""
    query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
    return f"{request.method} {prefix}{request.path}{query} HTTP/1.1"


def write_request(start: str, headers: HeaderPairs, body: bytes) -> bytes:
    """A request with these headers and no others."""
    return "\r\n".join([start, *(f"{name}: {value}" for name, value in headers), "", ""]).encode() + body


def write_standard(start: str, headers: HeaderPairs, body: bytes) -> tuple[bytes, ...]:
    """A request with its length, in one piece."""
    return (write_request(start, [*headers, ("Content-Length", str(len(body)))], body),)
