"""The report of a self-check: JSON with the whole matrix, Markdown with the table of checks and faults."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from conformance import __version__
from conformance.core.text import to_json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Json, JsonObject
    from conformance.selfcheck.detection import CorrectServerResult, FaultDetection
    from conformance.selfcheck.score import Score

FORMAT = 1


def document(score: Score) -> JsonObject:
    """The report as specs/selfcheck.schema.json describes it. The same results give the same report."""
    return {
        "format": FORMAT,
        "suite": {"name": "ingest-conformance", "version": __version__},
        "profiles": list(score.profiles),
        "perfect": not score.problems(),
        "totals": _totals(score),
        "problems": list(score.problems()),
        "faults": _fault_entries(score),
        "variants": _variant_entries(score),
        "wrong_causes": list(score.wrong_causes()),
        "pairs": [
            {
                "faults": [fault.name for fault in item.pair],
                "profile": item.profile,
                "causes": list(item.causes),
                "right": item.is_right,
            }
            for item in score.pairs
        ],
        "checks": {name: list(killers) for name, killers in score.detecting_faults.items()},
    }


def json_text(score: Score) -> str:
    """The JSON report as text."""
    return to_json_text(document(score), indent=2) + "\n"


def _totals(score: Score) -> JsonObject:
    return {
        "faults": len({detection.fault.name for detection in score.detections}),
        "broken": len(score.detections),
        "caught": score.detected_count,
        "right_area": score.right_area_count,
        "spilling": sum(bool(detection.fault.collateral_reason) for detection in score.detections),
        "variants": len({result.variant.name for result in score.correct_servers}),
        "correct": len(score.correct_servers),
        "false_alarms": score.false_alarm_count,
        "checks": len(score.detecting_faults),
        "checks_without_a_fault": len(score.undetecting_checks),
        "causes": asdict(score.cause_counts),
    }


def _fault_entries(score: Score) -> list[Json]:
    by_fault: dict[str, list[FaultDetection]] = {}
    for detection in score.detections:
        by_fault.setdefault(detection.fault.name, []).append(detection)
    return [
        {
            "name": name,
            "breaks": detections[0].fault.description,
            "why": detections[0].fault.rationale,
            "catches": list(detections[0].fault.check_globs),
            "key_words": detections[0].fault.key_words,
            "spills": detections[0].fault.collateral_reason,
            "profiles": {detection.profile: _detection_entry(detection) for detection in detections},
        }
        for name, detections in by_fault.items()
    ]


def _detection_entry(detection: FaultDetection) -> JsonObject:
    """The entry of a fault under one profile."""
    return {
        "caught": detection.is_detected,
        "right_area": detection.is_in_right_area,
        "noticed": list(detection.detected_by),
        "missed": list(detection.missed_by),
        "strangers": list(detection.wrong_area),
        "causes": list(detection.causes),
    }


def _variant_entries(score: Score) -> list[Json]:
    by_variant: dict[str, list[CorrectServerResult]] = {}
    for result in score.correct_servers:
        by_variant.setdefault(result.variant.name, []).append(result)
    return [
        {
            "name": name,
            "does": results[0].variant.description,
            "profiles": {result.profile: list(result.false_alarms) for result in results},
        }
        for name, results in by_variant.items()
    ]


def fault_lines(score: Score) -> list[str]:
    """For each fault and profile: the answers that it changed, and which checks noticed it."""
    lines = []
    for detection in score.detections:
        rows = (
            ("changed", f"{detection.changed_answers:,} of {detection.compared_answers:,} compared answers"),
            ("caught by", ", ".join(detection.detected_by) or "no check"),
            ("missed by", ", ".join(detection.missed_by) or "none"),
            ("other areas", "; ".join(detection.wrong_area) or "none"),
            ("causes", "; ".join(detection.causes) or "none"),
            ("key words", detection.fault.key_words),
        )
        caught = "caught" if detection.is_detected else "NOT CAUGHT"
        lines += [f"{detection.fault.name} under {detection.profile}: {caught}"]
        lines += [f"  {name:12} {value}" for name, value in rows]
    return lines


def summary(score: Score) -> list[str]:
    """The totals, one line each."""
    totals, causes = _totals(score), score.cause_counts
    return [
        f"caught: {totals['caught']} of {totals['broken']} broken servers ({totals['faults']} faults)",
        f"right area named: {totals['right_area']} of {totals['broken']} ({totals['spilling']} spill over)",
        f"false alarms: {totals['false_alarms']} on {totals['correct']} correct servers",
        f"checks that notice no fault: {totals['checks_without_a_fault']} of {totals['checks']}",
        f"one cause, named right: {causes.faults_right} of {causes.faults} faults ({causes.over_split} over-split)",
        f"two causes: {causes.pairs_right} of {causes.pairs} pairs of faults ({causes.merged} merged)",
    ]


def markdown(score: Score) -> str:
    """The totals, the problems, and tables of checks, faults and correct servers."""
    lines = ["# Self-check", "", f"Profiles: {', '.join(score.profiles)}", ""]
    lines += [f"- {line}" for line in summary(score)]
    problems = score.problems()
    if problems:
        lines += ["", "## What is wrong", "", *(f"- {_table_cell(line)}" for line in problems)]
    if wrong := score.wrong_causes():
        lines += ["", "## Causes that are wrong", "", *(f"- {_table_cell(line)}" for line in wrong)]
    lines += ["", "## Checks, and the faults that they notice", "", "| check | faults |", "|---|---|"]
    lines += [
        f"| `{name}` | {_code_list(detecting_faults)} |" for name, detecting_faults in score.detecting_faults.items()
    ]
    lines += ["", "## Faults", "", "| fault | what the server does wrong | profiles |", "|---|---|---|"]
    profiles: dict[str, list[str]] = {}
    for detection in score.detections:
        profiles.setdefault(detection.fault.name, []).append(detection.profile)
    faults = {detection.fault.name: detection.fault for detection in score.detections}
    lines += [
        f"| `{name}` | {_table_cell(fault.description)} | {', '.join(profiles[name])} |"
        for name, fault in faults.items()
    ]
    lines += ["", "## Correct servers", "", "| variant | what it does | false alarms |", "|---|---|---|"]
    variants = {result.variant.name: result.variant for result in score.correct_servers}
    with_false_alarms = {result.variant.name for result in score.correct_servers if result.false_alarms}
    lines += [
        f"| `{name}` | {_table_cell(variant.description)} | {'yes' if name in with_false_alarms else 'none'} |"
        for name, variant in variants.items()
    ]
    return "\n".join(lines) + "\n"


def _code_list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "**none**"


def _table_cell(content: str) -> str:
    """A text for a cell of a Markdown table."""
    return " ".join(content.replace("|", "\\|").split())
