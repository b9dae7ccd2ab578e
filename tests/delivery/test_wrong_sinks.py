"""A sink whose file is wrong is no verdict about a server, and a server that keeps nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.cases import SINK_CHECKS
from conformance.core.model import Outcome
from conformance.refserver.server_change import ServerChange
from tests.support.sink_runs import MemoryStore, run_with_sink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.sinks import StoredEvent

ARRIVES = [item for item in SINK_CHECKS if item.id == "delivery.event.arrives"]


@dataclass
class UnreadableStore(MemoryStore):
    """Its records are there, and hold no event where the sink's file looks for one."""

    async def read_new(self) -> list[StoredEvent]:
        """Nothing, and why."""
        for event in await super().read_new():
            self.skipped.add(event.record, "nothing is at '/batch'")
        return []


@dataclass
class EmptyStore(MemoryStore):
    """It forgets what it is given."""

    def add(self, events: Sequence[Any]) -> None:
        """Adds nothing."""


def test_records_without_events_end_the_run() -> None:
    """The sentence says what the records look like, and nothing is lost."""
    result = run_with_sink("segmentstream", ServerChange(), ARRIVES, store=UnreadableStore())
    assert Outcome.FAIL not in {item.outcome for item in result.verdicts}
    assert "no event of this run came to the sink" in result.stop_reason
    assert "nothing is at '/batch'" in result.stop_reason


def test_a_server_that_keeps_nothing_loses_everything() -> None:
    """No record comes at all."""
    result = run_with_sink("segmentstream", ServerChange(), ARRIVES, store=EmptyStore())
    assert {item.outcome for item in result.verdicts if item.id == "delivery.event.arrives"} == {Outcome.FAIL}
