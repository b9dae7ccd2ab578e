"""A request as people read it: its first line, its headers and its body."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from conformance.core.text import truncate

if TYPE_CHECKING:
    from conformance.core.model import Request

_MAX_TEXT_LENGTH, _MAX_HEX_BYTES = 600, 64


def request_text(request: Request) -> str:
    """The lines of a request; a long body is cut, and bytes that are no UTF-8 are shown in hexadecimal digits."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    lines = [
        f"{request.method} {request.path}{query} HTTP/1.1",
        *(f"{name}: {value}" for name, value in request.headers),
    ]
    if request.body:
        lines += ["", _body_text(request)]
    return "\n".join(lines)


def _body_text(request: Request) -> str:
    """A body as text, or the first of its bytes."""
    body, unpacked = request.body, " (shown unpacked)" if request.is_decompressed else ""
    try:
        return truncate(body.decode(), _MAX_TEXT_LENGTH, f"... ({len(body):,} bytes in all)") + unpacked
    except UnicodeDecodeError:
        cut = "..." if len(body) > _MAX_HEX_BYTES else ""
        return f"{body[:_MAX_HEX_BYTES].hex(' ')}{cut} ({len(body):,} bytes, in hexadecimal digits){unpacked}"
