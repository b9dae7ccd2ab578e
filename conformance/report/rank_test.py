"""The Mann-Whitney test: whether the values of one sample tend to be larger than those of another."""

from __future__ import annotations

from collections import Counter
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """The two-sided p-value, by the normal approximation with corrections for ties and continuity.

    Source: H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18 (1947), 50-60. 1 if nothing differs.
    """
    counts = Counter([*first, *second])
    total, rank, ranks = len(first) + len(second), 0, {}
    for value in sorted(counts):
        ranks[value] = rank + (counts[value] + 1) / 2
        rank += counts[value]
    statistic = sum(ranks[value] for value in first) - len(first) * (len(first) + 1) / 2
    mean = len(first) * len(second) / 2
    ties = sum(count**3 - count for count in counts.values()) / (total * (total - 1)) if total > 1 else 0.0
    deviation = (len(first) * len(second) / 12 * (total + 1 - ties)) ** 0.5
    if not deviation:
        return 1.0
    z = max(0.0, abs(statistic - mean) - 0.5) / deviation
    return min(1.0, 2 * NormalDist().cdf(-z))
