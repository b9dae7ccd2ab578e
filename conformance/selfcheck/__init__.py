"""The self-check: runs the checks against servers with known faults, and against correct ones.

A check that notices no fault proves nothing, and a check that fails on a correct server is a false alarm.
"""

from __future__ import annotations

from conformance.selfcheck.plan import ALL_PROFILES_PER_FAULT, DEFAULT_PROFILES_PER_FAULT, Selection
from conformance.selfcheck.runner import ProgressCallback, run_selection, run_self_check
from conformance.selfcheck.score import Score

__all__ = [
    "ALL_PROFILES_PER_FAULT",
    "DEFAULT_PROFILES_PER_FAULT",
    "ProgressCallback",
    "Score",
    "Selection",
    "run_selection",
    "run_self_check",
]
