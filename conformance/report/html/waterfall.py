"""When the checks of a run ran, and which took longest, as strips of one width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCALE_WIDTH = 1000
"""The width of a strip, which stands for the whole run."""
_MAX_SLOWEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What ran when: a name, for how many seconds, and the pieces of its strip, each with its start and its width."""

    name: str
    operation: str
    count: int
    duration_s: float
    pieces: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The strips of areas, by their start, and of the slowest checks. `untimed_count` are checks without times."""

    total_s: float
    areas: tuple[Strip, ...]
    slowest: tuple[Strip, ...]
    untimed_count: int


def build_waterfall(document: Mapping[str, Any]) -> Waterfall | None:
    """The times of a report; None if it has none, as in reports of older versions."""
    timed = [item for item in document["checks"] if "started_s" in item]
    if not timed:
        return None
    total_s = max(document["run"]["duration_s"], *(item["started_s"] + item["duration_s"] for item in timed), 1e-6)
    by_area: dict[str, list[Mapping[str, Any]]] = {}
    for item in sorted(timed, key=lambda item: (item["started_s"], item["id"], item["operation"])):
        by_area.setdefault(item["area"], []).append(item)
    slowest = sorted(timed, key=lambda item: (-item["duration_s"], item["id"], item["operation"]))[:_MAX_SLOWEST]
    return Waterfall(
        total_s=total_s,
        areas=tuple(_strip(name, "", items, total_s) for name, items in by_area.items()),
        slowest=tuple(_strip(item["id"], item["operation"], [item], total_s) for item in slowest),
        untimed_count=len(document["checks"]) - len(timed),
    )


def _strip(name: str, operation: str, checks: list[Mapping[str, Any]], total_s: float) -> Strip:
    """The strip of some checks; `duration_s` is the time in which at least one of them ran."""
    spans = _joined((item["started_s"], item["started_s"] + item["duration_s"]) for item in checks)
    pieces = _joined((int(start * SCALE_WIDTH / total_s), int(end * SCALE_WIDTH / total_s) + 1) for start, end in spans)
    return Strip(
        name=name,
        operation=operation,
        count=len(checks),
        duration_s=sum(end - start for start, end in spans),
        pieces=tuple((int(start), int(min(end, SCALE_WIDTH) - start)) for start, end in pieces if start < SCALE_WIDTH),
    )


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The spans in order, those that touch joined."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
