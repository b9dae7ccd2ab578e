"""The report of a self-check: JSON with the whole matrix, Markdown with the table of checks and faults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.model import Json, JsonObject
    from conformance.selfcheck.pair import Catch
    from conformance.selfcheck.score import Score

FORMAT = 1


def document(score: Score) -> JsonObject:
    """The report as JSON, by specs/selfcheck.schema.json. Nothing in it changes from run to run."""
    return {
        "format": FORMAT,
        "suite": {"name": "ingest-conformance", "version": __version__},
        "profiles": list(score.profiles),
        "perfect": not score.problems(),
        "totals": _totals(score),
        "problems": list(score.problems()),
        "faults": _faults(score),
        "variants": _variants(score),
        "checks": {name: list(killers) for name, killers in score.kills.items()},
    }


def text(score: Score) -> str:
    """The JSON report as text."""
    return json.dumps(document(score), indent=2, ensure_ascii=False) + "\n"


def _totals(score: Score) -> JsonObject:
    return {
        "faults": len({catch.fault.name for catch in score.catches}),
        "broken": len(score.catches),
        "caught": score.caught,
        "right_area": score.right,
        "spilling": sum(bool(catch.fault.spills) for catch in score.catches),
        "variants": len({alarm.variant.name for alarm in score.alarms}),
        "correct": len(score.alarms),
        "false_alarms": score.false,
        "checks": len(score.kills),
        "checks_without_a_fault": len(score.idle),
    }


def _faults(score: Score) -> list[Json]:
    found: dict[str, JsonObject] = {}
    for catch in score.catches:
        fault = catch.fault
        entry = found.setdefault(
            fault.name,
            {
                "name": fault.name,
                "breaks": fault.breaks,
                "why": fault.why,
                "catches": list(fault.globs),
                "spills": fault.spills,
                "profiles": {},
            },
        )
        profiles = entry["profiles"]
        if isinstance(profiles, dict):
            profiles[catch.profile] = _row(catch)
    return list(found.values())


def _row(catch: Catch) -> JsonObject:
    """What became of a fault under one profile."""
    return {
        "caught": catch.is_caught,
        "right_area": catch.is_right,
        "noticed": list(catch.noticed),
        "missed": list(catch.missed),
        "strangers": list(catch.strangers),
    }


def _variants(score: Score) -> list[Json]:
    found: dict[str, JsonObject] = {}
    for alarm in score.alarms:
        entry = found.setdefault(
            alarm.variant.name, {"name": alarm.variant.name, "does": alarm.variant.does, "profiles": {}}
        )
        profiles = entry["profiles"]
        if isinstance(profiles, dict):
            profiles[alarm.profile] = list(alarm.troubles)
    return list(found.values())


def summary(score: Score) -> list[str]:
    """The totals, a line each."""
    totals = _totals(score)
    return [
        f"caught: {totals['caught']} of {totals['broken']} broken servers ({totals['faults']} faults)",
        f"right area named: {totals['right_area']} of {totals['broken']} ({totals['spilling']} spill over)",
        f"false alarms: {totals['false_alarms']} on {totals['correct']} correct servers",
        f"checks that notice no fault: {totals['checks_without_a_fault']} of {totals['checks']}",
    ]


def markdown(score: Score) -> str:
    """The totals, what is wrong, and which faults each check notices."""
    lines = ["# Self-check", "", f"Profiles: {', '.join(score.profiles)}", ""]
    lines += [f"- {line}" for line in summary(score)]
    problems = score.problems()
    if problems:
        lines += ["", "## What is wrong", "", *(f"- {_cell(line)}" for line in problems)]
    lines += ["", "## Checks, and the faults that they notice", "", "| check | faults |", "|---|---|"]
    lines += [f"| `{name}` | {_named(killers)} |" for name, killers in score.kills.items()]
    lines += ["", "## Faults", "", "| fault | what the server does wrong | profiles |", "|---|---|---|"]
    profiles: dict[str, list[str]] = {}
    for catch in score.catches:
        profiles.setdefault(catch.fault.name, []).append(catch.profile)
    faults = {catch.fault.name: catch.fault for catch in score.catches}
    lines += [
        f"| `{name}` | {_cell(fault.breaks)} | {', '.join(profiles[name])} |"
        for name, fault in faults.items()
    ]
    lines += ["", "## Correct servers", "", "| variant | what it does | false alarms |", "|---|---|---|"]
    variants = {alarm.variant.name: alarm.variant for alarm in score.alarms}
    wrong = {alarm.variant.name for alarm in score.alarms if alarm.troubles}
    lines += [
        f"| `{name}` | {_cell(variant.does)} | {'yes' if name in wrong else 'none'} |"
        for name, variant in variants.items()
    ]
    return "\n".join(lines) + "\n"


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "**none**"


def _cell(words: str) -> str:
    """A text for a cell of a table."""
    return " ".join(words.replace("|", "\\|").split())
