"""Tables for people: aligned on a terminal; elsewhere a line for each row, without wrapping and padding, for grep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_SEPARATOR = "  "


def print_table(table: Table, console: Console) -> None:
    """Prints a table."""
    if console.is_terminal:
        console.print(table)
        return
    rows = [[_plain(cell) for cell in row] for row in zip(*(column.cells for column in table.columns), strict=True)]
    headings = [[_plain(column.header) for column in table.columns]] if table.show_header else []
    for cells in (*headings, *rows):
        console.print(Text(_SEPARATOR.join(cells).rstrip()), soft_wrap=True)


def _plain(cell: RenderableType) -> str:
    """The text of a cell in one line."""
    return " ".join(str(cell).split("\n"))
