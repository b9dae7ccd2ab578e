"""Merges repeated runs into one list of verdicts, and marks flaky checks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.model import WORST_FIRST, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def merge_runs(runs: Iterable[Sequence[Verdict]]) -> list[Verdict]:
    """One verdict for each check and operation: the worst one, with counts if the outcomes differ."""
    groups: dict[str, list[Verdict]] = {}
    for verdicts in runs:
        for item in verdicts:
            groups.setdefault(item.name, []).append(item)
    return [_merge(group) for group in groups.values()]


def _merge(verdicts: Sequence[Verdict]) -> Verdict:
    worst = min(verdicts, key=lambda item: WORST_FIRST.index(item.outcome))
    counts = Counter(item.outcome for item in verdicts)
    if len(counts) == 1:
        return worst
    counts_text = ", ".join(f"{counts[outcome]} {outcome}" for outcome in WORST_FIRST if counts[outcome])
    message = f"flaky, {counts_text} in {len(verdicts)} runs" + (f"; {worst.message}" if worst.message else "")
    return replace(
        worst, message=message, outcome_counts=tuple((item, counts[item]) for item in WORST_FIRST if counts[item])
    )
