"""Several reports on one page: how far each target is from each profile, by area and by check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.model import WORST_FIRST, Outcome
from conformance.report.tallies import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.report.matrix import Column, Matrix, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A check in all columns: the worst that it came to in any, and the levels that it has."""

    row: Row
    worst: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area of checks, with a tally of them for each column."""

    name: str
    tallies: tuple[Tally, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A matrix, told by areas; `says` is what is compared, in one line."""

    says: str
    columns: tuple[Column, ...]
    shares: tuple[str, ...]
    areas: tuple[Area, ...]


def compare(matrix: Matrix) -> Comparison:
    """What a matrix has to say."""
    names = sorted({row.area for row in matrix.rows})
    return Comparison(
        says=_says(matrix.columns),
        columns=matrix.columns,
        shares=tuple(share(column.kept, column.judged) for column in matrix.columns),
        areas=tuple(
            _area(name, [row for row in matrix.rows if row.area == name], len(matrix.columns))
            for name in names
        ),
    )


def share(kept: int, judged: int) -> str:
    """How much was kept, in whole percent; never 100 % unless all was."""
    return f"{100 * kept // judged} %" if judged else "nothing judged"


def _says(columns: Sequence[Column]) -> str:
    """What is compared: profiles, targets, or both."""
    urls, titles = {column.url for column in columns}, {column.title for column in columns}
    if len(columns) == 1:
        return f"{columns[0].url} and {columns[0].title}"
    if len(urls) == 1:
        whose = columns[0].title if len(titles) == 1 else f"{len(titles)} profiles"
        return f"How far {columns[0].url} keeps the promises of {whose}"
    if len(titles) == 1:
        return f"How far {len(urls)} servers keep the promises of {columns[0].title}"
    return f"How far {len(urls)} servers keep the promises of {len(titles)} profiles"


def _area(name: str, rows: Sequence[Row], width: int) -> Area:
    """An area with what its checks came to in each of so many columns."""
    tallies = []
    for index in range(width):
        found = Counter(cell.outcome for row in rows if (cell := row.cells[index]))
        tallies.append(Tally(counts={outcome: found[outcome] for outcome in Outcome}))
    return Area(name=name, tallies=tuple(tallies), lines=tuple(map(_line, rows)))


def _line(row: Row) -> Line:
    """A check with what can be said of it over all columns."""
    cells = [cell for cell in row.cells if cell]
    outcomes = {cell.outcome for cell in cells}
    return Line(
        row=row,
        worst=next(outcome.value for outcome in WORST_FIRST if outcome in outcomes),
        levels=tuple(sorted({cell.level for cell in cells})),
    )
