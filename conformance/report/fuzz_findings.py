"""Findings of fuzzing, printed to a terminal and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from rich.text import Text

from conformance.core.text import join_first, truncate
from conformance.report.details import Detail, DetailKind, print_details

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from conformance.core.model import Level

FORMAT_VERSION = 1
_MAX_CALLS = 8
_MAX_BODY_LENGTH = 600


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
        print_details(_describe_finding(item.title, item.as_json()), console)


def _describe_finding(title: str, finding: dict[str, Any]) -> Iterator[Detail]:
    """All details of a finding."""
    yield Detail(DetailKind.TITLE, title)
    calls = join_first(finding["calls"], _MAX_CALLS)
    yield Detail(DetailKind.CALLS, f"{calls} ({finding['count']:,} requests)")
    for request in (*finding["before"], finding["request"]):
        yield Detail(DetailKind.REQUEST, _describe_request(request))
    yield Detail(DetailKind.EXPECTED, finding["expected"])
    yield Detail(DetailKind.RECEIVED, finding["received"])
    yield Detail(DetailKind.REPLAY, f"conformance replay {finding['id']}")
    if finding["curl"]:
        yield Detail(DetailKind.CURL, finding["curl"])


def _describe_request(request: dict[str, Any]) -> str:
    """A request in one line: its call, what is unusual about it, and its body."""
    words = [request["call"]]
    words += [f"{name}: {request[name]!r}" for name in ("auth", "content_type", "coding") if name in request]
    body = next((request[name] for name in ("json", "text", "pieces", "base64") if name in request), "")
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"{' '.join(words)} {truncate(text, _MAX_BODY_LENGTH)}"


def findings_json_text(
    header: dict[str, Any], findings: Sequence[PrintableFinding], *, is_complete: bool = True
) -> str:
    """The findings as JSON text. `is_complete` is false if the campaign was interrupted."""
    listed = [item.as_json() for item in findings]
    document = {"format": FORMAT_VERSION, **header, "findings": listed, "complete": is_complete}
    return json.dumps(document, indent=1) + "\n"
