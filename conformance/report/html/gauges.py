"""Limits as pictures: what is documented, and what was measured, on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALE = LEFT, RIGHT, _ = 84, 450, 560
"""Where the scale begins and ends, and how wide the picture is, in units of its own."""
_FAR = 2.0
_NARROW = 44
_PAD = 0.35
_LEAST_PAD = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A value on the scale, with the words for it and the side to which they are written."""

    x: int
    words: str
    is_left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A limit to be drawn. A mark is None where nothing is known."""

    limit: Mapping[str, Any]
    says: str
    is_kept: bool | None
    least: Mark
    most: Mark
    accepted: Mark | None
    refused: Mark | None
    start: int

    @property
    def numbers(self) -> str:
        """The picture in words."""
        limit = self.limit
        band = f"{limit['at_least']:,}"
        if limit["at_most"] != limit["at_least"]:
            band += f" to {limit['at_most']:,}"
        seen = [mark.words for mark in (self.accepted, self.refused) if mark] or ["nothing measured"]
        return f"documented {band}; {', '.join(seen)}"


def gauge(limit: Mapping[str, Any]) -> Gauge:
    """The picture of a limit, as the report has it."""
    accepted, refused = limit["accepted_up_to"], limit["refused_from"]
    values = [
        limit["at_least"],
        limit["at_most"],
        *(item for item in (accepted, refused) if item is not None),
    ]
    start, end = _scale(min(values), max(values))

    def mark(value: int, words: str, *, is_left: bool) -> Mark:
        x = LEFT + round((value - start) * (RIGHT - LEFT) / (end - start))
        return Mark(x=x, words=f"{words}{value:,}", is_left=is_left and x - LEFT > _NARROW)

    is_crossed = accepted is not None and refused is not None and accepted >= refused
    says, is_kept = _judgement(limit)
    return Gauge(
        limit=limit, says=says, is_kept=is_kept, start=start,
        least=mark(limit["at_least"], "", is_left=True), most=mark(limit["at_most"], "", is_left=False),
        accepted=None if accepted is None else mark(accepted, "accepted up to ", is_left=not is_crossed),
        refused=None if refused is None else mark(refused, "refused from ", is_left=is_crossed),
    )  # fmt: skip


def _scale(low: int, high: int) -> tuple[int, int]:
    """Where a scale starts and ends: at 0 where values are far apart, else close around them."""
    if high > low * _FAR:
        return 0, max(high + high // 4, 1)
    pad = max(round((high - low) * _PAD), round(high * _LEAST_PAD), 1)
    return max(low - pad, 0), high + pad


def _judgement(limit: Mapping[str, Any]) -> tuple[str, bool | None]:
    """Whether what was measured fits what is documented, in words; None where nobody can say."""
    accepted, refused = limit["accepted_up_to"], limit["refused_from"]
    if refused is not None and refused <= limit["at_least"]:
        return "refuses what must be accepted", False
    if accepted is not None and accepted > limit["at_most"]:
        return "accepts what must be refused", False
    if accepted is None or refused is None:
        return "not measured on both sides", None
    return "as documented", True
