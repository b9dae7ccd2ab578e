"""Findings of fuzzing, printed to a terminal and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rich.text import Text

from conformance.core.text import join_first, to_json_text
from conformance.report.details import Detail, DetailKind, print_details
from conformance.report.request_text import request_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from conformance.core.model import Level, Request

FORMAT_VERSION = 1
_MAX_CALLS = 8


class PrintableFinding(Protocol):
    """The fields of a finding that are printed."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def title(self) -> str:
        """The defect in one line."""

    @property
    def level(self) -> Level:
        """The level of the broken promise."""

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that show it, in order, without secrets."""

    def as_json(self) -> dict[str, Any]:
        """The JSON form."""


def print_findings(findings: Sequence[PrintableFinding], console: Console, gate: Level) -> None:
    """Prints every finding with its calls, smallest request, answer, and commands that reproduce it."""
    for item in findings:
        below = "" if item.level.is_at_least(gate) else f" (below the gate, {gate})"
        style = "bold red" if item.level.is_at_least(gate) else "bold yellow"
        console.print(
            Text.assemble(("\nFINDING", style), f"  {item.id}  ", (item.level.value.upper(), "bold"), below),
            soft_wrap=True,
        )
        print_details(_describe_finding(item), console)


def _describe_finding(item: PrintableFinding) -> Iterator[Detail]:
    """All details of a finding."""
    finding = item.as_json()
    yield Detail(DetailKind.TITLE, item.title)
    calls = join_first(finding["calls"], _MAX_CALLS)
    yield Detail(DetailKind.CALLS, f"{calls} ({finding['count']:,} requests)")
    for request in item.requests:
        yield Detail(DetailKind.REQUEST, request_text(request))
    yield Detail(DetailKind.EXPECTED, finding["expected"])
    yield Detail(DetailKind.RECEIVED, finding["received"])
    yield Detail(DetailKind.REPLAY, f"conformance replay {finding['id']}")
    if finding["curl"]:
        yield Detail(DetailKind.CURL, finding["curl"])


def findings_document(
    header: Mapping[str, Any], gate: Level, findings: Sequence[PrintableFinding], early_end: str = ""
) -> dict[str, Any]:
    """The findings as JSON. `early_end` says why what was to be sent was not all sent; then they are incomplete."""
    listed = [item.as_json() for item in findings]
    stopped = {"stopped": early_end} if early_end else {}
    end = {**stopped, "findings": listed, "complete": not early_end}
    return {"format": FORMAT_VERSION, **header, "gate": gate.value, **end}


def render_findings_json(document: Mapping[str, Any]) -> str:
    """The document as text."""
    return to_json_text(document, indent=1, ensure_ascii=True) + "\n"
