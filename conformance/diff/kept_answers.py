"""Answers that a comparison keeps to its end: their normal form, and what a report shows of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.causes.normalized_answers import normalize
from conformance.run.kept_exchanges import MAX_KEPT_BYTES, SMALL_BYTES, RoomForAnswers, size_of_answer

if TYPE_CHECKING:
    from conformance.causes.normalized_answers import NormalizedAnswer
    from conformance.core.model import Exchange
    from conformance.run.engine import CheckResult


class KeptAnswers:
    """The answers of both sides. Their normal forms are made of all of what was received."""

    def __init__(self, rate_headers: frozenset[str], max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._rate_headers = rate_headers
        self._room = RoomForAnswers(max_bytes)
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
        if size_of_answer(exchange) <= SMALL_BYTES or id(exchange) in self._normalized:
            return exchange
        normalized = normalize(exchange, self._rate_headers)
        exchange = self._room.keep(exchange)
        self._normalized[id(exchange)] = exchange, normalized
        return exchange
