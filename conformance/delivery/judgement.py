"""What the ledger of a whole run says: what is missing, doubled, altered, or kept though it was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.arrivals import LedgerFinding, LedgerPage
from conformance.core.written_json import read_written_json
from conformance.delivery.comparison import Tolerance, compare_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.arrivals import Change
    from conformance.core.model import JsonObject
    from conformance.delivery.ledger import Ledger

MISSING, DOUBLED, KEPT, ALTERED = "missing", "doubled", "kept though refused", "altered"
_MAX_EXAMPLES = 5
_PER_KEY = """
SELECT events.key, MIN(requests.operation), MIN(requests.check_id), COUNT(*),
    SUM(outcome = 1 AND is_good), SUM(outcome = 1), SUM(outcome = 2), SUM(outcome IN (0, 3, 4)),
    SUM(outcome = 0), SUM(outcome = 4),
    (SELECT COUNT(*) FROM arrivals WHERE arrivals.key = events.key),
    MIN(answered_s), (SELECT MIN(seen_s) FROM arrivals WHERE arrivals.key = events.key)
FROM events JOIN requests ON requests.id = events.request GROUP BY events.key
"""


@dataclass(frozen=True, slots=True)
class _Fate:
    """One event: on which operation, by which check, how often it was sent, how it was answered, and arrived."""

    key: str
    operation: str
    check_id: str
    sent: int
    good: int
    accepted: int
    refused: int
    unclear: int
    unanswered: int
    broken_off: int
    arrived: int
    answered_s: float | None
    seen_s: float | None

    @property
    def is_missing(self) -> bool:
        return self.good > 0 and not self.arrived

    @property
    def is_kept(self) -> bool:
        """Whether it arrived although every answer was a refusal."""
        return self.arrived > 0 and not self.accepted and not self.unclear

    @property
    def is_doubled(self) -> bool:
        """Whether it arrived more often than it may have been taken."""
        return not self.is_kept and self.arrived > self.accepted + self.unclear


@dataclass(slots=True)
class _Tally:
    """The counts and findings of one operation, or of one SDK."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    def find(self, kind: str, example: str) -> None:
        self.count(kind)
        shown = self.examples.setdefault(kind, [])
        if len(shown) < _MAX_EXAMPLES:
            shown.append(example)

    def page(self) -> LedgerPage:
        findings = tuple(
            LedgerFinding(kind=kind, count=self.counts[kind], examples=tuple(examples))
            for kind, examples in self.examples.items()
        )
        counts: JsonObject = dict(self.counts)
        return LedgerPage(counts=counts, findings=findings)


@dataclass(slots=True)
class Judgement:
    """The pages of a ledger, by operation and by SDK, and latencies in seconds."""

    by_operation: dict[str, _Tally] = field(default_factory=dict)
    by_sdk: dict[str, _Tally] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    def page(self, operation: str) -> LedgerPage:
        """What the ledger says of an operation."""
        return self.by_operation.get(operation, _Tally()).page()

    def percentile_s(self, share: float) -> float | None:
        """A percentile of how long it took until an accepted event was there; None without any."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def judge(ledger: Ledger, tolerance: Tolerance) -> Judgement:
    """Judges every event of a ledger, one at a time."""
    judgement = Judgement()
    reading = ledger.database.cursor()
    for row in reading.execute(_PER_KEY):
        fate = _Fate(*row)
        tallies = [judgement.by_operation.setdefault(fate.operation, _Tally())]
        if fate.check_id.startswith("sdk."):
            tallies.append(judgement.by_sdk.setdefault(fate.check_id.split(".")[1], _Tally()))
        changes = list(_changes(ledger, fate, tolerance)) if fate.arrived and fate.good else []
        for tally in tallies:
            _count(tally, fate)
            if changes:
                tally.find(ALTERED, f"{changes[0]} ({fate.check_id})")
        if fate.good and fate.arrived == 1 and fate.sent == 1 and fate.answered_s and fate.seen_s:
            _keep_some(judgement.latencies_s, max(0.0, fate.seen_s - fate.answered_s))
    return judgement


def _keep_some(latencies_s: list[float], latency_s: float) -> None:
    """Keeps a latency; of very many, every other one."""
    latencies_s.append(latency_s)
    if len(latencies_s) > 200_000:
        del latencies_s[::2]


def _count(tally: _Tally, fate: _Fate) -> None:
    is_broken_off = fate.broken_off > 0 and not fate.accepted and not fate.unanswered
    for name, is_so in (
        ("sent", True),
        ("accepted", fate.accepted > 0),
        ("refused", fate.refused > 0 and not fate.accepted),
        ("unanswered", fate.unanswered > 0 and not fate.accepted),
        ("broken off", is_broken_off),
        ("unanswered and arrived", fate.unanswered > 0 and not fate.accepted and fate.arrived > 0),
        ("broken off and arrived", is_broken_off and fate.arrived > 0),
        ("arrived", fate.arrived > 0),
    ):
        tally.count(name, int(is_so))
    if fate.is_missing:
        tally.find(MISSING, f"{fate.key} ({fate.check_id})")
    if fate.is_kept:
        tally.find(KEPT, f"{fate.key} ({fate.check_id})")
    if fate.is_doubled:
        tally.find(DOUBLED, f"{fate.key} arrived {fate.arrived} times, sent {fate.sent} ({fate.check_id})")


def _changes(ledger: Ledger, fate: _Fate, tolerance: Tolerance) -> Iterator[Change]:
    """How the stored event differs from every form in which it was sent; nothing if it is one of them."""
    sent = [row[0] for row in ledger.database.execute("SELECT body FROM events WHERE key = ?", (fate.key,))]
    stored: Any = ledger.database.execute("SELECT body FROM arrivals WHERE key = ?", (fate.key,)).fetchone()[0]
    if stored in sent:
        return
    value: Any = read_written_json(stored)
    smallest: list[Change] | None = None
    for text in dict.fromkeys(sent):
        changes = [item for item in compare_events(read_written_json(text), value, tolerance) if not item.is_harmless]
        if not changes:
            return
        if smallest is None or len(changes) < len(smallest):
            smallest = changes
    yield from smallest or []
