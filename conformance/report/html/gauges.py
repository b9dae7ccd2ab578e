"""Limits as pictures: documented and measured sizes on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.profile.size_unit import describe_unit, largest_accepted, smallest_refused

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALE = SCALE_LEFT, SCALE_RIGHT, _ = 84, 450, 560
"""The left and right end of the scale, and the width of the picture, in SVG units."""
_ZERO_BASED_RATIO = 2.0
_MIN_LEFT_LABEL_X = 44
_MIN_LABEL_DISTANCE = 150
_PADDING_RATIO = 0.35
_MIN_PADDING_RATIO = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleMark:
    """A value on the scale, with its label, the side of the label, and its kind."""

    x: int
    label: str
    is_label_left: bool
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A limit as a picture. A mark is None if nothing is known; labels never overlap."""

    limit: Mapping[str, Any]
    judgement: str
    is_kept: bool | None
    scale_start: int
    at_least: ScaleMark
    at_most: ScaleMark
    accepted: ScaleMark | None
    refused: ScaleMark | None

    @property
    def documented_labels(self) -> list[ScaleMark]:
        """The labels of the documented band."""
        is_point = self.limit["at_least"] == self.limit["at_most"]
        return _labels(self.at_least, None if is_point else self.at_most, " to ")

    @property
    def measured_labels(self) -> list[ScaleMark]:
        """The labels of the measured sizes."""
        if self.accepted and not self.accepted.is_label_left and self.refused and self.refused.is_label_left:
            return _labels(self.refused, self.accepted, ", ")
        return _labels(self.accepted, self.refused, ", ")

    @property
    def unit(self) -> str:
        """What the limit counts."""
        return describe_unit(self.limit["unit"])

    @property
    def description(self) -> str:
        """The picture in words."""
        limit = self.limit
        band = f"{limit['at_least']:,}"
        if limit["at_most"] != limit["at_least"]:
            band += f" to {limit['at_most']:,}"
        measurements = [mark.label for mark in (self.accepted, self.refused) if mark] or ["nothing measured"]
        return f"documented {band} {self.unit}; {', '.join(measurements)}"


def build_gauge(limit: Mapping[str, Any]) -> Gauge:
    """The picture of a limit, given as the report has it."""
    accepted, refused = limit["accepted_up_to"], limit["refused_from"]
    values = [
        limit["at_least"],
        limit["at_most"],
        *(item for item in (accepted, refused) if item is not None),
    ]
    start, end = _scale_bounds(min(values), max(values))

    def scale_mark(value: int, words: str, *, is_left: bool, kind: str = "") -> ScaleMark:
        x = SCALE_LEFT + round((value - start) * (SCALE_RIGHT - SCALE_LEFT) / (end - start))
        return ScaleMark(
            x=x, label=f"{words}{value:,}", is_label_left=is_left and x - SCALE_LEFT > _MIN_LEFT_LABEL_X, kind=kind
        )

    is_crossed = accepted is not None and refused is not None and accepted >= refused
    judgement, is_kept = _judge_limit(limit)
    return Gauge(
        limit=limit,
        judgement=judgement,
        is_kept=is_kept,
        scale_start=start,
        at_least=scale_mark(limit["at_least"], "", is_left=True),
        at_most=scale_mark(limit["at_most"], "", is_left=False),
        accepted=None
        if accepted is None
        else scale_mark(accepted, "accepted up to ", is_left=not is_crossed, kind="pass"),
        refused=None if refused is None else scale_mark(refused, "refused from ", is_left=is_crossed, kind="fail"),
    )


def _labels(left: ScaleMark | None, right: ScaleMark | None, separator: str) -> list[ScaleMark]:
    """The labels of two marks, joined if there is no room for two."""
    if left and right and not left.is_label_left and right.x - left.x < _MIN_LABEL_DISTANCE:
        return [ScaleMark(x=right.x, label=f"{left.label}{separator}{right.label}", is_label_left=False)]
    return [mark for mark in (left, right) if mark]


def _scale_bounds(low: int, high: int) -> tuple[int, int]:
    """The ends of a scale: from 0 if the values are far apart, else close around them."""
    if high > low * _ZERO_BASED_RATIO:
        return 0, max(high + high // 4, 1)
    padding = max(round((high - low) * _PADDING_RATIO), round(high * _MIN_PADDING_RATIO), 1)
    return max(low - padding, 0), high + padding


def _judge_limit(limit: Mapping[str, Any]) -> tuple[str, bool | None]:
    """Whether the measured sizes fit the documented ones, in words and as a boolean; None if that is unknown."""
    accepted, refused = limit["accepted_up_to"], limit["refused_from"]
    if refused is not None and refused <= largest_accepted(limit["fact"], limit["at_least"]):
        return "refuses what must be accepted", False
    if accepted is not None and accepted >= smallest_refused(limit["fact"], limit["at_most"]):
        return "accepts what must be refused", False
    if accepted is None or refused is None:
        return "not measured on both sides", None
    return "as documented", True
