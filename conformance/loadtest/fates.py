"""What became of the events of a load in a sink, by step: those of accepted requests that are missing or doubled."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from conformance.loadtest.items import Item
from conformance.loadtest.journal import JournalReader, Kind, SlotState, workers_of
from conformance.loadtest.observer import Tally, to_class

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.loadtest.arrivals import ArrivalWatch, Arrived
    from conformance.loadtest.journal import Sent
    from conformance.loadtest.observer import Cause

CAUSES: dict[str, Cause] = {
    "missing": ("delivery.run.lost", "accepted events did not arrive in the sink"),
    "doubled": ("delivery.run.doubled", "accepted events arrived in the sink more than once"),
    "refused": ("delivery.run.refused", "events of refused requests arrived in the sink"),
}
"""How each fate is named, by the check that judges the same promise."""
FACTS = {"missing": "rules.delivered", "doubled": "rules.delivered-once", "refused": "rules.refused-not-kept"}


@dataclass(slots=True)
class StepFate:
    """The events of one step: those in accepted requests, how many of them are missing or doubled, how long they took.

    `refused` counts events of refused requests that arrived all the same.
    """

    accepted: int = 0
    missing: int = 0
    doubled: int = 0
    refused: int = 0
    delays: Tally = field(default_factory=Tally)


@dataclass(slots=True)
class Fates:
    """What became of all events. `unfollowed` are accepted events without an id of their own: nothing is known."""

    steps: list[StepFate]
    unfollowed: int = 0
    skipped: int = 0
    first: dict[str, Sent] = field(default_factory=dict)

    def total(self, name: str) -> int:
        """The sum of a count over all steps."""
        return sum(getattr(step, name) for step in self.steps)


def find_fates(directory: Path, watch: ArrivalWatch, items: Sequence[dict[str, Any]], starts: Sequence[float]) -> Fates:
    """Compares the journals of all workers with what arrived; `starts` are the times at which steps began."""
    prepared = (Item(number, item) for number, item in enumerate(items))
    is_followed = [len(item.ids) == item.events for item in prepared]
    fates = Fates([StepFate() for _ in starts], skipped=watch.skipped_count)
    for worker in workers_of(directory):
        arrived = _by_request(watch.arrived(worker))
        number, counts = next(arrived, _NONE)
        for at, sent in enumerate(JournalReader(directory, worker).recent(0)):
            while number < at:
                number, counts = next(arrived, _NONE)
            found = counts if number == at else {}
            step = max(0, bisect_right(starts, sent.due_s) - 1)
            _add(fates, fates.steps[step], sent, found, is_followed=is_followed[sent.item])
    return fates


_NONE: tuple[float, dict[int, tuple[int, float]]] = (float("inf"), {})


def _by_request(rows: Iterator[Arrived]) -> Iterator[tuple[float, dict[int, tuple[int, float]]]]:
    """What arrived of each request: how often each event came, and when first."""
    for number, group in groupby(rows, key=lambda row: row[0]):
        yield number, {event: (count, first_s) for _, event, count, first_s in group}


def _add(
    fates: Fates, step: StepFate, sent: Sent, found: Mapping[int, tuple[int, float]], *, is_followed: bool
) -> None:
    if sent.state is not SlotState.ANSWERED or not is_followed:
        fates.unfollowed += sent.events if _is_accepted(sent) else 0
        return
    counts: Counter[str] = Counter()
    if _is_accepted(sent):
        there = [found[event] for event in range(sent.events) if event in found]
        step.accepted += sent.events
        counts["missing"] = sent.events - len(there)
        counts["doubled"] = sum(1 for count, _ in there if count > 1)
        answered_s = sent.due_s + sent.wait_s + sent.took_s
        for _, first_s in there:
            step.delays.latencies[to_class(first_s - answered_s)] += 1
    elif 400 <= sent.status < 500:
        counts["refused"] = len(found)
    for name, count in counts.items():
        if count:
            setattr(step, name, getattr(step, name) + count)
            if name not in fates.first or sent.due_s < fates.first[name].due_s:
                fates.first[name] = sent


def _is_accepted(sent: Sent) -> bool:
    return sent.kind is Kind.GOOD and 200 <= sent.status < 300 and sent.state is SlotState.ANSWERED
