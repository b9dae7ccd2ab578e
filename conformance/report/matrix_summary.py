"""Several reports on one page: how far each target is from each profile, by area and by check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import WORST_FIRST, Outcome
from conformance.report.tallies import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.report.matrix import CheckRow, Column, Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """A check in all columns: the worst that it came to in any, and the levels that it has."""

    row: CheckRow
    worst_outcome: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaSummary:
    """An area of checks, with a tally of them for each column."""

    name: str
    tallies: tuple[Tally, ...]
    checks: tuple[CheckSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixSummary:
    """A matrix, told by areas; `says` is what is compared, in one line."""

    title: str
    columns: tuple[Column, ...]
    shares: tuple[str, ...]
    areas: tuple[AreaSummary, ...]


def summarize_matrix(matrix: Matrix) -> MatrixSummary:
    """What a matrix has to say."""
    names = sorted({row.area for row in matrix.rows})
    return MatrixSummary(
        title=_describe_title(matrix.columns),
        columns=matrix.columns,
        shares=tuple(format_share(column.kept, column.judged) for column in matrix.columns),
        areas=tuple(
            _summarize_area(name, [row for row in matrix.rows if row.area == name], len(matrix.columns))
            for name in names
        ),
    )


def format_share(kept: int, judged: int) -> str:
    """How much was kept, in whole percent; never 100 % unless all was."""
    return f"{100 * kept // judged} %" if judged else "nothing judged"


def _describe_title(columns: Sequence[Column]) -> str:
    """What is compared: profiles, targets, or both."""
    urls, titles = {column.url for column in columns}, {column.profile_title for column in columns}
    if len(columns) == 1:
        return f"{columns[0].url} and {columns[0].profile_title}"
    if len(urls) == 1:
        whose = columns[0].profile_title if len(titles) == 1 else f"{len(titles)} profiles"
        return f"How far {columns[0].url} keeps the promises of {whose}"
    if len(titles) == 1:
        return f"How far {len(urls)} servers keep the promises of {columns[0].profile_title}"
    return f"How far {len(urls)} servers keep the promises of {len(titles)} profiles"


def _summarize_area(name: str, rows: Sequence[CheckRow], column_count: int) -> AreaSummary:
    """An area with what its checks came to in each of so many columns."""
    tallies = []
    for index in range(column_count):
        counts = Counter(cell.outcome for row in rows if (cell := row.cells[index]))
        tallies.append(Tally(counts={outcome: counts[outcome] for outcome in Outcome}))
    return AreaSummary(name=name, tallies=tuple(tallies), checks=tuple(map(_summarize_check, rows)))


def _summarize_check(row: CheckRow) -> CheckSummary:
    """A check with what can be said of it over all columns."""
    cells = [cell for cell in row.cells if cell]
    outcomes = {cell.outcome for cell in cells}
    return CheckSummary(
        row=row,
        worst_outcome=next(outcome.value for outcome in WORST_FIRST if outcome in outcomes),
        levels=tuple(sorted({cell.level for cell in cells})),
    )
