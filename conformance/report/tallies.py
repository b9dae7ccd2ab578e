"""Counts of a report: in one line, by level, and by area and call."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.core.model import JUDGED_OUTCOMES, Level, Outcome
from conformance.report.document import CONFORMS, DEVIATES
from conformance.report.failure_groups import asked_call
from conformance.report.unjudged import GATE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PROBLEM_WORDS = {
    Outcome.FAIL: "broken",
    Outcome.UNTESTABLE: "untestable",
    Outcome.ERROR: "not judged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The number of checks for each outcome."""

    counts: Mapping[Outcome, int]

    @classmethod
    def from_checks(cls, checks: Iterable[Mapping[str, Any]]) -> Tally:
        """The tally of some checks."""
        counts = Counter(Outcome(item["outcome"]) for item in checks)
        return cls(counts={outcome: counts[outcome] for outcome in Outcome})

    @property
    def kept(self) -> int:
        """The number of kept promises."""
        return self.counts[Outcome.PASS]

    @property
    def problems(self) -> int:
        """The number of promises that were broken, untestable, or ended in an error."""
        return self.judged - self.kept

    @property
    def judged(self) -> int:
        """The number of judged promises."""
        return sum(self.counts[outcome] for outcome in JUDGED_OUTCOMES)

    @property
    def total(self) -> int:
        """The number of all checks."""
        return sum(self.counts.values())

    def bar_parts(self, width: int) -> list[tuple[str, int, int]]:
        """Outcome, start and length of each piece of a bar of that width, in whole units."""
        parts, counted = [], 0
        for outcome, count in self.counts.items():
            if count:
                start, end = (place * width // self.total for place in (counted, counted + count))
                parts.append((outcome.value, start, end - start))
            counted += count
        return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The verdict in one sentence, with details. `below_gate` sums up problems below the gate."""

    verdict: str
    sentence: str
    details: tuple[str, ...]
    below_gate: str


def report_headline(document: Mapping[str, Any]) -> Headline:
    """The headline of a report."""
    gate = Level(document["run"]["gate"])
    gate_words, title = GATE_WORDS[gate], document["profile"]["title"]
    gated = [item for item in document["checks"] if Level(item["level"]).is_at_least(gate)]
    below = [item for item in document["checks"] if not Level(item["level"]).is_at_least(gate)]
    tally = Tally.from_checks(gated)
    if document["verdict"] == CONFORMS:
        kept_words = "the only promise" if tally.judged == 1 else f"all {tally.judged:,} promises"
        if tally.problems:
            kept_words = f"{tally.kept:,} of {tally.judged:,} promises"
        sentence = f"keeps {kept_words} at {gate_words} of {title}"
        sentence += f"; the other {tally.problems:,} are known deviations" if tally.problems else ""
    elif document["verdict"] == DEVIATES:
        sentence = f"does not keep {tally.problems:,} of {tally.judged:,} promises at {gate_words} of {title}"
    elif not document["complete"]:
        planned = document["run"]["planned"]
        sentence = f"was judged on {len(document['checks']):,} of {planned:,} checks only of {title}"
    else:
        sentence = f"could not be judged by {title}"
    failure = str(document["run"].get("failure", "No promise was judged"))
    stopped = [f"The run ended early: {document['run']['stopped']}"] if "stopped" in document["run"] else []
    details = stopped + (_problem_sentences(gated) if tally.judged else [_begin_sentence(failure)])
    details += left_out_sentences(sum(item.get("exchanges_left_out", 0) for item in document["checks"]))
    return Headline(
        verdict=document["verdict"],
        sentence=sentence,
        details=tuple(details),
        below_gate=_below_gate_sentence(Tally.from_checks(below)),
    )


def left_out_sentences(count: int) -> list[str]:
    """A sentence about transcripts that had no room in a report, if there are any."""
    return [f"{count:,} requests and answers are left out of the report, which would be too large"] if count else []


def _begin_sentence(text: str) -> str:
    """A text with a capital letter at its start, unless a URL stands there, which stays as it is."""
    return text if "://" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def _problem_sentences(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each kind of problem, with its areas, the one with most problems first."""
    sentences = []
    areas: dict[str, Counter[str]] = {}
    for item in checks:
        areas.setdefault(item["outcome"], Counter())[item["area"]] += 1
    for outcome, words in _PROBLEM_WORDS.items():
        if outcome in areas:
            ranked = sorted(areas[outcome].items(), key=lambda pair: (-pair[1], pair[0]))
            where = ", ".join(f"{area} {count:,}" for area, count in ranked)
            sentences.append(f"{areas[outcome].total():,} {words}: {where}")
    return sentences


def _below_gate_sentence(tally: Tally) -> str:
    """The problems below the gate in one sentence; empty if there are none."""
    parts = [f"{tally.counts[outcome]:,} {words}" for outcome, words in _PROBLEM_WORDS.items() if tally.counts[outcome]]
    return f"Below the gate: {', '.join(parts)}" if parts else ""


def tallies_by_level(checks: Iterable[Mapping[str, Any]]) -> list[tuple[str, Tally]]:
    """The levels with their tallies, strongest first, without those that have no check."""
    check_list = list(checks)
    tallies = [
        (level.value, Tally.from_checks(item for item in check_list if item["level"] == level)) for level in Level
    ]
    return [(level, tally) for level, tally in tallies if tally.total]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call with its tally in each area, None if it has no check there, and over all areas.

    `path_state` says why nothing is accepted on it, and `not_asked` how many checks were not asked for that reason.
    """

    call: str
    cells: tuple[tuple[str, Tally | None], ...]
    total: Tally
    path_state: str = ""
    not_asked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGrid:
    """The tallies of all calls in all areas, with totals."""

    areas: tuple[str, ...]
    calls: tuple[str, ...]
    rows: tuple[CallRow, ...]
    totals: CallRow


def build_call_grid(checks: Iterable[Mapping[str, Any]]) -> CallGrid:
    """The grid of areas and calls, without checks that could not be asked because nothing is accepted on their path.

    Checks without a call are in the last row.
    """
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    not_asked: Counter[str] = Counter()
    path_states: dict[str, str] = {}
    for item in checks:
        call = asked_call(item)
        kept = cells.setdefault((call, item["area"]), [])
        if item.get("path_state"):
            not_asked[call] += 1
            path_states[call] = item["path_state"]
        else:
            kept.append(item)
    areas = tuple(sorted({area for _, area in cells}))
    calls = tuple(sorted({call for call, _ in cells}, key=lambda call: (not call, call)))
    rows = [
        replace(
            _call_row(call, areas, {area: cells.get((call, area), []) for area in areas}),
            path_state=path_states.get(call, ""),
            not_asked=not_asked[call],
        )
        for call in calls
    ]
    cells_by_area = {area: [item for call in calls for item in cells.get((call, area), [])] for area in areas}
    return CallGrid(areas=areas, calls=calls, rows=tuple(rows), totals=_call_row("", areas, cells_by_area))


def _call_row(call: str, areas: Iterable[str], cells: Mapping[str, list[Mapping[str, Any]]]) -> CallRow:
    tallies = tuple((area, Tally.from_checks(cells[area]) if cells[area] else None) for area in areas)
    return CallRow(
        call=call, cells=tallies, total=Tally.from_checks(item for items in cells.values() for item in items)
    )
