"""The self-check: the whole catalogue against servers that are known to be broken, and how.

A check that no broken server fails proves nothing, and one that a correct server fails is a false alarm.
"""

from __future__ import annotations

from conformance.selfcheck.runner import (
    ALL_PROFILES_PER_FAULT,
    DEFAULT_PROFILES_PER_FAULT,
    ProgressCallback,
    run_self_check,
)
from conformance.selfcheck.score import Score

__all__ = [
    "ALL_PROFILES_PER_FAULT",
    "DEFAULT_PROFILES_PER_FAULT",
    "ProgressCallback",
    "Score",
    "run_self_check",
]
