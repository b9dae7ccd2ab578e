"""The self-check: the whole catalogue against servers that are known to be broken, and how.

A check that no broken server fails proves nothing, and one that a correct server fails is a false alarm.
"""

from __future__ import annotations

from conformance.selfcheck.judging import EVERY, USUAL, Watch, judge
from conformance.selfcheck.score import Score

__all__ = ["EVERY", "USUAL", "Score", "Watch", "judge"]
