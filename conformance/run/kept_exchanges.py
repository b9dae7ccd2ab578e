"""Exchanges that are kept for long: what they take in memory is limited, however large the answers are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.report.transcript import MAX_BODY_BYTES

if TYPE_CHECKING:
    from conformance.core.model import Exchange, Response

MAX_KEPT_BYTES = 32 * 1024 * 1024
"""What answers may take that are kept whole; of all others the beginning is kept."""
SMALL_BYTES = 2 * MAX_BODY_BYTES
"""Answers up to this size are always kept whole."""
_HEADER_BYTES = 160
"""What a header takes beside its text."""


@dataclass(slots=True)
class RoomForAnswers:
    """What is left of the room for answers, in bytes."""

    bytes_left: int = MAX_KEPT_BYTES

    def keep(self, exchange: Exchange) -> Exchange:
        """The exchange; without room for its answer, one with what a report shows of it."""
        response, size = exchange.response, size_of_answer(exchange)
        if response is None or size <= SMALL_BYTES:
            return exchange
        if size > self.bytes_left:
            return replace(exchange, response=_beginning_of(response))
        self.bytes_left -= size
        return exchange


def without_body(exchange: Exchange) -> Exchange:
    """The exchange without the body of its request, which may be megabytes."""
    return replace(exchange, request=replace(exchange.request, body=b""))


def size_of_answer(exchange: Exchange) -> int:
    """About how many bytes an answer takes in memory."""
    response = exchange.response
    if response is None:
        return 0
    return len(response.body) + sum(_HEADER_BYTES + len(name) + len(value) for name, value in response.headers)


def _beginning_of(response: Response) -> Response:
    """What a report shows of a body, and as many of the headers as fit into the same room."""
    kept, room = [], MAX_BODY_BYTES
    for name, value in response.headers:
        room -= _HEADER_BYTES + len(name) + len(value)
        if room < 0:
            break
        kept.append((name, value))
    body, left_out = response.body[:MAX_BODY_BYTES], len(response.body[MAX_BODY_BYTES:])
    return replace(response, headers=tuple(kept), body=body, truncated=True, left_out_bytes=left_out)
