"""Steps of checks that look into a sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from conformance.core.errors import NotApplicable
from conformance.requests.steps import AwaitArrivals, ReadLedger

if TYPE_CHECKING:
    from conformance.core.arrivals import Arrivals, LedgerPage
    from conformance.core.model import JsonObject
    from conformance.wire import Wire


class SinkView(Protocol):
    """What arrived, for checks. Its methods raise Stopped for trouble of the sink."""

    async def wait(self, step: AwaitArrivals) -> Arrivals:
        """What arrived with some marks, once it has settled."""

    async def page(self, operation: str) -> LedgerPage:
        """What became of all events of the run on an operation, once it has settled."""


class WatchedSink(SinkView, Protocol):
    """A sink that is read during a run, as an asynchronous context manager."""

    @property
    def nonce(self) -> str:
        """What the marks of the run's events begin with: eight hexadecimal digits."""

    def wire_type(self, base: type[Wire]) -> type[Wire]:
        """A type of wire that enters all that is sent into the ledger."""

    def document(self) -> JsonObject | None:
        """The section of a report; None if the ledger was not judged."""

    async def __aenter__(self) -> object:
        """Begins to read. Raises InconclusiveError for trouble of the sink."""

    async def __aexit__(self, *_: object) -> None:
        """Ends reading."""


async def look_into_sink(sink: SinkView | None, step: AwaitArrivals | ReadLedger) -> Arrivals | LedgerPage:
    """The answer to a step. Raises NotApplicable without a sink, and Stopped for its trouble."""
    if sink is None:
        raise NotApplicable("there is no sink to look into: see --sink")
    return await (sink.page(step.operation) if isinstance(step, ReadLedger) else sink.wait(step))
