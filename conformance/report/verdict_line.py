"""The last line of a run: its verdict and its counts, the truth at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import DEVIATING_OUTCOMES, Outcome
from conformance.core.text import join_first, truncate
from conformance.report.document import CONFORMS, DEFAULT_STOP_REASON, DEVIATES, UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.core.model import Level, Verdict
    from conformance.report.document import Report

_MAX_REASON_LENGTH, _MAX_ERRORS = 160, 1


def verdict_line(report: Report) -> str:
    """Verdict, gate and counts, why something was not judged and what to do, and what the run was.

    Every check is counted once, so that the numbers of a complete run add up to those of its plan. Below the gate
    are broken and untestable promises of a weaker level.
    """
    run, gate = report.run_info, report.run_info.gate
    unknown = [item for item in report.verdicts if item.known_deviation is None]
    gated = [item for item in unknown if item.level.is_at_least(gate)]
    untestable = _count(gated, Outcome.UNTESTABLE)
    kept, errors = _count(gated, Outcome.PASS), [item for item in unknown if item.outcome is Outcome.ERROR]
    missing = max(0, run.planned_verdicts - len(report.verdicts)) if not report.is_complete else 0
    numbers = [
        f"{_count(gated, Outcome.FAIL):,} broken",
        *([f"{untestable:,} untestable"] if untestable else []),
        f"{sum(item.outcome in DEVIATING_OUTCOMES for item in _below(unknown, gate)):,} below the gate",
        f"{len(report.verdicts) - len(unknown):,} known",
    ]
    others = [
        (_count(_below(unknown, gate), Outcome.PASS), "kept below the gate"),
        (_count(unknown, Outcome.OBSERVED), "observed"),
        (_count(unknown, Outcome.NOT_APPLICABLE), "not applicable"),
    ]
    parts = [
        f"{report.verdict} at {gate}: {kept:,} kept",
        ", ".join(numbers),
        f"not judged: {report.unjudged_reason}"
        if report.unjudged_reason
        else f"{len(errors) + missing:,} not judged{_reason(report, errors)}",
        *filter(None, [", ".join(f"{count:,} {words}" for count, words in others if count)]),
        f"{run.request_count:,} requests in {run.duration_s:.1f} s{_waits(report)}",
        f"{run.profile_name} at {run.target_url}",
    ]
    return "; ".join(parts)


def verdict_style(verdict: str) -> str:
    """The style of a verdict on terminals."""
    return {CONFORMS: "bold green", DEVIATES: "bold red", UNJUDGED: "bold yellow"}[verdict]


def _count(verdicts: Sequence[Verdict], outcome: Outcome) -> int:
    return sum(item.outcome is outcome for item in verdicts)


def _below(verdicts: Sequence[Verdict], gate: Level) -> list[Verdict]:
    return [item for item in verdicts if not item.level.is_at_least(gate)]


def _waits(report: Report) -> str:
    waited_s = report.run_info.waited_s
    return f", {waited_s:.1f} s of them waiting for 429s" if waited_s else ""


def _reason(report: Report, errors: Sequence[Verdict]) -> str:
    """Why something was not judged, and what to do, in parentheses; empty if all was."""
    if not report.is_complete:
        reason = report.run_info.stop_reason or DEFAULT_STOP_REASON
        return f" (incomplete: {reason}{'' if '--' in reason else '; run again'})"
    if not errors:
        return ""
    first = truncate(" ".join(errors[0].message.split()), _MAX_REASON_LENGTH)
    selection = ",".join(dict.fromkeys(item.id for item in errors[:_MAX_ERRORS]))
    others = join_first((item.id for item in errors), _MAX_ERRORS).partition(" and ")[2]
    return f" ({first}{f', and {others}' if others else ''}; ask again with --select {selection})"
