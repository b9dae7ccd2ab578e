"""The report for a terminal: a summary by area, and every broken promise with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.model import Outcome, Verdict
from conformance.report import sdks
from conformance.report.changes import Turn
from conformance.report.document import CONFORMS, DEVIATES
from conformance.report.matrix import matrix
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from conformance.report.changes import Changes
    from conformance.report.document import Report

_STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.UNTESTABLE: "bold magenta",
    Outcome.ERROR: "bold yellow",
    Outcome.OBSERVED: "cyan",
    Outcome.NOT_APPLICABLE: "dim",
}
_VERDICTS = {CONFORMS: ("conforms to", "bold green"), DEVIATES: ("deviates from", "bold red")}
_TURNS = {Turn.BROKEN: "bold red", Turn.VANISHED: "bold magenta", Turn.FIXED: "green"}
_MOST = 12
_STATUS = len("400")


def show(report: Report, console: Console, *, quiet: bool = False) -> None:
    """Prints a report. Quiet leaves only what is broken, and the verdict."""
    if not quiet:
        console.print(_summary(report))
        overview = sdks.overview(report.verdicts)
        if overview:
            console.print(Padding(overview, (1, 0, 0, 0)))
    for group in _troubles(report):
        _trouble(group, report, console)
    for stale in report.stale:
        console.print(Text.assemble(("\nSTALE", "bold yellow"), f"  {safe(str(stale))}"), soft_wrap=True)
    console.print(_verdict(report), soft_wrap=True)


def show_matrix(documents: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints the verdicts of several reports, a line each, and why one could not judge."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("report", "verdict", "MUST kept", "counts"):
        shown.add_column(heading, overflow="fold")
    for column in matrix(documents).columns:
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in column.counts.items() if count)
        shown.add_row(
            Text(safe(column.name)),
            Text(column.verdict, style=_VERDICTS.get(column.verdict, ("", "bold yellow"))[1]),
            f"{column.kept:,} of {column.judged:,}",
            Text(counts or safe(column.failure)),
        )
    console.print(shown)


def show_changes(found: Changes, console: Console) -> None:
    """Prints what became of each check between reports, those with the same fate together."""
    for remark in found.remarks:
        console.print(Text(safe(remark), style="bold yellow"), soft_wrap=True)
    for items in found.alike():
        first = items[0]
        head = Text.assemble(
            (f"{first.turn.upper():8}", _TURNS.get(first.turn, "cyan")), f"  {safe(first.id)}  ",
            (safe(first.level.upper()), "bold"), f"  {first.was} -> {first.now}",
        )  # fmt: skip
        console.print(head, soft_wrap=True)
        for text in (_some([item.operation for item in items if item.operation]), first.message):
            if text:
                console.print(Text(f"          {safe(text)}"), soft_wrap=True)
    console.print(Text(found.says, style="bold"), soft_wrap=True)


def _troubles(report: Report) -> list[list[Verdict]]:
    """Verdicts that are one trouble together.

    A check that came to the same thing on several paths is one, and all that can't be tested on a path.
    """
    groups: dict[tuple[str, ...], list[Verdict]] = {}
    for item in report.troubles():
        same = (item.operation,) if item.outcome is Outcome.UNTESTABLE else (item.id, item.level)
        known = item.known.reason if item.known else ""
        groups.setdefault((*same, item.outcome, item.received[:_STATUS], known), []).append(item)
    return list(groups.values())


def _summary(report: Report) -> Table:
    """A row an area, a column an outcome."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("area")
    for outcome in Outcome:
        table.add_column(outcome.value, justify="right")
    for area in sorted({item.area for item in report.verdicts}):
        found = [item.outcome for item in report.verdicts if item.area is area]
        cells = [
            Text(str(found.count(o)), style=_STYLES[o]) if o in found else Text("·", style="dim")
            for o in Outcome
        ]
        table.add_row(area.value, *cells)
    return table


def details(item: Verdict, operations: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What a person wants to know of a broken promise, each with a word for what it is."""
    sources = [f"{source}{f': {source.says}' if source.says else ''}" for source in item.sources]
    links = [source.url for source in item.sources if source.url][:1]
    lines = [
        ("promise", item.title),
        ("on", _some(operations or [item.operation])),
        ("expected", item.expected),
        ("received", item.received),
        ("because", item.message),
        ("known", _known(item)),
        *(("source", text) for text in sources),
        *(("", link) for link in links),
        ("again", item.curl),
    ]
    return [(name, text) for name, text in lines if text]


def _untestable(item: Verdict, ids: Sequence[str]) -> list[tuple[str, str]]:
    """What a person wants to know of a path on which nothing can be tested."""
    return [("checks", _some(ids)), ("received", item.received), ("because", item.message)]


def _known(item: Verdict) -> str:
    """Why a broken promise is accepted for now."""
    if item.known is None:
        return ""
    more = [item.known.owner, item.known.link, f"until {item.known.expires}" if item.known.expires else ""]
    return ", ".join(text for text in (item.known.reason, *more) if text)


def _some(words: Sequence[str]) -> str:
    """The first few of many words."""
    rest = f" and {len(words) - _MOST} more" if len(words) > _MOST else ""
    return ", ".join(words[:_MOST]) + rest


def _trouble(items: list[Verdict], report: Report, console: Console) -> None:
    """One broken promise: what, where, where documented, what came, and how to see it again."""
    first = items[0]
    ids = list(dict.fromkeys(item.id for item in items))
    head = Text.assemble(
        ("\n" + first.outcome.value.upper(), _STYLES[first.outcome]),
        f"  {first.id if len(ids) == 1 else f'{len(ids)} checks on {first.operation}'}  ",
        (first.level.value.upper(), "bold"),
        "" if first.level.reaches(report.header.gate) else f" (below the gate, {report.header.gate})",
        (" (known)", "dim") if first.known else "",
    )
    console.print(head, soft_wrap=True)
    lines = details(first, [item.operation for item in items]) if len(ids) == 1 else _untestable(first, ids)
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", justify="right", min_width=9)
    table.add_column(overflow="fold")
    for name, text in lines:
        if name != "again":
            table.add_row(name, Text(safe(text)))
    console.print(Padding(table, (0, 0, 0, 2)))
    if first.curl:
        console.print(Text(f"      again {safe(first.curl)}", style="dim"), soft_wrap=True)


def _verdict(report: Report) -> Text:
    """The last line."""
    header, counts = report.header, report.counts()
    words, style = _VERDICTS.get(report.verdict, ("could not be judged by", "bold yellow"))
    waited = f", {header.waited_s:.1f} s of them waiting for 429s" if header.waited_s else ""
    numbers = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    known = sum(item.known is not None for item in report.verdicts)
    numbers += f", {known} of them known" if known else ""
    if not report.is_complete:
        words = f"was judged on {len(report.verdicts):,} of {header.planned:,} checks only by"
    return Text.assemble(
        f"\nincomplete: {safe(header.stopped)}" if not report.is_complete else "",
        ("\n" + safe(header.url), "bold"), " ", (words, style),
        f" the profile {header.profile} at the gate {header.gate}: ",
        f"{numbers} ({header.requests:,} requests in {header.duration_s:.1f} s{waited})",
    )  # fmt: skip
