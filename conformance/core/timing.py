"""When something ran, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a check began, in seconds from the start of its run, and how long it took; others ran meanwhile."""

    started_s: float
    duration_s: float
