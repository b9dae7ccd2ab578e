"""Progress while a command runs: a bar on a terminal; elsewhere a line every few seconds with what is happening."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from conformance.core.model import Outcome, Verdict
from conformance.core.text import join_first

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from conformance.checks.trial import Trial

INTERVAL_S = 5.0
"""How many seconds pass between two lines in a log."""
_MAX_AREAS = 3
_PROBLEM_WORDS = {Outcome.FAIL: "broken", Outcome.UNTESTABLE: "untestable", Outcome.ERROR: "not judged"}


def is_line_due(done: int, total: int, lines: int) -> bool:
    """Whether to print a line after `done` of `total`, so that about so many lines are printed in all."""
    return done * lines // total > (done - 1) * lines // total


class Heartbeat:
    """Prints a line every few seconds, from a thread, for as long as something runs; nothing on a terminal.

    `describe` says what is happening. A log shows so that the command is at work, also while no verdict comes.
    """

    def __init__(self, console: Console, describe: Callable[[], str], interval_s: float = INTERVAL_S) -> None:
        self._console, self._describe, self._interval_s = console, describe, interval_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if not (self._console.is_terminal or self._console.quiet):
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        while not self._is_over.wait(self._interval_s):
            self._console.print(self._describe(), soft_wrap=True, markup=False)


class CountDisplay:
    """Shows how much of something is done, once it has started: a bar on a terminal, or a line every few seconds.

    A log gets a line at once, too.
    """

    def __init__(self, console: Console, what: str, interval_s: float = INTERVAL_S) -> None:
        self._console, self._what = console, what
        self._done = self._total = 0
        self._bar = _new_bar(console) if console.is_terminal else None
        self._heartbeat = Heartbeat(console, self._line, interval_s)
        self._has_started = False

    def __enter__(self) -> Self:
        return self

    def start(self) -> None:
        """Says what has begun."""
        self._has_started = True
        if self._bar is None:
            self._console.print(self._what, soft_wrap=True, markup=False)
            self._heartbeat.__enter__()
        else:
            self._bar.start()
            self._bar.add_task(self._what, total=None)

    def __exit__(self, *details: object) -> None:
        if self._has_started:
            self._heartbeat.__exit__(*details)
            if self._bar is not None:
                self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """Takes how many are done, and how many there are."""
        self._done, self._total = done, total
        if self._bar is not None and self._has_started:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def _line(self) -> str:
        """The line of a log."""
        return f"{self._what}: {self._done:,}/{self._total:,}" if self._total else self._what


def _new_bar(console: Console) -> Bar:
    """A bar that is gone at its end."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Bar(*columns, console=console, transient=True)


class ProgressDisplay:
    """Shows how many checks are done, how many of them have a problem, and which areas are still at work."""

    def __init__(
        self, console: Console, trials: Sequence[Trial], name: str = "", interval_s: float = INTERVAL_S
    ) -> None:
        self._console = console
        self._name = name
        self._total = len(trials)
        self._remaining = Counter(trial.check.area for trial in trials)
        self._problems: Counter[Outcome] = Counter()
        self._done = 0
        self._bar = _new_bar(console) if console.is_terminal else None
        self._heartbeat = Heartbeat(console, self._line, interval_s)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._bar.add_task(self._describe(), total=self._total)
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._heartbeat.__exit__(*details)
        if self._bar is not None:
            self._bar.stop()
        elif self._done:
            self._console.print(self._line(), soft_wrap=True, markup=False)

    def on_verdict(self, verdict: Verdict) -> None:
        """Counts a verdict and updates the display."""
        self._done += 1
        self._remaining[verdict.area] -= 1
        self._problems[verdict.outcome] += 1
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, description=self._describe())

    def _line(self) -> str:
        """The line of a log."""
        areas = [area.value for area, count in self._remaining.items() if count > 0]
        now = f"; now: {join_first(areas, _MAX_AREAS)}" if areas else ""
        return (
            f"{f'{self._name}: ' if self._name else ''}{self._done:,}/{self._total:,} checks, {self._describe()}{now}"
        )

    def _describe(self) -> str:
        """The problems so far, in the words of the last line."""
        problems = [f"{self._problems[kind]:,} {word}" for kind, word in _PROBLEM_WORDS.items() if self._problems[kind]]
        return ", ".join(problems) or "none broken so far"


def print_damage(damage: str, console: Console) -> None:
    """Says that stored requests can't be used, if so."""
    if damage:
        console.print(f"the stored requests are damaged, and made again: {damage}", soft_wrap=True, markup=False)
