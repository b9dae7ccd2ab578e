"""An exchange as JSON data for reports: bodies cut, their full length given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.text import storable

if TYPE_CHECKING:
    from conformance.model import Exchange, Json, JsonObject

CUT_BYTES = 1024


def transcript(exchange: Exchange) -> JsonObject:
    """What was sent and what came back."""
    request, response = exchange.request, exchange.response
    answer: Any = None
    if response is not None:
        answer = {
            "status": response.status,
            "http_version": response.http_version,
            "headers": _pairs(response.headers),
            **_body(response.body),
        }
    return {
        "request": {
            "method": request.method,
            "url": exchange.url,
            "query": _pairs(request.query),
            "headers": _pairs(request.headers),
            "chunked": request.chunked,
            "unpacked": request.unpacked,
            "handwritten": request.spelling is not None,
            **_body(request.body),
        },
        "response": answer,
        "stray": exchange.stray[:CUT_BYTES].decode("utf-8", errors="backslashreplace"),
        "error": exchange.detail,
    }


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Json:
    return [[name, storable(value)] for name, value in pairs]


def _body(body: bytes) -> dict[str, Json]:
    """A body cut to 1 KiB, with its full length. Bytes that are not UTF-8 are shown as escapes."""
    return {"body": body[:CUT_BYTES].decode("utf-8", errors="backslashreplace"), "body_bytes": len(body)}
