"""The answers of a server by request, to count those that a fault changed.

Runs without a run id send the same bytes each time, so an answer can be looked up by its request. This sees
all that a fault may do: another answer, other bytes on the connection, or none at all.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.core.model import Exchange, Request

_DIGEST_BYTES = 8
_VARYING_HEADERS = frozenset({"date"})


@dataclass(frozen=True, slots=True)
class RecordedAnswers:
    """Digests of the answers that a server gave, by the digest of the request or of the whole conversation."""

    digests: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def record(self, exchanges: Sequence[Exchange]) -> None:
        """Adds the exchanges of one connection, or a single one."""
        self.digests[_digest(map(_request_parts, exchanges))].add(_digest(map(_answer_parts, exchanges)))

    def count_changed(self, correct: RecordedAnswers) -> int:
        """How many requests got an answer that the correct server did not give to the same request."""
        return sum(
            bool(answers - correct.digests[request])
            for request, answers in self.digests.items()
            if request in correct.digests
        )

    def count_common(self, correct: RecordedAnswers) -> int:
        """How many requests were sent to both servers."""
        return len(self.digests.keys() & correct.digests.keys())

    def wire_type(self) -> type[Wire]:
        """A type of wire that records every exchange here."""
        recorded = self

        class RecordingWire(Wire):
            async def exchange(self, request: Request) -> Exchange:
                exchange = await super().exchange(request)
                recorded.record([exchange])
                return exchange

            async def exchange_on_one_connection(
                self,
                requests: Sequence[Request],
                *,
                pipelined: bool = False,
                half_closed: bool = False,
                pause_s: float = 0.0,
            ) -> list[Exchange]:
                exchanges = await super().exchange_on_one_connection(
                    requests, pipelined=pipelined, half_closed=half_closed, pause_s=pause_s
                )
                recorded.record(exchanges)
                return exchanges

        return RecordingWire


def _digest(parts: Iterable[Iterable[object]]) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        for value in part:
            data = value if isinstance(value, bytes) else repr(value).encode()
            digest.update(b"%d:" % len(data) + data)
    return digest.digest()


def _request_parts(exchange: Exchange) -> Iterable[object]:
    request = exchange.request
    yield from (request.method, request.path, request.query, request.headers, request.body, request.chunked)
    if request.raw_writer:
        headers = [("Host", "target"), *request.headers]
        yield from request.raw_writer(f"{request.method} {request.path} HTTP/1.1", headers, request.body)


def _answer_parts(exchange: Exchange) -> Iterable[object]:
    yield from (exchange.failure, exchange.bytes_after_response, exchange.stays_open, exchange.got_100_continue)
    yield exchange.is_left_open
    if response := exchange.response:
        yield from (response.status, response.http_version, response.body, response.truncated)
        yield sorted((name, value) for name, value in response.headers if name.lower() not in _VARYING_HEADERS)
