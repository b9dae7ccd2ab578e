"""The report for a terminal: a summary by area, and every broken promise with its details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance.core.model import Outcome, Verdict
from conformance.core.text import escape_controls, join_first
from conformance.report import sdk_overview
from conformance.report.cause_changes import CauseTurn
from conformance.report.cause_view import view_causes
from conformance.report.changes import ChangeKind
from conformance.report.delivery_table import delivery_sentence
from conformance.report.details import Detail, DetailKind, print_details
from conformance.report.document import UNVERIFIED_SENTENCE
from conformance.report.failure_groups import describe_known
from conformance.report.matrix import build_matrix
from conformance.report.plain_tables import print_table
from conformance.report.tallies import left_out_sentences
from conformance.report.terminal_causes import print_evidence, print_first_screen
from conformance.report.verdict_line import verdict_line, verdict_style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from conformance.report.cause_changes import CauseChange
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
_CHANGE_STYLES = {ChangeKind.BROKEN: "bold red", ChangeKind.VANISHED: "bold magenta", ChangeKind.FIXED: "green"}
_CAUSE_STYLES = {
    CauseTurn.NEW: "bold red",
    CauseTurn.GROWN: "red",
    CauseTurn.VANISHED: "bold magenta",
    CauseTurn.SMALLER: "green",
    CauseTurn.FIXED: "green",
}
_MAX_ITEMS = 12


def print_report(report: Report, console: Console, *, quiet: bool = False) -> None:
    """Prints a report: first what has to be mended, at last the verdict. Quiet leaves only the problems and that."""
    overview = view_causes(report.as_json())
    if overview:
        print_first_screen(overview, console)
        print_evidence(overview, console)
        console.print()
    if not quiet:
        print_table(_area_table(report), console)
        sdk_table = sdk_overview.build_sdk_overview(report.verdicts)
        if sdk_table:
            console.print()
            print_table(sdk_table, console)
    if report.delivery:
        sentence = escape_controls(delivery_sentence(report.delivery))
        console.print(Text.assemble(("\ndelivery", "bold"), f"  {sentence}"), soft_wrap=True)
    explained = report.found_causes.ids_by_check() if report.found_causes else {}
    for group in _group_problems(item for item in report.problems() if item.name not in explained):
        _print_problem(group, report, console)
    for stale in report.stale_entries:
        console.print(Text.assemble(("\nSTALE", "bold yellow"), f"  {escape_controls(str(stale))}"), soft_wrap=True)
    console.print(_closing_lines(report), soft_wrap=True)


def print_matrix(documents: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints the verdicts of several reports, a line each, with the reason of one that judged nothing."""
    matrix_table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("report", "verdict", "MUST kept", "to mend", "counts"):
        matrix_table.add_column(heading, overflow="fold")
    for column in build_matrix(documents).columns:
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in column.counts.items() if count)
        matrix_table.add_row(
            Text(escape_controls(column.label)),
            Text(column.verdict, style=verdict_style(column.verdict)),
            f"{column.kept:,} of {column.judged:,}",
            column.to_mend,
            Text(counts or escape_controls(column.unjudged_reason)),
        )
    print_table(matrix_table, console)


def print_changes(report_changes: ReportChanges, console: Console) -> None:
    """Prints the changes between reports, a check that changed alike on several calls once."""
    for remark in report_changes.remarks:
        console.print(Text(escape_controls(remark), style="bold yellow"), soft_wrap=True)
    for change in report_changes.causes.changes:
        console.print(_cause_change_line(change), soft_wrap=True)
    if report_changes.causes.summary:
        console.print(Text(report_changes.causes.summary, style="bold"), soft_wrap=True)
    for items in report_changes.grouped_by_check():
        first = items[0]
        head = Text.assemble(
            (f"{first.kind.upper():8}", _CHANGE_STYLES.get(first.kind, "cyan")), f"  {escape_controls(first.id)}  ",
            (escape_controls(first.level.upper()), "bold"), f"  {first.was} -> {first.now}",
        )  # fmt: skip
        console.print(head, soft_wrap=True)
        for text in (join_first([item.operation for item in items if item.operation], _MAX_ITEMS), first.message):
            if text:
                console.print(Text(f"          {escape_controls(text)}"), soft_wrap=True)
    console.print(Text(report_changes.summary, style="bold"), soft_wrap=True)


def _cause_change_line(change: CauseChange) -> Text:
    """What became of a cause, in one line."""
    cause = change.cause
    return Text.assemble(
        (f"CAUSE {change.turn.upper():8}", _CAUSE_STYLES[change.turn]), f"  {cause['harm']:<8}",
        (f"{cause['level'].upper():<7}", "bold"), escape_controls(cause["sentence"]),
        (f"  ({change.counted})", "dim") if change.turn in {CauseTurn.GROWN, CauseTurn.SMALLER} else "",
    )  # fmt: skip


def _group_problems(problems: Iterable[Verdict]) -> list[list[Verdict]]:
    """Groups verdicts that are one problem.

    That is the same check with the same answer on several operations, or all untestable checks of one operation.
    """
    groups: dict[tuple[str | int | None, ...], list[Verdict]] = {}
    for item in problems:
        location = (item.judged_operation,) if item.outcome is Outcome.UNTESTABLE else (item.id, item.level)
        known = item.known_deviation.reason if item.known_deviation else ""
        groups.setdefault((*location, item.path_state, item.outcome, item.received_status, known), []).append(item)
    return list(groups.values())


def _area_table(report: Report) -> Table:
    """Counts: a row for each area, a column for each outcome."""
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


def verdict_details(item: Verdict, operations: Sequence[str] = ()) -> list[Detail]:
    """All details of a broken promise; `operations` are those on which it is broken alike."""
    sources = [f"{source}{f': {source.says}' if source.says else ''}" for source in item.sources]
    links = [source.url for source in item.sources if source.url][:1]
    details = [
        Detail(DetailKind.PROMISE, item.title),
        Detail(DetailKind.CALLS, join_first(operations or [item.judged_operation], _MAX_ITEMS)),
        Detail(DetailKind.EXPECTED, item.expected),
        Detail(DetailKind.RECEIVED, item.received),
        Detail(DetailKind.REASON, item.message),
        Detail(DetailKind.KNOWN, describe_known(item.known_deviation.as_json() if item.known_deviation else None)),
        *(Detail(DetailKind.SOURCE, text) for text in sources),
        *(Detail(DetailKind.LINK, link) for link in links),
        Detail(DetailKind.CURL, item.curl),
    ]
    return [detail for detail in details if detail.text]


def _untestable_details(item: Verdict, ids: Sequence[str]) -> list[Detail]:
    """The details of a path on which several checks can't be tested."""
    return [
        Detail(DetailKind.CHECKS, join_first(ids, _MAX_ITEMS)),
        Detail(DetailKind.RECEIVED, item.received),
        Detail(DetailKind.REASON, item.message),
        *([Detail(DetailKind.CURL, item.curl)] if item.curl else []),
    ]


def _print_problem(items: list[Verdict], report: Report, console: Console) -> None:
    """Prints one problem with its details; a path on which nothing is accepted in one line."""
    first = items[0]
    ids = list(dict.fromkeys(item.id for item in items))
    head = Text.assemble(
        ("\n" + first.outcome.value.upper(), _STYLES[first.outcome]),
        f"  {first.id if len(ids) == 1 else f'{len(ids):,} checks on {first.judged_operation}'}  ",
        (first.level.value.upper(), "bold"),
        "" if first.level.is_at_least(report.run_info.gate) else f" (below the gate, {report.run_info.gate})",
        (" (known)", "dim") if first.known_deviation else "",
    )
    if first.path_state:
        reason = (
            f": nothing is accepted there, {escape_controls(first.received)}; see the check of the smallest request"
        )
        console.print(Text.assemble(head, reason), soft_wrap=True)
        return
    console.print(head, soft_wrap=True)
    details = (
        verdict_details(first, [item.judged_operation for item in items])
        if len(ids) == 1
        else _untestable_details(first, ids)
    )
    print_details(details, console)


def _closing_lines(report: Report) -> Text:
    """What limits the verdict, and as the last line the verdict itself."""
    run = report.run_info
    line = verdict_line(report)
    verdict, rest = line[: len(report.verdict)], line[len(report.verdict) :]
    return Text.assemble(
        f"\n{UNVERIFIED_SENTENCE}" if run.is_unverified else "",
        f"\n{escape_controls(run.reading)}" if run.reading else "",
        *(f"\n{text}" for text in left_out_sentences(sum(item.left_out_exchanges for item in report.verdicts))),
        "\n", (verdict, verdict_style(report.verdict)), escape_controls(rest),
    )  # fmt: skip
