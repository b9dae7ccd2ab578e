"""Transcripts on a page: as many as it has room for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.report.html.page import MAX_TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.report.failure_groups import FailureGroup

_MAX_TRANSCRIPT_LENGTH = 350_000
"""How many characters of transcripts a page has room for, so that it stays below 1.5 MB."""


def trim_transcripts(groups_by_outcome: Mapping[str, tuple[FailureGroup, ...]]) -> dict[str, tuple[FailureGroup, ...]]:
    """The findings without the transcripts for which a page has no room."""
    room = _MAX_TRANSCRIPT_LENGTH
    trimmed_groups = {}
    for outcome, items in groups_by_outcome.items():
        kept = []
        for item in items:
            room -= _rendered_length([item.first["exchanges"], item.first["curl"]])
            kept.append(item if room > 0 else replace(item, has_transcript=False))
        trimmed_groups[outcome] = tuple(kept)
    return trimmed_groups


def _rendered_length(value: object) -> int:
    """How many characters some JSON takes on a page, about."""
    if isinstance(value, str):
        return min(len(value), MAX_TEXT_LENGTH)
    if isinstance(value, dict):
        return sum(len(name) + _rendered_length(inner) for name, inner in value.items())
    return sum(map(_rendered_length, value)) if isinstance(value, list | tuple) else 1
