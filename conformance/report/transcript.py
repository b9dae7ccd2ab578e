"""The JSON form of an exchange in reports, with bodies cut to 1 KiB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.text import escape_surrogates

if TYPE_CHECKING:
    from conformance.core.model import Exchange, Json, JsonObject

MAX_BODY_BYTES = 1024


def transcript_json(exchange: Exchange) -> JsonObject:
    """The request and the response. Bodies are cut, their full length is given."""
    request, response = exchange.request, exchange.response
    response_json: Any = None
    if response is not None:
        response_json = {
            "status": response.status,
            "http_version": response.http_version,
            "headers": _pairs_json(response.headers),
            **_body_json(response.body),
        }
    return {
        "request": {
            "method": request.method,
            "url": exchange.url,
            "query": _pairs_json(request.query),
            "headers": _pairs_json(request.headers),
            "chunked": request.chunked,
            "unpacked": request.is_decompressed,
            "handwritten": request.raw_writer is not None,
            **_body_json(request.body),
        },
        "response": response_json,
        "stray": exchange.bytes_after_response[:MAX_BODY_BYTES].decode("utf-8", errors="backslashreplace"),
        "error": exchange.failure_detail,
    }


def _pairs_json(pairs: tuple[tuple[str, str], ...]) -> Json:
    return [[name, escape_surrogates(value)] for name, value in pairs]


def _body_json(body: bytes) -> dict[str, Json]:
    """A body cut to 1 KiB, with its full length. Bytes that are not UTF-8 are shown as escapes."""
    return {"body": body[:MAX_BODY_BYTES].decode("utf-8", errors="backslashreplace"), "body_bytes": len(body)}
