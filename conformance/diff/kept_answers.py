"""Answers that a comparison keeps to its end: their normal form, and what a report shows of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.causes.normalized_answers import normalize
from conformance.report.transcript import MAX_BODY_BYTES

if TYPE_CHECKING:
    from conformance.causes.normalized_answers import NormalizedAnswer
    from conformance.core.model import Exchange, Response
    from conformance.run.engine import CheckResult

MAX_KEPT_BYTES = 32 * 1024 * 1024
"""What answers may take that are kept whole; of all others the beginning is kept."""
_SMALL_BYTES = 2 * MAX_BODY_BYTES
"""Answers up to this size are always kept whole."""
_HEADER_BYTES = 160
"""What a header takes beside its text."""


class KeptAnswers:
    """The answers of both sides. Their normal forms are made of all of what was received."""

    def __init__(self, rate_headers: frozenset[str], max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._rate_headers = rate_headers
        self._bytes_left = max_bytes
        self._normalized: dict[int, tuple[Exchange, NormalizedAnswer]] = {}

    def normalize(self, exchange: Exchange) -> NormalizedAnswer:
        """The normal form of an answer, made once."""
        cached = self._normalized.get(id(exchange))
        if cached is None:
            cached = self._normalized[id(exchange)] = exchange, normalize(exchange, self._rate_headers)
        return cached[1]

    def keep(self, result: CheckResult) -> CheckResult:
        """A result whose answers are cut if there is no room for them."""
        index, shown = result.exchange_index, result.exchange
        exchanges = tuple(map(self._keep_exchange, result.exchanges))
        if shown is not None:
            shown = self._keep_exchange(shown) if index is None else exchanges[index]
        return replace(result, exchanges=exchanges, exchange=shown)

    def _keep_exchange(self, exchange: Exchange) -> Exchange:
        response = exchange.response
        size = _size_of(response) if response is not None else 0
        if response is None or size <= _SMALL_BYTES or id(exchange) in self._normalized:
            return exchange
        normalized = normalize(exchange, self._rate_headers)
        if size <= self._bytes_left:
            self._bytes_left -= size
        else:
            exchange = replace(exchange, response=_beginning_of(response))
        self._normalized[id(exchange)] = exchange, normalized
        return exchange


def _size_of(response: Response) -> int:
    """About how many bytes an answer takes in memory."""
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
