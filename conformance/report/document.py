"""The JSON report: the one source of every other report. Its schema is specs/report.schema.json."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.model import DEVIATING_OUTCOMES, PROBLEM_OUTCOMES, Area, Level, Outcome, Verdict
from conformance.core.text import escape_surrogates, to_json_text
from conformance.redaction import redact_document
from conformance.report.unjudged import explain_unjudged
from conformance.sdks import outcomes as sdks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.core.known_deviation import StaleEntry
    from conformance.core.model import JsonObject
    from conformance.core.timing import Timing
    from conformance.report.cause import FoundCauses
    from conformance.report.limits import MeasuredLimit

FORMAT_VERSION = 1
CONFORMS, DEVIATES, UNJUDGED = "conforms", "deviates", "unjudged"
DEFAULT_STOP_REASON = "the run was stopped"
EXIT_CODES = {CONFORMS: 0, DEVIATES: 1, UNJUDGED: 3}
UNVERIFIED_SENTENCE = "The target's certificate was not verified (--insecure): who answered is not proven."
STALE_EXIT_CODE = 4
"""The exit code if the target conforms, but the list of known deviations has stale entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """The run of a report. `started` is ISO 8601, durations are in seconds.

    `waited_s` is the time spent waiting after 429s. `unjudged_reason` is set if nothing could be judged, `stop_reason`
    if the run ended before it had `planned_verdicts` verdicts; with `is_target_down` it did because a request, whose
    check failed, made the target go away. `is_unverified` says that the target's certificate
    was not verified. `location` is a path in the user's repository, with a line or without, and empty if none is known.
    `reading` is a sentence that says by which reading of the documents the target was judged; empty for the first.
    """

    suite_version: str
    target_url: str
    profile_name: str
    profile_title: str
    gate: Level
    started: str
    duration_s: float
    request_count: int
    waited_s: float = 0.0
    planned_verdicts: int = 0
    stop_reason: str = ""
    is_interrupted: bool = False
    is_target_down: bool = False
    unjudged_reason: str = ""
    is_unverified: bool = False
    location: str = ""
    reading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All verdicts of a run, sorted by id and operation, and the size limits that it measured.

    `stale_entries` are entries of the list of known deviations that must be removed. `found_causes` are the causes of
    failures, None if nobody looked for them. `delivery` is what a sink shows of the whole run, None without one.
    """

    run_info: RunInfo
    verdicts: tuple[Verdict, ...] = field(default=())
    limits: tuple[MeasuredLimit, ...] = ()
    stale_entries: tuple[StaleEntry, ...] = ()
    found_causes: FoundCauses | None = None
    delivery: JsonObject | None = None

    @classmethod
    def from_verdicts(
        cls, run_info: RunInfo, verdicts: Iterable[Verdict], limits: tuple[MeasuredLimit, ...] = ()
    ) -> Report:
        """A report of verdicts in any order."""
        return cls(
            run_info=run_info,
            verdicts=tuple(sorted(verdicts, key=lambda item: (item.id, item.operation))),
            limits=limits,
        )

    def counts_by_outcome(self) -> dict[Outcome, int]:
        """The number of verdicts for each outcome."""
        counts = Counter(item.outcome for item in self.verdicts)
        return {outcome: counts[outcome] for outcome in Outcome}

    @property
    def is_complete(self) -> bool:
        """Whether there is a verdict for everything planned, or a reason why nothing could be judged."""
        header = self.run_info
        return not header.stop_reason and (
            bool(header.unjudged_reason) or len(self.verdicts) >= header.planned_verdicts
        )

    @property
    def verdict(self) -> str:
        """Whether the target keeps its promises at the gate.

        `deviates` if one is broken or untestable and is no known deviation; `conforms` only if some were kept and
        none ended in an error; otherwise `unjudged`, like every incomplete run, unless the target ended it by
        breaking a promise.
        """
        verdict = verdict_of_gated(
            item.outcome
            for item in self.verdicts
            if item.level.is_at_least(self.run_info.gate) and item.known_deviation is None
        )
        is_judged = self.is_complete or (self.run_info.is_target_down and verdict == DEVIATES)
        return verdict if is_judged else UNJUDGED

    @property
    def unjudged_reason(self) -> str:
        """Why nothing could be judged; empty if something was, or the run is incomplete."""
        if self.run_info.unjudged_reason or not self.is_complete:
            return self.run_info.unjudged_reason
        return explain_unjudged(self.verdicts, self.run_info.gate) if self.verdict == UNJUDGED else ""

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return STALE_EXIT_CODE if self.stale_entries and self.verdict == CONFORMS else EXIT_CODES[self.verdict]

    def problems(self) -> list[Verdict]:
        """Verdicts that failed, were untestable or ended in an error; strongest level first, fuzzing last."""
        problems = [item for item in self.verdicts if item.outcome in PROBLEM_OUTCOMES]
        order = list(Outcome)
        return sorted(problems, key=lambda item: (item.level.rank, order.index(item.outcome), item.area is Area.FUZZ))

    def as_json(self) -> JsonObject:
        """The JSON form."""
        header, found = self.run_info, self.found_causes
        cause_ids = found.ids_by_check() if found else {}
        return {
            "format": FORMAT_VERSION,
            "suite": {"name": "ingest-conformance", "version": header.suite_version},
            "target": {"url": header.target_url},
            "profile": {"name": header.profile_name, "title": header.profile_title},
            "run": {
                "gate": header.gate.value,
                "started": header.started,
                "duration_s": round(header.duration_s, 3),
                "requests": header.request_count,
                "waited_s": round(header.waited_s, 3),
                **({"insecure": True} if header.is_unverified else {}),
                **({"reading": escape_surrogates(header.reading)} if header.reading else {}),
                **({"location": escape_surrogates(header.location)} if header.location else {}),
                **self._end_json(),
                **({"failure": escape_surrogates(self.unjudged_reason)} if self.unjudged_reason else {}),
            },
            "verdict": self.verdict,
            "counts": {outcome.value: count for outcome, count in self.counts_by_outcome().items()},
            "limits": [item.as_json() for item in self.limits],
            "sdks": sdks.build_table(self.verdicts),
            **({"delivery": self.delivery} if self.delivery else {}),
            **({"stale": [_stale_entry_json(item) for item in self.stale_entries]} if self.stale_entries else {}),
            **({"causes": [item.as_json() for item in found.causes]} if found else {}),
            **({"causes_remark": escape_surrogates(found.remark)} if found and found.remark else {}),
            "checks": [verdict_json(item, cause_ids.get(item.name, "")) for item in self.verdicts],
            "complete": self.is_complete,
        }

    def _end_json(self) -> JsonObject:
        """Why an incomplete run ended, and the number of verdicts that were planned."""
        if self.is_complete:
            return {}
        return {
            "planned": self.run_info.planned_verdicts,
            "stopped": escape_surrogates(self.run_info.stop_reason or DEFAULT_STOP_REASON),
            **({"target_down": True} if self.run_info.is_target_down else {}),
        }

    def json_text(self) -> str:
        """The report as a JSON text."""
        return dump_json(redact_document(self.as_json()))


def dump_json(document: Mapping[str, Any]) -> str:
    """A JSON document as text."""
    return to_json_text(document, indent=1) + "\n"


def verdict_of_gated(outcomes: Iterable[Outcome]) -> str:
    """The verdict on a complete run, from the outcomes of all checks at the gate that are no known deviations."""
    gated = set(outcomes)
    if gated & DEVIATING_OUTCOMES:
        return DEVIATES
    return CONFORMS if Outcome.PASS in gated and Outcome.ERROR not in gated else UNJUDGED


def verdict_json(verdict: Verdict, cause_id: str = "") -> JsonObject:
    """The JSON form of a verdict, as in the checks of a report, with the id of its cause."""
    return {
        "id": verdict.id,
        "area": verdict.area.value,
        "level": verdict.level.value,
        "title": verdict.title,
        "operation": verdict.operation,
        "outcome": verdict.outcome.value,
        "message": escape_surrogates(verdict.message),
        "expected": escape_surrogates(verdict.expected),
        "received": escape_surrogates(verdict.received),
        "sources": [source.as_json() for source in verdict.sources],
        "exchanges": list(verdict.exchanges),
        **({"exchanges_left_out": verdict.left_out_exchanges} if verdict.left_out_exchanges else {}),
        "curl": escape_surrogates(verdict.curl),
        **({"cause": cause_id} if cause_id else {}),
        **({"path_state": verdict.path_state.value} if verdict.path_state else {}),
        **({"asked_on": verdict.asked_on} if verdict.asked_on else {}),
        **(_timing_json(verdict.timing) if verdict.timing else {}),
        **({"known": {**verdict.known_deviation.as_json()}} if verdict.known_deviation else {}),
        **(
            {"runs": {outcome.value: count for outcome, count in verdict.outcome_counts}}
            if verdict.outcome_counts
            else {}
        ),
    }


def _timing_json(timing: Timing) -> JsonObject:
    return {"started_s": round(timing.started_s, 4), "duration_s": round(timing.duration_s, 4)}


def _stale_entry_json(entry: StaleEntry) -> JsonObject:
    return {
        "file": entry.file,
        "line": entry.line,
        "last_line": entry.last_line,
        "name": entry.name,
        "why": entry.reason,
    }
