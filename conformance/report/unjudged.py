"""Why a complete run has judged nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.core.model import PROBLEM_OUTCOMES, Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.core.model import Verdict

GATE_WORDS = {Level.MUST: "MUST", Level.SHOULD: "MUST or SHOULD", Level.MAY: "any level"}
"""The levels that a gate counts, in words."""
_OTHER_HINT = "select other checks, as `conformance list --profile NAME` shows them"


def explain_unjudged(verdicts: Sequence[Verdict], gate: Level) -> str:
    """Why no check at the gate was judged, and which gate judges what was; empty if one was, or ended in an error."""
    gated = [item for item in verdicts if item.level.is_at_least(gate)]
    judged = [item for item in gated if item.outcome is Outcome.PASS or item.outcome in PROBLEM_OUTCOMES]
    if any(item.known_deviation is None for item in judged):
        return ""
    hint = _hint_at_weaker_gate(verdicts, gate) or _OTHER_HINT
    if not gated:
        reason = f"nothing at {GATE_WORDS[gate]} was selected"
    elif judged:
        reason = f"all that was judged at {GATE_WORDS[gate]} are known deviations"
    else:
        reason = f"nothing at {GATE_WORDS[gate]} was judged: {_count_by_outcome(gated)}"
    return f"{reason}; {hint}"


def _count_by_outcome(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(item.outcome for item in verdicts)
    return ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome if counts[outcome])


def _hint_at_weaker_gate(verdicts: Sequence[Verdict], gate: Level) -> str:
    """The results at the strongest level below the gate at which anything was judged; empty if there is none."""
    for level in Level:
        at_level = [item.outcome for item in verdicts if item.level is level and not level.is_at_least(gate)]
        kept, broken = at_level.count(Outcome.PASS), sum(outcome in PROBLEM_OUTCOMES for outcome in at_level)
        if kept or broken:
            checks = "check" if kept == 1 else "checks"
            failures = f" and {broken:,} did not" if broken else ""
            return f"{kept:,} {checks} at {level.upper()} passed{failures}: use --gate {level}"
    return ""
