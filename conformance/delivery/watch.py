"""Watches a sink while a run sends: one poller for all checks, and the ledger of everything that is sent."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from conformance.core.arrivals import CURRENT_CHECK, Arrival, Arrivals, LedgerPage
from conformance.core.errors import InconclusiveError, Stopped
from conformance.core.written_json import read_written_json
from conformance.delivery.comparison import Tolerance, compare_events
from conformance.delivery.document import build_document
from conformance.delivery.judgement import Judgement, judge
from conformance.delivery.ledger import Ledger
from conformance.delivery.sent_events import RequestReader
from conformance.delivery.tolerance import tolerance_of
from conformance.requests.framings import has_wrong_length
from conformance.sinks import open_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.contract import Contract
    from conformance.core.arrivals import Change
    from conformance.core.model import Exchange, JsonObject, Request
    from conformance.requests import Keys
    from conformance.requests.steps import AwaitArrivals
    from conformance.sinks import Sink, SinkReader
    from conformance.wire import Wire

_SDK_AREA = "sdk."


def new_nonce() -> str:
    """Eight hexadecimal digits that tell this run's events from those of others."""
    return secrets.token_hex(4)


@dataclass(slots=True)
class SinkWatch:
    """Reads a sink during a run, and answers what arrived.

    `reader` is opened from the sink's file unless there is one. Trouble of the sink ends the run as Stopped: never
    a verdict about the target.
    """

    sink: Sink
    contract: Contract
    keys: Keys
    nonce: str = field(default_factory=new_nonce)
    reader: SinkReader | None = None
    _ledger: Ledger = field(init=False)
    _requests: RequestReader = field(init=False)
    _tolerance: Tolerance = field(init=False)
    _poller: asyncio.Task[None] | None = None
    _trouble: str = ""
    _last_new_s: float = 0.0
    _judgement: Judgement | None = None
    _judging: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.nonce, message_id=self.contract.profile.pointers.message_id)
        self._requests = RequestReader(self.contract, self.keys, self.nonce)
        self._tolerance = tolerance_of(self.sink, self.contract)

    async def __aenter__(self) -> Self:
        self.reader = self.reader or open_reader(self.sink, os.environ)
        await self.reader.start()
        self._poller = asyncio.create_task(self._poll())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._poller is not None:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller
        if self.reader is not None:
            await self.reader.close()

    def close(self) -> None:
        """Deletes the ledger."""
        self._ledger.close()

    def wire_type(self, base: type[Wire]) -> type[Wire]:
        """A type of wire that enters every request into the ledger before it is sent, and its answer afterwards."""
        watch = self

        class WatchedWire(base):  # type: ignore[valid-type, misc] # any wire
            async def exchange(self, request: Request) -> Exchange:
                entry = watch.note(request)
                exchange: Exchange = await super().exchange(request)
                watch.note_answer(entry, exchange, is_broken_off=has_wrong_length(request))
                return exchange

            async def exchange_on_one_connection(
                self,
                requests: Sequence[Request],
                **options: Any,  # noqa: ANN401 - those of the wire
            ) -> list[Exchange]:
                entries = [watch.note(item) for item in requests]
                exchanges: list[Exchange] = await super().exchange_on_one_connection(requests, **options)
                is_broken_off = False
                for number, (entry, item, exchange) in enumerate(zip(entries, requests, exchanges, strict=False), 1):
                    is_last_half = bool(options.get("half_closed")) and number == len(entries)
                    is_broken_off = is_broken_off or is_last_half or has_wrong_length(item)
                    watch.note_answer(entry, exchange, is_broken_off=is_broken_off)
                return exchanges

        return WatchedWire

    def note(self, request: Request) -> int | None:
        """Enters a request; its entry in the ledger, None if it has no event with a mark."""
        operation, check_id = self._requests.operation(request), CURRENT_CHECK.get()
        events = self._requests.read(request, is_sdk=check_id.startswith(_SDK_AREA))
        return self._ledger.add_request(str(operation), check_id, events) if events else None

    def note_answer(self, entry: int | None, exchange: Exchange, *, is_broken_off: bool = False) -> None:
        """Enters the answer to a request.

        `is_broken_off` if none is owed: we had closed our side of the connection, or said wrongly where a body ends,
        after which a server has to close it (RFC 9112, section 6.3).
        """
        if entry is not None:
            self._ledger.answer(entry, exchange.status, is_broken_off=is_broken_off)

    async def wait(self, step: AwaitArrivals) -> Arrivals:
        """What arrived with some marks, once it is all there and nothing more came for a while. Raises Stopped."""
        began_s, settle = time.monotonic(), self.sink.settle
        while True:
            self._require_sink()
            found = {mark: self._ledger.arrivals_of(mark) for mark in (*step.marks, *step.absent)}
            now_s = time.monotonic()
            last_s = max((item.seen_s for items in found.values() for item in items), default=0.0)
            is_there = all(found[mark] for mark in step.marks)
            if now_s - began_s > settle.at_most_s:
                self._require_events()
                break
            if is_there and now_s - max(began_s, last_s) > settle.quiet_s:
                break
            await asyncio.sleep(min(settle.poll_s, settle.quiet_s))
        return Arrivals(by_mark=found, compare=self.compare, waited_s=now_s - began_s)

    def compare(self, sent: str, stored: Any) -> list[Change]:  # noqa: ANN401 - JSON without loss
        """How a stored event differs from one whose JSON text is given."""
        return compare_events(read_written_json(sent), stored, self._tolerance)

    async def settle(self) -> None:
        """Waits until all that was accepted has arrived, or nothing comes any more. Raises Stopped."""
        began_s, settle = time.monotonic(), self.sink.settle
        while True:
            self._require_sink()
            now_s = time.monotonic()
            quiet_s = now_s - max(began_s, self._last_new_s)
            if quiet_s > settle.at_most_s or (quiet_s > settle.quiet_s and not self._ledger.missing_count()):
                self._require_events()
                return
            await asyncio.sleep(settle.poll_s)

    async def page(self, operation: str) -> LedgerPage:
        """What the ledger of the whole run says of an operation."""
        async with self._judging:
            if self._judgement is None:
                await self.settle()
                self._judgement = judge(self._ledger, self._tolerance)
        return self._judgement.page(operation)

    def document(self) -> JsonObject | None:
        """The section of a report; None if the ledger was not judged."""
        if self._judgement is None:
            return None
        return build_document(self._judgement, self._ledger.strays)

    def _require_sink(self) -> None:
        if self._trouble:
            raise Stopped(self._trouble)

    def _require_events(self) -> None:
        """Raises Stopped if records came and none is an event of this run: the sink's file describes them wrongly."""
        skipped = self.reader.skipped if self.reader else None
        count = (skipped.count if skipped else 0) + self._ledger.others + self._ledger.strays
        if count and not self._last_new_s:
            example = f" ({skipped.examples[0]})" if skipped and skipped.examples else ""
            raise Stopped(
                f"no event of this run came to the sink, but {count:,} others did{example}: `events`, `decode` or "
                f"`match` in {self.sink.file} may be wrong; see `conformance sink check`"
            )

    async def _poll(self) -> None:
        """Reads the sink again and again."""
        reader = self.reader
        while reader is not None:
            try:
                events = await reader.read_new()
            except InconclusiveError as error:
                self._trouble = f"the sink can't be read: {error}"
                return
            if events and self._ledger.add_arrivals(
                Arrival(event=item.event, position=item.position, seen_s=item.seen_s, record=item.record)
                for item in events
            ):
                self._last_new_s = time.monotonic()
            if not events:
                await asyncio.sleep(self.sink.settle.poll_s)
