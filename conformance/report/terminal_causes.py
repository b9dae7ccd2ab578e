"""The causes of failures for a terminal: first what to mend, a line each, then the evidence for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from conformance.core.text import escape_controls, join_first
from conformance.report.cause import Harm
from conformance.report.details import Detail, DetailKind, print_details

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.report.cause_view import CauseOverview, CauseView

_HARM_STYLES = dict.fromkeys((Harm.LOST, Harm.DOUBLED), "bold red") | dict.fromkeys(
    (Harm.RETRIED, Harm.UNSAFE), "bold magenta"
)
_OTHER_STYLE = "yellow"
_MAX_CALLS, _MAX_CHECKS, _MAX_LISTED = 6, 8, 40


def print_first_screen(overview: CauseOverview, console: Console) -> None:
    """What is wrong in the order in which to mend it, a line each: at the gate, below it, and what is known."""
    console.print(Text(overview.heading, style="bold"), soft_wrap=True)
    for words, sentence in overview.stopped:
        line = Text.assemble((f"  {words}", "bold red"), f": {escape_controls(sentence)}")
        console.print(line, soft_wrap=True)
    sections = ("", overview.gated), (f"below the gate {overview.gate}:", overview.below), ("known:", overview.known)
    for title, items in sections:
        if title and items:
            console.print(Text(title, style="dim"), soft_wrap=True)
        for view in items[:_MAX_LISTED]:
            console.print(_cause_line(view), soft_wrap=True)
        if len(items) > _MAX_LISTED:
            console.print(Text(f"    and {len(items) - _MAX_LISTED:,} more"), soft_wrap=True)


def _cause_line(view: CauseView) -> Text:
    """A cause in one line."""
    return Text.assemble(
        f"{view.number:>3}  ", (f"{view.harm:<8}", _HARM_STYLES.get(view.harm, _OTHER_STYLE)),
        (f"{view.data['level'].upper():<7}", "bold"), escape_controls(view.data["sentence"]),
        (f"  ({view.counted})", "dim"), f" (known): {escape_controls(view.known)}" if view.known else "",
    )  # fmt: skip


def print_evidence(overview: CauseOverview, console: Console) -> None:
    """The evidence for each cause at the gate: promise, request, answer, and how to see it pass."""
    for view in overview.gated:
        heading = Text.assemble(
            f"\n{view.number}  ", (view.outcome.upper(), "bold red"), f"  {view.data['check']}  ",
            (view.data["level"].upper(), "bold"), f"  {escape_controls(_without_others(view.data['sentence']))}",
        )  # fmt: skip
        console.print(heading, soft_wrap=True)
        print_details(cause_details(view), console)


def _without_others(sentence: str) -> str:
    """The sentence up to what it says of other requests, which the list of causes has said."""
    return sentence.partition("; so with ")[0]


def cause_details(view: CauseView) -> list[Detail]:
    """All details of a cause."""
    cause = view.data
    source = next(iter(cause["sources"]), None)
    says = f": {source['says']}" if source and source["says"] else ""
    details = [
        Detail(DetailKind.PROMISE, f"{cause['promise']} ({cause['level'].upper()})"),
        Detail(DetailKind.CALLS, join_first(cause["calls"], _MAX_CALLS)),
        Detail(DetailKind.COSTS, view.costs),
        Detail(DetailKind.EXPECTED, cause["expected"]),
        Detail(DetailKind.RECEIVED, cause["received"]),
        *(Detail(DetailKind.REASON, text) for text in view.flaky),
        Detail(DetailKind.HINT, cause.get("hint", "")),
        Detail(DetailKind.SOURCE, f"{source['document']}, section {source['section']!r}{says}" if source else ""),
        Detail(DetailKind.LINK, source["url"] if source else ""),
        Detail(DetailKind.CHECKS, f"{cause['id']}: {join_first(view.check_ids, _MAX_CHECKS)}"),
        Detail(DetailKind.CURL, cause["curl"]),
        Detail(DetailKind.SELECT, view.command),
    ]
    return [item for item in details if item.text]
