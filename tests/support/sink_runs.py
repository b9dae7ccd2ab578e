"""Runs against a reference server that keeps events in memory, with a sink that reads them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.cases import SINK_CHECKS
from conformance.core import event_loop
from conformance.core.written_json import read_written_json, write_json
from conformance.delivery import SinkWatch
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config
from conformance.run.execution import RunResult, execute
from conformance.run.plan import build_plan
from conformance.settings import table
from conformance.sinks import Settle, Sink, Skipped, SqlSource, StoredEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.check import Check
    from conformance.refserver.server_change import ServerChange

KEY = "delivery-key"
SETTLE = Settle(poll_s=0.02, quiet_s=0.15, at_most_s=1.0)


@dataclass
class MemoryStore:
    """A store and its reader: events as texts, in a list."""

    texts: list[str] = field(default_factory=list)
    read: int = 0
    skipped: Skipped = field(default_factory=Skipped)

    def add(self, events: Sequence[Any]) -> None:
        """Adds events."""
        self.texts += [write_json(event) for event in events]

    async def start(self) -> None:
        """What is there already is not ours."""
        self.read = len(self.texts)

    async def read_new(self) -> list[StoredEvent]:
        """The events that are new."""
        new, first = self.texts[self.read :], self.read
        self.read += len(new)
        values: list[Any] = [read_written_json(text) for text in new]
        return [
            StoredEvent(event=value, position=first + number, seen_s=time.monotonic(), record=f"row {first + number}")
            for number, value in enumerate(values)
        ]

    async def close(self) -> None:
        """Nothing to close."""


def run_with_sink(
    profile: str,
    change: ServerChange,
    checks: Sequence[Check] = SINK_CHECKS,
    selectors: tuple[str, ...] = (),
    store: MemoryStore | None = None,
) -> RunResult:
    """The result of checks on a server that keeps what it accepts."""
    store, contract = (
        store or MemoryStore(),
        reduced_contract(profile, selectors or ("event", "batch", "pixel", "webhook")),
    )
    application = change.create_application(contract, KEY, "bearer", store=store)
    sink = Sink(file="sink.yaml", source=SqlSource(url="", column="", cursor=""), settle=SETTLE)
    with ThreadedServer(uvicorn_config(application), "the server") as server:
        settings = table.resolve({"write_key": KEY, "bearer": "bearer", "fuzz": "0"})
        plan = build_plan(settings, server.url, contract, checks)
        watch = SinkWatch(sink, contract, plan.keys, reader=store)
        try:
            return event_loop.run(execute(replace(plan, sink=watch), lambda *_: None))
        finally:
            watch.close()
