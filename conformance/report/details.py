"""Details of a problem: labelled lines for a terminal, for pytest and for Markdown."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.core.text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


class DetailKind(enum.StrEnum):
    """What a line says; the value is its label."""

    PROMISE = "promise"
    TITLE = "what"
    CALLS = "on"
    CHECKS = "checks"
    REQUEST = "request"
    CHANGE = "differs"
    KEPT_BY = "verdict"
    EXPECTED = "expected"
    RECEIVED = "received"
    REASON = "because"
    KNOWN = "known"
    COSTS = "costs"
    HINT = "look at"
    SDKS = "SDKs"
    OTHER_CHECKS = "also"
    GENERATED = "fuzz"
    SOURCE = "source"
    LINK = ""
    REPLAY = "replay"
    CURL = "again"
    SELECT = "see it pass"
    CURL_TO_SIDE = "ask"


@dataclass(frozen=True, slots=True)
class Detail:
    """One line about a problem. `side` is the server of two that it is about."""

    kind: DetailKind
    text: str
    side: str = ""

    @property
    def label(self) -> str:
        """The word before the text."""
        return f"{self.kind} {self.side}" if self.side else self.kind.value

    @property
    def is_curl(self) -> bool:
        """Whether the text is a shell command, which must stay on one line."""
        return self.kind in {DetailKind.CURL, DetailKind.CURL_TO_SIDE, DetailKind.SELECT}


def print_details(details: Iterable[Detail], console: Console) -> None:
    """Prints details as a table, and commands after it in one line each, so that they can be copied.

    What is no terminal gets a line for each, neither wrapped nor padded.
    """
    if not console.is_terminal:
        for item in details:
            console.print(Text(f"{item.label:>11} {escape_controls(item.text)}"), soft_wrap=True)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", justify="right", min_width=9)
    table.add_column(overflow="fold")
    commands = []
    for item in details:
        if item.is_curl:
            commands.append(item)
        else:
            table.add_row(item.label, Text(escape_controls(item.text)))
    console.print(Padding(table, (0, 0, 0, 2)))
    for item in commands:
        console.print(Text(f"      {item.label} {escape_controls(item.text)}", style="dim"), soft_wrap=True)
