"""Findings of fuzzing, for a terminal and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.core.text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from conformance.core.model import Level

FORMAT_VERSION = 1
_MAX_CALLS = 8
_MAX_BODY_LENGTH = 600


class PrintableFinding(Protocol):
    """A finding, as far as it is shown."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def title(self) -> str:
        """What it is, in one line."""

    @property
    def level(self) -> Level:
        """How strong the promise is that was broken."""

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON data."""


def print_findings(findings: Sequence[PrintableFinding], console: Console, gate: Level) -> None:
    """Prints every finding: what, where, the smallest request, what came, and how to see it again."""
    for item in findings:
        below = "" if item.level.is_at_least(gate) else f" (below the gate, {gate})"
        style = "bold red" if item.level.is_at_least(gate) else "bold yellow"
        console.print(
            Text.assemble(("\nFINDING", style), f"  {item.id}  ", (item.level.value.upper(), "bold"), below),
            soft_wrap=True,
        )
        table = Table.grid(padding=(0, 1))
        table.add_column(style="dim", justify="right", min_width=9)
        table.add_column(overflow="fold")
        finding = item.as_json()
        for name, text in _detail_lines(item.title, finding):
            table.add_row(name, Text(escape_controls(text)))
        console.print(Padding(table, (0, 0, 0, 2)))
        if finding["curl"]:
            console.print(Text(f"      again {escape_controls(finding['curl'])}", style="dim"), soft_wrap=True)


def _detail_lines(title: str, finding: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person wants to know of a finding, each with a word for what it is."""
    calls = finding["calls"]
    more = f" and {len(calls) - _MAX_CALLS} more" if len(calls) > _MAX_CALLS else ""
    requests = [*finding["before"], finding["request"]]
    return [
        ("what", title),
        ("on", f"{', '.join(calls[:_MAX_CALLS])}{more} ({finding['count']:,} requests)"),
        *(("request", _request_line(item)) for item in requests),
        ("expected", finding["expected"]),
        ("received", finding["received"]),
        ("replay", f"conformance replay {finding['id']}"),
    ]


def _request_line(request: dict[str, Any]) -> str:
    """A request in one line, without what is usual."""
    words = [request["call"]]
    words += [f"{name}: {request[name]!r}" for name in ("auth", "content_type", "coding") if name in request]
    body = next((request[name] for name in ("json", "text", "pieces", "base64") if name in request), "")
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"{' '.join(words)} {text if len(text) <= _MAX_BODY_LENGTH else f'{text[:_MAX_BODY_LENGTH]}...'}"


def findings_json_text(
    header: dict[str, Any], findings: Sequence[PrintableFinding], *, is_complete: bool = True
) -> str:
    """The findings as a JSON text; they are not all of them where the campaign was interrupted."""
    listed = [item.as_json() for item in findings]
    document = {"format": FORMAT_VERSION, **header, "findings": listed, "complete": is_complete}
    return json.dumps(document, indent=1) + "\n"
