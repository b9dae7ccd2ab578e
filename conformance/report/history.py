"""Reports of one server over time: the promises that it kept, and which causes came and went when."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.model import JUDGED_OUTCOMES, Level, Outcome
from conformance.report.cause import Harm
from conformance.report.cause_changes import explained_places, pair_causes
from conformance.report.document import FORMAT_VERSION, dump_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.core.model import JsonObject

CAME, WENT = "came", "went"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledReport:
    """A report's JSON document, with the name under which it is shown, such as that of its file."""

    label: str
    document: Mapping[str, Any]


@dataclass(slots=True)
class _Track:
    """A cause over the runs of a series: as it was last, and how many checks it explained in each run."""

    cause: Mapping[str, Any]
    counts: list[int | None] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether the last run that was searched for causes has it."""
        known = [count for count in self.counts if count is not None]
        return bool(known and known[-1])


def build_history(reports: Iterable[LabelledReport]) -> JsonObject:
    """The JSON document of a history: a series for each profile, its runs by the time at which they started.

    Its schema is specs/history.schema.json. Reports that started at the same time stay in their order.
    """
    by_profile: dict[str, list[LabelledReport]] = {}
    for item in reports:
        by_profile.setdefault(item.document["profile"]["name"], []).append(item)
    return {
        "format": FORMAT_VERSION,
        "series": [
            _series(sorted(by_profile[name], key=lambda item: str(item.document["run"]["started"])))
            for name in sorted(by_profile)
        ],
        "complete": True,
    }


def render_history_json(document: Mapping[str, Any]) -> str:
    """A history as a JSON text."""
    return dump_json(document)


def _series(reports: Sequence[LabelledReport]) -> JsonObject:
    """The runs by one profile, and the causes of all of them."""
    tracks = _track_causes(reports)
    order = sorted(
        tracks, key=lambda item: (not item.is_open, Harm(item.cause["harm"]).rank, Level(item.cause["level"]).rank)
    )
    return {
        "profile": {**reports[-1].document["profile"]},
        "targets": list(dict.fromkeys(item.document["target"]["url"] for item in reports)),
        "runs": [_run(item) for item in reports],
        "causes": [_cause(item) for item in order],
        "events": _events(order, len(reports)),
    }


def _run(item: LabelledReport) -> JsonObject:
    """One run: when it was, and what was kept at each level."""
    document = item.document
    run = document["run"]
    return {
        "label": item.label,
        "started": run["started"],
        "suite": document["suite"]["version"],
        "target": document["target"]["url"],
        "gate": run["gate"],
        "verdict": document["verdict"],
        "levels": {level.value: _level_counts(document["checks"], level) for level in Level},
        "causes": len(document["causes"]) if "causes" in document else None,
        "requests": run["requests"],
        "duration_s": run["duration_s"],
    }


def _level_counts(checks: Iterable[Mapping[str, Any]], level: Level) -> JsonObject:
    outcomes = [Outcome(item["outcome"]) for item in checks if item["level"] == level]
    judged = sum(outcome in JUDGED_OUTCOMES for outcome in outcomes)
    return {"kept": outcomes.count(Outcome.PASS), "judged": judged}


def _track_causes(reports: Sequence[LabelledReport]) -> list[_Track]:
    """Every cause of some run, with what it explained in each.

    A cause of a run is that of an earlier one if their ids are the same, or if they explain a check that fails in both.
    """
    tracks: list[_Track] = []
    absent: list[int | None] = []
    for number, item in enumerate(reports):
        causes = item.document.get("causes")
        found: list[tuple[_Track, Mapping[str, Any]]] = []
        if causes is not None:
            found = _find_again(tracks, causes)
            known = {id(cause) for _, cause in found}
            added = [(_Track(cause, [*absent]), cause) for cause in causes if id(cause) not in known]
            tracks += [track for track, _ in added]
            found += added
        for track, cause in found:
            track.cause = cause
            track.counts.append(len(explained_places(cause)))
        absent.append(None if causes is None else 0)
        for track in tracks:
            if len(track.counts) == number:
                track.counts.append(absent[-1])
    return tracks


def _find_again(
    tracks: Sequence[_Track], causes: Sequence[Mapping[str, Any]]
) -> list[tuple[_Track, Mapping[str, Any]]]:
    """The causes of a run that earlier ones had, open or gone, each with its track."""
    track_of = {id(track.cause): track for track in tracks}
    open_pairs = pair_causes([track.cause for track in tracks if track.is_open], causes)
    found = [(track_of[id(before)], after) for before, after in open_pairs]
    paired = {id(after) for _, after in open_pairs}
    rest = {cause["id"]: cause for cause in causes if id(cause) not in paired}
    gone = [track for track in tracks if not track.is_open and track.cause["id"] in rest]
    return found + [(track, rest.pop(track.cause["id"])) for track in gone if track.cause["id"] in rest]


def _cause(track: _Track) -> JsonObject:
    """A cause with its runs: how many checks it explained in each, 0 for none, None where nobody looked for causes."""
    seen = [number for number, count in enumerate(track.counts) if count]
    return {
        **{name: track.cause[name] for name in ("id", "check", "sentence", "level", "harm")},
        "open": track.is_open,
        "first": seen[0],
        "last": seen[-1],
        "explains": [*track.counts],
    }


def _events(tracks: Sequence[_Track], run_count: int) -> list[Any]:
    """Which causes came and went in which run; those of the first run that was searched did not come in it."""
    events: list[Any] = []
    searched = [n for n in range(run_count) if any(track.counts[n] is not None for track in tracks)]
    for before, after in itertools.pairwise(searched):
        for track in tracks:
            was, now = track.counts[before] or 0, track.counts[after] or 0
            if bool(was) != bool(now):
                events.append({"run": after, "turn": CAME if now else WENT, "cause": track.cause["id"]})
    return events
