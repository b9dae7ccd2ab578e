"""Several reports side by side, as Markdown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from conformance.model import Outcome
from conformance.report.comparison import compare
from conformance.report.markdown.markup import code, plain, table
from conformance.report.matrix import matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.report.comparison import Area
    from conformance.report.matrix import Cell, Row

LONGEST_BYTES = 900_000
"""A job summary on GitHub takes 1 MiB."""
_TROUBLES = (Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR)
_NOTHING = "\N{EN DASH}"
_WORDS = {
    Outcome.PASS: "kept",
    Outcome.FAIL: "**broken**",
    Outcome.UNTESTABLE: "**untestable**",
    Outcome.ERROR: "**no verdict**",
    Outcome.OBSERVED: "observed",
    Outcome.NOT_APPLICABLE: _NOTHING,
}


def markdown_matrix(documents: Sequence[Mapping[str, Any]]) -> str:
    """The page of several reports side by side, in their order: targets, profiles, or both."""
    found = compare(matrix(documents))
    names = [plain(column.name) for column in found.columns]
    verdicts = [
        [plain(column.name), code(column.url), column.verdict, share, f"{column.kept:,} of {column.judged:,}"]
        for column, share in zip(found.columns, found.shares, strict=True)
    ]
    blocks = [
        f"# {plain(found.says)}",
        table(["report", "target", "verdict", "MUST kept", "checks"], verdicts),
        *(f"{code(column.name)}: {plain(column.failure)}." for column in found.columns if column.failure),
        "## By area",
        "Checks that are kept, of those that were judged; each counts once, by the worst that it came to.",
        table(["area", *names], [[area.name, *_shares(area)] for area in found.areas]),
        "## By check",
        _rest([line.row for area in found.areas for line in area.lines]),
        table(["check", *names], _rows([line.row for area in found.areas for line in area.lines])),
    ]
    return "\n\n".join(blocks) + "\n"


def _shares(area: Area) -> list[str]:
    """How much of an area was kept, for each report."""
    return [f"{tally.kept:,} of {tally.judged:,}" if tally.judged else _NOTHING for tally in area.tallies]


def _is_telling(row: Row) -> bool:
    """Whether a check went wrong anywhere."""
    return any(cell is not None and cell.outcome in _TROUBLES for cell in row.cells)


def _rest(rows: Sequence[Row]) -> str:
    """What the table below leaves out, in a sentence."""
    left = Counter(_is_telling(row) for row in rows)[False]
    return f"{left:,} checks went wrong nowhere and are left out." if left else "All went wrong somewhere."


def _rows(rows: Sequence[Row]) -> list[list[str]]:
    """The checks that went wrong somewhere, with their cells, as many as there is room for."""
    found: list[list[str]] = []
    room = LONGEST_BYTES
    for row in filter(_is_telling, rows):
        line = [code(row.id), *map(_cell, row.cells)]
        room -= sum(len(cell.encode()) + 3 for cell in line)
        if room < 0:
            return [*found, ["*and more*", *[""] * len(row.cells)]]
        found.append(line)
    return found


def _cell(cell: Cell | None) -> str:
    """What a check came to, its level, and on how many calls it went wrong."""
    if cell is None:
        return ""
    words = _WORDS[Outcome(cell.outcome)]
    if cell.outcome not in _TROUBLES:
        return words
    return f"{words} {cell.level.upper()} {cell.failed:,}/{cell.count:,}"
