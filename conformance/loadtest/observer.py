"""What came of a load so far, read from the journals of its workers: by second, and by broken promise."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.core.foreign_json import Unreadable, read_json
from conformance.core.user_files import read_bytes
from conformance.loadtest.circumstances import circumstances
from conformance.loadtest.journal import DROPPED, LIMITED, JournalReader, Kind, Sent, workers_of
from conformance.loadtest.swaps import SWAPPED, Swaps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_STEPS_PER_E = 50
"""Latencies are kept in classes of two percent."""
LATE_S = 0.1
"""A request that was sent so long after it was due says more of the client than of the target."""
_MAX_FAILURE_BYTES = 8 * 1024 * 1024
Cause = tuple[str, str]


def to_class(latency_s: float) -> int:
    """The class of a latency."""
    return round(math.log(max(latency_s, 1e-6)) * _STEPS_PER_E)


def to_seconds(number: int) -> float:
    """The latency of a class, in seconds."""
    return math.exp(number / _STEPS_PER_E)


@dataclass(slots=True)
class Tally:
    """Counts of some requests: all that were answered or failed, by what came of them, and their latencies.

    `accepted` counts acceptable requests whose promises were kept, `events` theirs.
    """

    answered: int = 0
    accepted: int = 0
    events: int = 0
    limited: int = 0
    dropped: int = 0
    late: int = 0
    failures: Counter[Cause] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)

    def add(self, sent: Sent, cause: Cause | None) -> None:
        """Counts a request; `cause` is its broken promise."""
        self.answered += 1
        self.late += sent.wait_s > LATE_S
        if sent.verdict == LIMITED:
            self.limited += 1
        elif sent.verdict == DROPPED:
            self.dropped += 1
        elif cause is not None:
            self.failures[cause] += 1
        elif sent.kind is Kind.GOOD:
            self.accepted += 1
            self.events += sent.events
        if sent.status and sent.verdict != LIMITED and sent.kind is Kind.GOOD:
            self.latencies[to_class(sent.wait_s + sent.took_s)] += 1

    def merge(self, others: Iterable[Tally]) -> Tally:
        """The same with the counts of others."""
        for other in others:
            for name in ("answered", "accepted", "events", "limited", "dropped", "late"):
                setattr(self, name, getattr(self, name) + getattr(other, name))
            self.failures += other.failures
            self.latencies += other.latencies
        return self

    def quantile(self, share: float) -> float:
        """The latency that a share of the requests does not exceed, in seconds; 0 without any."""
        wanted = share * sum(self.latencies.values())
        total = 0
        for number in sorted(self.latencies):
            total += self.latencies[number]
            if total >= wanted:
                return to_seconds(number)
        return 0.0


@dataclass(slots=True)
class Broken:
    """A promise that was broken: how often, and when and at which rate first."""

    check: str
    cause: str
    level: str
    example: str | None
    count: int = 0
    first_s: float = float("inf")
    first_rate: float = 0.0
    first_in_flight: int = 0


class Observer:
    """Reads the journals of a directory as they grow."""

    def __init__(self, directory: Path, traffic: Mapping[str, Any]) -> None:
        self.directory = directory
        self._swaps = Swaps(traffic)
        self._new: dict[Cause, Sent] = {}
        self._orders: list[tuple[float, float]] = []
        self._restart = (0.0, 0.0)
        self._readers: dict[str, JournalReader] = {}
        self._causes: dict[str, list[Cause]] = {}
        self.seconds: dict[int, Tally] = {}
        self.total = Tally()
        self.broken: dict[Cause, Broken] = {}
        self.run_of_failures, self.failing_since = 0, 0.0
        self.rates: dict[int, float] = {}

    def note_order(self, now: float, rate: float, *, is_restart: bool = False) -> None:
        """Notes the rate that is ordered from now on. In a restart, requests without an answer count as dropped."""
        self._orders.append((now, rate))
        if self._restart[0] and not self._restart[1]:
            self._restart = (self._restart[0], now)
        if is_restart:
            self._restart = (now, 0.0)

    def _is_excused(self, sent: Sent) -> bool:
        """Whether a request has no answer because the target was being restarted at some time while it waited."""
        start, end = self._restart
        ended_s = sent.due_s + sent.wait_s + sent.took_s
        return bool(start and not sent.status and ended_s >= start and (not end or sent.due_s <= end))

    def poll(self) -> None:
        """Reads what is new."""
        for worker in workers_of(self.directory):
            reader = self._readers.setdefault(worker, JournalReader(self.directory, worker))
            for sent in reader.read_new():
                self._add(worker, sent)
        for cause, sent in self._new.items():
            sent_count, in_flight = circumstances(sent, self._readers.values())
            broken = self.broken[cause]
            broken.first_s, broken.first_in_flight = sent.due_s, in_flight
            broken.first_rate = max(self._ordered(sent.due_s), sent_count)
        self._new.clear()

    def note_broken(self, cause: Cause, level: str, count: int, first: Sent) -> None:
        """Adds a promise that was broken otherwise than by an answer; the next `poll` finds what it was under."""
        self.broken[cause] = Broken(*cause, level=level, example=None, count=count)
        self._new[cause] = first

    def _ordered(self, at_s: float) -> float:
        """The rate that was ordered at some time."""
        return next((rate for start, rate in reversed(self._orders) if start <= at_s), 0.0)

    def _add(self, worker: str, sent: Sent) -> None:
        if self._is_excused(sent):
            sent = replace(sent, verdict=DROPPED)
        cause = self._cause(worker, sent.verdict) if sent.verdict not in {0, LIMITED, DROPPED} else None
        self._swaps.note(sent)
        if cause is not None and (partner := self._swaps.partner(sent, cause)) is not None:
            cause = SWAPPED
            self.broken.setdefault(cause, Broken(*cause, level="must", example=None))
            self._rename(*partner, cause)
        for tally in (self.total, self.seconds.setdefault(int(sent.due_s), Tally())):
            tally.add(sent, cause)
        if cause is not None:
            self._count(sent, cause)
        if cause is not None and (sent.status == 0 or sent.status >= 500):
            self.failing_since = self.failing_since if self.run_of_failures else sent.due_s
            self.run_of_failures += 1
        else:
            self.run_of_failures = 0

    def _rename(self, sent: Sent, old: Cause, new: Cause) -> None:
        """Gives a broken promise that was counted another name."""
        for tally in (self.total, self.seconds[int(sent.due_s)]):
            tally.failures[old] -= 1
            tally.failures[new] += 1
        self.broken[old].count -= 1
        self._count(sent, new)

    def _count(self, sent: Sent, cause: Cause) -> None:
        broken = self.broken[cause]
        broken.count += 1
        first = self._new.get(cause)
        if sent.due_s < (first.due_s if first is not None else broken.first_s):
            self._new[cause] = sent

    def _cause(self, worker: str, code: int) -> Cause:
        """The broken promise of a number in a worker's journal."""
        known = self._causes.setdefault(worker, [])
        if code > len(known):
            content = read_bytes(self.directory / f"failures-{worker}.jsonl", max_bytes=_MAX_FAILURE_BYTES)
            for line in content.decode("utf-8").splitlines()[len(known) :]:
                data: Any = read_json(line)
                if isinstance(data, Unreadable):
                    break
                known.append((data["check"], data["cause"]))
                self.broken.setdefault(known[-1], Broken(**data))
        return known[code - 1] if code <= len(known) else ("client", "a failure without a name")

    def between(self, start_s: float, end_s: float) -> Tally:
        """The requests that were due in some seconds; both are in seconds since 1970."""
        return Tally().merge(tally for second, tally in self.seconds.items() if start_s <= second < end_s)

    @property
    def sent_count(self) -> int:
        """All requests that were sent, or about to be."""
        return sum(reader.sent_count for reader in self._readers.values())

    @property
    def unknown_count(self) -> int:
        """The requests whose answers are unknown."""
        return sum(1 for reader in self._readers.values() for _ in reader.unanswered())
