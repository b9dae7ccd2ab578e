"""The JSON report: the one source of every other report. Its schema is specs/report.schema.json."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.model import Area, Level, Outcome, Verdict
from conformance.sdks import table as sdks
from conformance.text import storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.model import JsonObject, Stale
    from conformance.report.limits import Limit

FORMAT = 1
_BROKEN = frozenset({Outcome.FAIL, Outcome.UNTESTABLE})
CONFORMS, DEVIATES, UNJUDGED = "conforms", "deviates", "unjudged"
STOPPED = "the run was stopped"
EXIT_CODES = {CONFORMS: 0, DEVIATES: 1, UNJUDGED: 3}
STALE = 4
"""What the command ends with where all is well but for the list of known deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a report says of the run itself. `started` is ISO 8601, durations are in seconds.

    `waited_s` is how long the run stood still because the target asked for it with a 429; `failure` is why
    nothing could be judged. `planned` is how many verdicts the run should have come to, `stopped` why it
    ended before it did.
    """

    version: str
    url: str
    profile: str
    title: str
    gate: Level
    started: str
    duration_s: float
    requests: int
    waited_s: float = 0.0
    planned: int = 0
    stopped: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All verdicts of a run, sorted by id and operation, and what it measured of size limits.

    `stale` are entries of the list of known deviations that have to go.
    """

    header: Header
    verdicts: tuple[Verdict, ...] = field(default=())
    limits: tuple[Limit, ...] = ()
    stale: tuple[Stale, ...] = ()

    @classmethod
    def of(cls, header: Header, verdicts: Iterable[Verdict], limits: tuple[Limit, ...] = ()) -> Report:
        """A report of verdicts in any order."""
        return cls(
            header=header,
            verdicts=tuple(sorted(verdicts, key=lambda item: (item.id, item.operation))),
            limits=limits,
        )

    def counts(self) -> dict[Outcome, int]:
        """How many checks came to each outcome."""
        found = Counter(item.outcome for item in self.verdicts)
        return {outcome: found[outcome] for outcome in Outcome}

    @property
    def is_complete(self) -> bool:
        """Whether the run came to its end: a verdict on everything that was planned, or nothing to judge."""
        header = self.header
        return not header.stopped and (bool(header.failure) or len(self.verdicts) >= header.planned)

    @property
    def verdict(self) -> str:
        """Whether the target keeps its promises at the gate.

        `deviates` if one is broken or untestable and not known to be; `conforms` only if some were kept and
        none was left without a verdict; otherwise `unjudged`, as is a run that did not come to its end.
        """
        if not self.is_complete:
            return UNJUDGED
        gated = {
            item.outcome
            for item in self.verdicts
            if item.level.reaches(self.header.gate) and item.known is None
        }
        if gated & _BROKEN:
            return DEVIATES
        return CONFORMS if Outcome.PASS in gated and Outcome.ERROR not in gated else UNJUDGED

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return STALE if self.stale and self.verdict == CONFORMS else EXIT_CODES[self.verdict]

    def troubles(self) -> list[Verdict]:
        """What failed, was untestable or has no verdict; strongest level first, what was generated last."""
        found = [item for item in self.verdicts if item.outcome in _BROKEN or item.outcome is Outcome.ERROR]
        order = list(Outcome)
        return sorted(
            found, key=lambda item: (item.level.rank, order.index(item.outcome), item.area is Area.FUZZ)
        )

    def as_json(self) -> JsonObject:
        """The report as JSON data."""
        header = self.header
        return {
            "format": FORMAT,
            "suite": {"name": "ingest-conformance", "version": header.version},
            "target": {"url": header.url},
            "profile": {"name": header.profile, "title": header.title},
            "run": {
                "gate": header.gate.value,
                "started": header.started,
                "duration_s": round(header.duration_s, 3),
                "requests": header.requests,
                "waited_s": round(header.waited_s, 3),
                **self._end(),
                **({"failure": storable(header.failure)} if header.failure else {}),
            },
            "verdict": self.verdict,
            "counts": {outcome.value: count for outcome, count in self.counts().items()},
            "limits": [item.as_json() for item in self.limits],
            "sdks": sdks.table(self.verdicts),
            **({"stale": [_stale(item) for item in self.stale]} if self.stale else {}),
            "checks": [check(item) for item in self.verdicts],
            "complete": self.is_complete,
        }

    def _end(self) -> JsonObject:
        """How a run ended that did not come to its end."""
        if self.is_complete:
            return {}
        return {"planned": self.header.planned, "stopped": storable(self.header.stopped or STOPPED)}

    def text(self) -> str:
        """The report as a JSON text."""
        return text(self.as_json())


def text(document: Mapping[str, Any]) -> str:
    """A report's document as a JSON text."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def check(item: Verdict) -> JsonObject:
    """A verdict as JSON data, as it stands among the checks of a report."""
    return {
        "id": item.id,
        "area": item.area.value,
        "level": item.level.value,
        "title": item.title,
        "operation": item.operation,
        "outcome": item.outcome.value,
        "message": storable(item.message),
        "expected": storable(item.expected),
        "received": storable(item.received),
        "sources": [source.as_json() for source in item.sources],
        "exchanges": list(item.exchanges),
        "curl": storable(item.curl),
        **({"known": item.known.as_json()} if item.known else {}),
        **({"runs": {outcome.value: count for outcome, count in item.runs}} if item.runs else {}),
    }


def _stale(item: Stale) -> JsonObject:
    return {
        "file": item.file,
        "line": item.line,
        "last_line": item.last_line,
        "name": item.name,
        "why": item.why,
    }
