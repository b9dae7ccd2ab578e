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
_ROOM = 150
_PAD = 0.35
_LEAST_PAD = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A value on the scale, with the words for it, the side to which they are written, and their kind."""

    x: int
    words: str
    is_left: bool
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A limit to be drawn. A mark is None where nothing is known; labels are never in each other's way."""

    limit: Mapping[str, Any]
    says: str
    is_kept: bool | None
    start: int
    least: Mark
    most: Mark
    accepted: Mark | None
    refused: Mark | None

    @property
    def documented(self) -> list[Mark]:
        """The labels of the band."""
        is_point = self.limit["at_least"] == self.limit["at_most"]
        return _labels(self.least, None if is_point else self.most, " to ")

    @property
    def measured(self) -> list[Mark]:
        """The labels of what was measured."""
        if self.accepted and not self.accepted.is_left and self.refused and self.refused.is_left:
            return _labels(self.refused, self.accepted, ", ")
        return _labels(self.accepted, self.refused, ", ")

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

    def mark(value: int, words: str, *, is_left: bool, kind: str = "") -> Mark:
        x = LEFT + round((value - start) * (RIGHT - LEFT) / (end - start))
        return Mark(x=x, words=f"{words}{value:,}", is_left=is_left and x - LEFT > _NARROW, kind=kind)

    is_crossed = accepted is not None and refused is not None and accepted >= refused
    says, is_kept = _judgement(limit)
    return Gauge(
        limit=limit, says=says, is_kept=is_kept, start=start,
        least=mark(limit["at_least"], "", is_left=True), most=mark(limit["at_most"], "", is_left=False),
        accepted=None if accepted is None else
        mark(accepted, "accepted up to ", is_left=not is_crossed, kind="pass"),
        refused=None if refused is None else mark(refused, "refused from ", is_left=is_crossed, kind="fail"),
    )  # fmt: skip


def _labels(left: Mark | None, right: Mark | None, joint: str) -> list[Mark]:
    """The labels of two marks; one for both where there is no room for two."""
    if left and right and not left.is_left and right.x - left.x < _ROOM:
        return [Mark(x=right.x, words=f"{left.words}{joint}{right.words}", is_left=False)]
    return [mark for mark in (left, right) if mark]


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
