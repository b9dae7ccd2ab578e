"""Transcripts on a page: as many as it has room for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.report.html.page import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.report.findings import Finding

_MOST_TRANSCRIBED = 350_000
"""How many characters of transcripts a page has room for, so that it stays below 1.5 MB."""


def trimmed(found: Mapping[str, tuple[Finding, ...]]) -> dict[str, tuple[Finding, ...]]:
    """The findings without the transcripts for which a page has no room."""
    room = _MOST_TRANSCRIBED
    fitting = {}
    for outcome, items in found.items():
        kept = []
        for item in items:
            room -= _length([item.first["exchanges"], item.first["curl"]])
            kept.append(item if room > 0 else replace(item, is_transcribed=False))
        fitting[outcome] = tuple(kept)
    return fitting


def _length(value: object) -> int:
    """How many characters some JSON takes on a page, about."""
    if isinstance(value, str):
        return min(len(value), LONGEST)
    if isinstance(value, dict):
        return sum(len(name) + _length(inner) for name, inner in value.items())
    return sum(map(_length, value)) if isinstance(value, list | tuple) else 1
