"""The kept share of promises over runs, as the points of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.model import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 760, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 740, 14, 200
_STEP = 10
_MAX_LABELS, _MAX_LABEL_LENGTH = 8, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """A run on a line. `title` says what it stands for."""

    x: int
    y: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendLine:
    """The share of one level over the runs that judged anything at it."""

    level: str
    points: tuple[TrendPoint, ...]

    @property
    def path(self) -> str:
        """The points of an SVG polyline."""
        return " ".join(f"{item.x},{item.y:g}" for item in self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisLabel:
    """A text at a place on an axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A picture of a series: lines, the shares on the left, and the runs below. `description` says it in words."""

    lines: tuple[TrendLine, ...]
    shares: tuple[AxisLabel, ...]
    runs: tuple[AxisLabel, ...]
    description: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = _RIGHT
    bottom: int = _BOTTOM


def build_trend(runs: Sequence[Mapping[str, Any]]) -> Trend:
    """The picture of the runs of a series, given as the history has them."""
    shares = {level: [_share(run["levels"][level.value]) for run in runs] for level in Level}
    known = [share for values in shares.values() for share in values if share is not None]
    low = max(0, min(90, int(min(known, default=0)) // _STEP * _STEP))
    lines = tuple(
        TrendLine(level=level.value, points=tuple(_points(level, values, runs, low)))
        for level, values in shares.items()
        if any(share is not None for share in values)
    )
    return Trend(
        lines=lines,
        shares=tuple(AxisLabel(place=_y(share, low), text=f"{share} %") for share in _ticks(low)),
        runs=tuple(_run_labels(runs)),
        description="; ".join(_describe(line) for line in lines) or "nothing was judged",
    )


def _share(counts: Mapping[str, int]) -> float | None:
    """The kept share in percent; None if nothing was judged."""
    return 100 * counts["kept"] / counts["judged"] if counts["judged"] else None


def _points(
    level: Level, values: Sequence[float | None], runs: Sequence[Mapping[str, Any]], low: int
) -> list[TrendPoint]:
    points = []
    for number, (share, run) in enumerate(zip(values, runs, strict=True)):
        if share is not None:
            counts = run["levels"][level.value]
            title = f"{run['label']}: {counts['kept']:,} of {counts['judged']:,} {level.upper()} kept"
            points.append(TrendPoint(x=_x(number, len(runs)), y=_y(share, low), title=title))
    return points


def _run_labels(runs: Sequence[Mapping[str, Any]]) -> list[AxisLabel]:
    """The labels of some runs, the first and the last among them."""
    step = -(-len(runs) // _MAX_LABELS)
    chosen = [number for number in range(len(runs)) if (len(runs) - 1 - number) % step == 0]
    return [AxisLabel(place=_x(number, len(runs)), text=_short(runs[number]["label"])) for number in chosen]


def _short(label: str) -> str:
    ellipsis = "\N{HORIZONTAL ELLIPSIS}"
    return label if len(label) <= _MAX_LABEL_LENGTH else f"{label[: _MAX_LABEL_LENGTH - 1]}{ellipsis}"


def _ticks(low: int) -> list[int]:
    step = 2 if low == 90 else _STEP if low >= 50 else 25
    return [*range(100, low - 1, -step)]


def _x(number: int, count: int) -> int:
    return _LEFT + 40 + (number * (_RIGHT - _LEFT - 80) // (count - 1) if count > 1 else 0)


def _y(share: float, low: int) -> float:
    return round(_BOTTOM - (share - low) * (_BOTTOM - _TOP) / (100 - low), 1)


def _describe(line: TrendLine) -> str:
    """A line in words: its first and its last point."""
    first, last = line.points[0].title, line.points[-1].title
    return first if first == last else f"{first}, {last}"
