"""A history for a terminal: a table of runs, and the causes over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance.core.model import Level
from conformance.core.text import escape_controls
from conformance.report.history import CAME
from conformance.report.plain_tables import print_table
from conformance.report.verdict_line import verdict_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

_MAX_RUNS = 60
_MARKS = {None: "?", True: "X", False: "."}


def print_history(document: Mapping[str, Any], console: Console) -> None:
    """Prints each series: its runs, the latest last, and a line for each cause, with a mark for each run."""
    for series in document["series"]:
        console.print(Text(escape_controls(series["profile"]["title"]), style="bold"), soft_wrap=True)
        print_table(_run_table(series), console)
        if series["causes"]:
            note = f"causes, a mark for each of the last {min(len(series['runs']), _MAX_RUNS)} runs: X there, . not"
            console.print(Text(note, style="dim"), soft_wrap=True)
        for cause in series["causes"]:
            console.print(_cause_line(cause, series["runs"]), soft_wrap=True)


def _run_table(series: Mapping[str, Any]) -> Table:
    """A row for each run."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("run", "started", "verdict", *(f"{level.upper()} kept" for level in Level), "causes", ""):
        table.add_column(heading)
    for number, run in enumerate(series["runs"]):
        turns = [item["turn"] for item in series["events"] if item["run"] == number]
        came, went = turns.count(CAME), len(turns) - turns.count(CAME)
        table.add_row(
            Text(escape_controls(run["label"])),
            Text(escape_controls(run["started"])),
            Text(run["verdict"], style=verdict_style(run["verdict"])),
            *(f"{counts['kept']:,} of {counts['judged']:,}" for counts in run["levels"].values()),
            "?" if run["causes"] is None else f"{run['causes']:,}",
            ", ".join(f"{count:,} {words}" for count, words in ((came, "came"), (went, "went")) if count),
        )
    return table


def _cause_line(cause: Mapping[str, Any], runs: list[Mapping[str, Any]]) -> Text:
    """A cause in one line."""
    marks = "".join(_MARKS[None if count is None else count > 0] for count in cause["explains"][-_MAX_RUNS:])
    state = f"since {runs[cause['first']]['label']}" if cause["open"] else f"gone after {runs[cause['last']]['label']}"
    return Text.assemble(
        f"  {marks}  ", ("open  " if cause["open"] else "gone  ", "bold red" if cause["open"] else "green"),
        f"{cause['harm']:<8}", (f"{cause['level'].upper():<7}", "bold"), escape_controls(cause["sentence"]),
        (f"  ({escape_controls(state)})", "dim"),
    )  # fmt: skip
