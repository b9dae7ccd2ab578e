"""The JSON form of exchanges in reports: bodies and headers are cut, and all of them together have a budget."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.text import escape_surrogates, truncate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.core.model import Exchange, Json, JsonObject

MAX_BODY_BYTES = 1024
MAX_SHOWN_HEADERS, MAX_VALUE_LENGTH = 64, 512
"""How many headers of a message are shown, and how much of a value."""
MAX_REPORT_LENGTH, MAX_COMPLETE_LENGTH = 8_000_000, 6_000_000
"""The characters of all transcripts of a report, and of those up to which a check has several."""


@dataclass(slots=True)
class TranscriptBudget:
    """What is left of the room for the transcripts of one report, or of each of `sharing` in one file."""

    sharing: int = 1
    used_length: int = 0

    def take(self, exchanges: Sequence[Exchange]) -> tuple[JsonObject, ...]:
        """The transcripts that fit: those of all exchanges, later only that of the last one, then none."""
        wanted = exchanges if self.used_length < MAX_COMPLETE_LENGTH // self.sharing else exchanges[-1:]
        if self.used_length >= MAX_REPORT_LENGTH // self.sharing:
            return ()
        transcripts = tuple(map(transcript_json, wanted))
        self.used_length += sum(len(json.dumps(item, ensure_ascii=False)) for item in transcripts)
        return transcripts


def transcript_json(exchange: Exchange) -> JsonObject:
    """The request and the response. Bodies and headers are cut, and what is left out is counted."""
    request, response = exchange.request, exchange.response
    response_json: Any = None
    if response is not None:
        response_json = {
            "status": response.status,
            "http_version": response.http_version,
            **_headers_json(response.headers),
            **_body_json(response.body, response.left_out_bytes),
        }
    return {
        "request": {
            "method": request.method,
            "url": exchange.url,
            "query": _pairs_json(request.query),
            **_headers_json(request.headers),
            "chunked": request.chunked,
            "unpacked": request.is_decompressed,
            "handwritten": request.raw_writer is not None,
            **_body_json(request.body),
        },
        "response": response_json,
        "stray": exchange.bytes_after_response[:MAX_BODY_BYTES].decode("utf-8", errors="backslashreplace"),
        "error": exchange.failure_detail,
    }


def _headers_json(pairs: tuple[tuple[str, str], ...]) -> dict[str, Json]:
    """The first headers, and the number of the others, if there are any."""
    left_out = len(pairs) - MAX_SHOWN_HEADERS
    return {
        "headers": _pairs_json(pairs[:MAX_SHOWN_HEADERS]),
        **({"headers_left_out": left_out} if left_out > 0 else {}),
    }


def _pairs_json(pairs: tuple[tuple[str, str], ...]) -> Json:
    """Names and values; a long one says how long it is."""
    return [[_cut(name), _cut(escape_surrogates(value))] for name, value in pairs]


def _cut(text: str) -> str:
    return truncate(text, MAX_VALUE_LENGTH, f"... ({len(text):,} characters)")


def _body_json(body: bytes, left_out_bytes: int = 0) -> dict[str, Json]:
    """A body cut to 1 KiB, with its full length. Bytes that are not UTF-8 are shown as escapes."""
    shown = body[:MAX_BODY_BYTES].decode("utf-8", errors="backslashreplace")
    return {"body": shown, "body_bytes": len(body) + left_out_bytes}
