"""What a report comes to in numbers: in one line, by level, and by area and call."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.model import Level, Outcome
from conformance.report.document import CONFORMS, DEVIATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_JUDGED = (Outcome.PASS, Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR)
_TROUBLES = {
    Outcome.FAIL: "broken",
    Outcome.UNTESTABLE: "could not be tested",
    Outcome.ERROR: "left without a verdict",
}
_GATES = {Level.MUST: "MUST", Level.SHOULD: "MUST or SHOULD", Level.MAY: "any level"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many checks came to each outcome."""

    counts: Mapping[Outcome, int]

    @classmethod
    def of(cls, checks: Iterable[Mapping[str, Any]]) -> Tally:
        """The tally of some checks."""
        found = Counter(Outcome(item["outcome"]) for item in checks)
        return cls(counts={outcome: found[outcome] for outcome in Outcome})

    @property
    def kept(self) -> int:
        """How many promises were kept."""
        return self.counts[Outcome.PASS]

    @property
    def troubled(self) -> int:
        """How many promises were broken, could not be tested, or were left without an answer."""
        return self.judged - self.kept

    @property
    def judged(self) -> int:
        """How many promises were asked about."""
        return sum(self.counts[outcome] for outcome in _JUDGED)

    @property
    def total(self) -> int:
        """All checks."""
        return sum(self.counts.values())

    def parts(self, width: int) -> list[tuple[str, int, int]]:
        """Outcome, start and length of each piece of a bar so wide, in whole units."""
        found, seen = [], 0
        for outcome, count in self.counts.items():
            if count:
                start, end = (place * width // self.total for place in (seen, seen + count))
                found.append((outcome.value, start, end - start))
            seen += count
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The verdict for a manager: what is said of the target, and sentences with what is behind it.

    `below` is what is wrong below the gate.
    """

    verdict: str
    says: str
    details: tuple[str, ...]
    below: str


def headline(document: Mapping[str, Any]) -> Headline:
    """The verdict of a report in one line, with what is behind it, and what is wrong below the gate."""
    gate = Level(document["run"]["gate"])
    words, title = _GATES[gate], document["profile"]["title"]
    gated = [item for item in document["checks"] if Level(item["level"]).reaches(gate)]
    below = [item for item in document["checks"] if not Level(item["level"]).reaches(gate)]
    tally = Tally.of(gated)
    if document["verdict"] == CONFORMS:
        all_of_them = "the only promise" if tally.judged == 1 else f"all {tally.judged:,} promises"
        if tally.troubled:
            all_of_them = f"{tally.kept:,} of {tally.judged:,} promises"
        says = f"keeps {all_of_them} at {words} of {title}"
        says += f"; the other {tally.troubled:,} are known deviations" if tally.troubled else ""
    elif document["verdict"] == DEVIATES:
        says = f"does not keep {tally.troubled:,} of {tally.judged:,} promises at {words} of {title}"
    elif not document["complete"]:
        planned = document["run"]["planned"]
        says = f"was judged on {len(document['checks']):,} of {planned:,} checks only of {title}"
    else:
        says = f"could not be judged by {title}"
    details = _troubles(gated) if tally.judged else [document["run"].get("failure", "No promise was judged")]
    return Headline(
        verdict=document["verdict"], says=says, details=tuple(details), below=_below(Tally.of(below))
    )


def _troubles(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each kind of trouble that there is, with its areas, the most troubled first."""
    found = []
    areas: dict[str, Counter[str]] = {}
    for item in checks:
        areas.setdefault(item["outcome"], Counter())[item["area"]] += 1
    for outcome, words in _TROUBLES.items():
        if outcome in areas:
            ranked = sorted(areas[outcome].items(), key=lambda pair: (-pair[1], pair[0]))
            where = ", ".join(f"{area} {count:,}" for area, count in ranked)
            found.append(f"{areas[outcome].total():,} {words}: {where}")
    return found


def _below(tally: Tally) -> str:
    """What is wrong below the gate, in a sentence; empty where nothing is."""
    parts = [
        f"{tally.counts[outcome]:,} {words}" for outcome, words in _TROUBLES.items() if tally.counts[outcome]
    ]
    return f"Below the gate: {', '.join(parts)}" if parts else ""


def levels(checks: Iterable[Mapping[str, Any]]) -> list[tuple[str, Tally]]:
    """Every level with its tally, strongest first; those without a check are left out."""
    found = list(checks)
    tallies = [(level.value, Tally.of(item for item in found if item["level"] == level)) for level in Level]
    return [(level, tally) for level, tally in tallies if tally.total]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A call with its tally in each area, None where it has no check there, and over all areas."""

    call: str
    cells: tuple[tuple[str, Tally | None], ...]
    sum: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The tallies of all calls in all areas, with sums."""

    areas: tuple[str, ...]
    calls: tuple[str, ...]
    rows: tuple[Row, ...]
    sum: Row


def grid(checks: Iterable[Mapping[str, Any]]) -> Grid:
    """The matrix of areas and calls. Checks without a call come in the last row."""
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for item in checks:
        cells.setdefault((item["operation"], item["area"]), []).append(item)
    areas = tuple(sorted({area for _, area in cells}))
    calls = tuple(sorted({call for call, _ in cells}, key=lambda call: (not call, call)))
    rows = [_row(call, areas, {area: cells.get((call, area), []) for area in areas}) for call in calls]
    total = {area: [item for call in calls for item in cells.get((call, area), [])] for area in areas}
    return Grid(areas=areas, calls=calls, rows=tuple(rows), sum=_row("", areas, total))


def _row(call: str, areas: Iterable[str], cells: Mapping[str, list[Mapping[str, Any]]]) -> Row:
    found = tuple((area, Tally.of(cells[area]) if cells[area] else None) for area in areas)
    return Row(call=call, cells=found, sum=Tally.of(item for items in cells.values() for item in items))
