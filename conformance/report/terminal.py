"""The report for a terminal: a summary by area, and every broken promise with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.core.model import Outcome, Verdict
from conformance.core.text import escape_controls
from conformance.report import sdk_overview
from conformance.report.changes import ChangeKind
from conformance.report.document import CONFORMS, DEVIATES
from conformance.report.matrix import build_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from conformance.report.changes import ReportChanges
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
_CHANGE_STYLES = {ChangeKind.BROKEN: "bold red", ChangeKind.VANISHED: "bold magenta", ChangeKind.FIXED: "green"}
_MAX_ITEMS = 12


def print_report(report: Report, console: Console, *, quiet: bool = False) -> None:
    """Prints a report. Quiet leaves only what is broken, and the verdict."""
    if not quiet:
        console.print(_area_table(report))
        overview = sdk_overview.build_sdk_overview(report.verdicts)
        if overview:
            console.print(Padding(overview, (1, 0, 0, 0)))
    for group in _group_problems(report):
        _print_problem(group, report, console)
    for stale in report.stale_entries:
        console.print(Text.assemble(("\nSTALE", "bold yellow"), f"  {escape_controls(str(stale))}"), soft_wrap=True)
    console.print(_verdict_line(report), soft_wrap=True)


def print_matrix(documents: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints the verdicts of several reports, a line each, and why one could not judge."""
    matrix_table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("report", "verdict", "MUST kept", "counts"):
        matrix_table.add_column(heading, overflow="fold")
    for column in build_matrix(documents).columns:
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in column.counts.items() if count)
        matrix_table.add_row(
            Text(escape_controls(column.label)),
            Text(column.verdict, style=_VERDICTS.get(column.verdict, ("", "bold yellow"))[1]),
            f"{column.kept:,} of {column.judged:,}",
            Text(counts or escape_controls(column.unjudged_reason)),
        )
    console.print(matrix_table)


def print_changes(report_changes: ReportChanges, console: Console) -> None:
    """Prints what became of each check between reports, those with the same fate together."""
    for remark in report_changes.remarks:
        console.print(Text(escape_controls(remark), style="bold yellow"), soft_wrap=True)
    for items in report_changes.grouped_by_check():
        first = items[0]
        head = Text.assemble(
            (f"{first.kind.upper():8}", _CHANGE_STYLES.get(first.kind, "cyan")), f"  {escape_controls(first.id)}  ",
            (escape_controls(first.level.upper()), "bold"), f"  {first.was} -> {first.now}",
        )  # fmt: skip
        console.print(head, soft_wrap=True)
        for text in (_join_first([item.operation for item in items if item.operation]), first.message):
            if text:
                console.print(Text(f"          {escape_controls(text)}"), soft_wrap=True)
    console.print(Text(report_changes.summary, style="bold"), soft_wrap=True)


def _group_problems(report: Report) -> list[list[Verdict]]:
    """Verdicts that are one trouble together.

    A check that came to the same thing on several paths is one, and all that can't be tested on a path.
    """
    groups: dict[tuple[str | int | None, ...], list[Verdict]] = {}
    for item in report.problems():
        location = (item.operation,) if item.outcome is Outcome.UNTESTABLE else (item.id, item.level)
        known = item.known_deviation.reason if item.known_deviation else ""
        groups.setdefault((*location, item.outcome, item.received_status, known), []).append(item)
    return list(groups.values())


def _area_table(report: Report) -> Table:
    """A row an area, a column an outcome."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("area")
    for outcome in Outcome:
        table.add_column(outcome.value, justify="right")
    for area in sorted({item.area for item in report.verdicts}):
        outcomes = [item.outcome for item in report.verdicts if item.area is area]
        cells = [
            Text(str(outcomes.count(o)), style=_STYLES[o]) if o in outcomes else Text("·", style="dim") for o in Outcome
        ]
        table.add_row(area.value, *cells)
    return table


def verdict_details(item: Verdict, operations: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What a person wants to know of a broken promise, each with a word for what it is."""
    sources = [f"{source}{f': {source.says}' if source.says else ''}" for source in item.sources]
    links = [source.url for source in item.sources if source.url][:1]
    lines = [
        ("promise", item.title),
        ("on", _join_first(operations or [item.operation])),
        ("expected", item.expected),
        ("received", item.received),
        ("because", item.message),
        ("known", _describe_known(item)),
        *(("source", text) for text in sources),
        *(("", link) for link in links),
        ("again", item.curl),
    ]
    return [(name, text) for name, text in lines if text]


def _untestable_details(item: Verdict, ids: Sequence[str]) -> list[tuple[str, str]]:
    """What a person wants to know of a path on which nothing can be tested."""
    return [("checks", _join_first(ids)), ("received", item.received), ("because", item.message)]


def _describe_known(item: Verdict) -> str:
    """Why a broken promise is accepted for now."""
    if item.known_deviation is None:
        return ""
    details = [
        item.known_deviation.owner,
        item.known_deviation.link,
        f"until {item.known_deviation.expires}" if item.known_deviation.expires else "",
    ]
    return ", ".join(text for text in (item.known_deviation.reason, *details) if text)


def _join_first(words: Sequence[str]) -> str:
    """The first few of many words."""
    rest = f" and {len(words) - _MAX_ITEMS} more" if len(words) > _MAX_ITEMS else ""
    return ", ".join(words[:_MAX_ITEMS]) + rest


def _print_problem(items: list[Verdict], report: Report, console: Console) -> None:
    """One broken promise: what, where, where documented, what came, and how to see it again."""
    first = items[0]
    ids = list(dict.fromkeys(item.id for item in items))
    head = Text.assemble(
        ("\n" + first.outcome.value.upper(), _STYLES[first.outcome]),
        f"  {first.id if len(ids) == 1 else f'{len(ids)} checks on {first.operation}'}  ",
        (first.level.value.upper(), "bold"),
        "" if first.level.is_at_least(report.run_info.gate) else f" (below the gate, {report.run_info.gate})",
        (" (known)", "dim") if first.known_deviation else "",
    )
    console.print(head, soft_wrap=True)
    details = (
        verdict_details(first, [item.operation for item in items]) if len(ids) == 1 else _untestable_details(first, ids)
    )
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", justify="right", min_width=9)
    table.add_column(overflow="fold")
    for name, text in details:
        if name != "again":
            table.add_row(name, Text(escape_controls(text)))
    console.print(Padding(table, (0, 0, 0, 2)))
    if first.curl:
        console.print(Text(f"      again {escape_controls(first.curl)}", style="dim"), soft_wrap=True)


def _verdict_line(report: Report) -> Text:
    """The last line."""
    header, counts = report.run_info, report.counts_by_outcome()
    words, style = _VERDICTS.get(report.verdict, ("could not be judged by", "bold yellow"))
    waited = f", {header.waited_s:.1f} s of them waiting for 429s" if header.waited_s else ""
    numbers = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    known = sum(item.known_deviation is not None for item in report.verdicts)
    numbers += f", {known} of them known" if known else ""
    if not report.is_complete:
        words = f"was judged on {len(report.verdicts):,} of {header.planned_verdicts:,} checks only by"
    return Text.assemble(
        f"\nincomplete: {escape_controls(header.stop_reason)}" if not report.is_complete else "",
        ("\n" + escape_controls(header.target_url), "bold"), " ", (words, style),
        f" the profile {header.profile_name} at the gate {header.gate}: ",
        f"{numbers} ({header.request_count:,} requests in {header.duration_s:.1f} s{waited})",
    )  # fmt: skip
