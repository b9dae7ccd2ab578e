"""Progress while a command runs: a bar on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from conformance.core.model import PROBLEM_OUTCOMES, Verdict

if TYPE_CHECKING:
    from rich.console import Console

_PROGRESS_LINES = 4


def is_line_due(done: int, total: int, lines: int) -> bool:
    """Whether to print a line after `done` of `total`, so that about so many lines are printed in all."""
    return done * lines // total > (done - 1) * lines // total


class ProgressDisplay:
    """Shows how many checks are done and how many of them failed."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._failed = 0
        self._bar: Bar | None = None
        if console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Bar(*columns, console=console, transient=True)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._bar.add_task(self._describe(), total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_verdict(self, verdict: Verdict) -> None:
        """Counts a verdict and updates the display."""
        self._done += 1
        self._failed += verdict.outcome in PROBLEM_OUTCOMES
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, description=self._describe())
        elif is_line_due(self._done, self._total, _PROGRESS_LINES):
            self._console.print(f"{self._done}/{self._total} checks, {self._describe()}")

    def _describe(self) -> str:
        return f"{self._failed} failed" if self._failed else "none failed so far"


def print_damage(damage: str, console: Console) -> None:
    """Says that stored requests can't be used, if so."""
    if damage:
        console.print(f"the stored requests are damaged, and made again: {damage}", soft_wrap=True, markup=False)
