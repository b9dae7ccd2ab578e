"""A wire without a network, whose target is a function or a list of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeAlias, cast

from conformance.core.kept_connections import KeptConnections
from conformance.core.model import Exchange, Request, Response, TransportFailure
from conformance.run.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.wire import Wire

Answer: TypeAlias = Callable[[Request], "Response | TransportFailure"]
"""A target: its answer to a request."""


@dataclass(slots=True)
class FakeWire:
    """A wire that keeps what was sent, and how many requests were in flight."""

    answer: Callable[[Request], Response | TransportFailure | Exchange]
    sent: list[Request] = field(default_factory=list)
    conversations: list[tuple[int, bool, bool]] = field(default_factory=list)
    pauses_s: list[float] = field(default_factory=list)
    limit: int | None = None
    connection_limit: int | None = None
    connections: int = 8
    kept: KeptConnections = field(default_factory=KeptConnections)
    in_flight: int = 0
    max_in_flight: int = 0

    @classmethod
    def in_turn(cls, *exchanges: Exchange) -> Self:
        """A wire that hands out these exchanges one by one, and the last one again and again."""
        waiting = list(exchanges)
        return cls(lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0])

    async def exchange(self, request: Request) -> Exchange:
        """The answer to a request, after other tasks had their turn."""
        self.sent.append(request)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        answered = self._exchange(request)
        await asyncio.sleep(0)
        self.in_flight -= 1
        return answered

    async def exchange_on_one_connection(
        self, requests: Sequence[Request], *, pipelined: bool, half_closed: bool, pause_s: float = 0.0
    ) -> list[Exchange]:
        """The answers to the requests of a conversation."""
        self.pauses_s.append(pause_s)
        self.conversations.append((len(requests), pipelined, half_closed))
        return [self._exchange(request) for request in requests]

    async def find_connection_limit(self) -> int | None:
        """The limit that the target has."""
        self.connection_limit = self.limit
        return self.limit

    def use_fewer_connections(self) -> int:
        """Half of them."""
        self.connections //= 2
        return self.connections

    async def close_connections(self) -> None:
        """There are none."""

    def _exchange(self, request: Request) -> Exchange:
        answer = self.answer(request)
        if isinstance(answer, Exchange):
            return answer
        if isinstance(answer, TransportFailure):
            return Exchange(request=request, failure=answer, failure_detail=f"a failure: {answer}")
        return Exchange(request=request, response=answer)


def sender_over(wire: FakeWire) -> Sender:
    """A sender over a fake wire."""
    return Sender(wire=cast("Wire", wire))
