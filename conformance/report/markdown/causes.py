"""The causes of a report as Markdown: what has to be mended first, each with its evidence in a fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.text import join_first
from conformance.report.markdown.markup import (
    code_block,
    details_block,
    escape_markdown,
    html_inline,
    inline_code,
    markdown_link,
)

if TYPE_CHECKING:
    from conformance.report.cause_view import CauseOverview, CauseView

_MAX_CALLS, _MAX_IDS, _MAX_COMMAND_LENGTH = 12, 12, 2000


def stopped_block(overview: CauseOverview) -> list[str]:
    """Which official SDKs can't deliver, a line each."""
    lines = [f"- **{escape_markdown(words)}**: {escape_markdown(why)}" for words, why in overview.stopped]
    return ["\n".join(lines)] if lines else []


def cause_block(view: CauseView) -> str:
    """A cause at the gate: a line, and its evidence in a fold."""
    cause = view.data
    head = (
        f"<b>{view.number}. {view.harm.upper()}</b> {cause['level'].upper()}: {html_inline(cause['sentence'])} "
        f"({html_inline(view.counted)})"
    )
    source = next(iter(cause["sources"]), None)
    lines = [
        f"- promise: {escape_markdown(cause['promise'])}",
        f"- on {join_first(map(inline_code, cause['calls']), _MAX_CALLS)}",
        f"- costs: {escape_markdown(view.costs)}",
        *(f"- {name} {inline_code(cause[name])}" for name in ("expected", "received") if cause[name]),
        *(f"- because {inline_code(text)}" for text in view.flaky),
        *([f"- look at: {escape_markdown(cause['hint'])}"] if cause.get("hint") else []),
        *([f"- documented in {_source(source)}"] if source else []),
        f"- checks: {join_first(map(inline_code, view.check_ids), _MAX_IDS)} (cause {inline_code(cause['id'])})",
    ]
    commands = [text for text in (cause["curl"], view.command) if text and len(text) <= _MAX_COMMAND_LENGTH]
    return details_block(head, [*lines, "", code_block("\n".join(commands), "sh")])


def _source(source: dict[str, str]) -> str:
    section = f', section "{source["section"]}"' if source["section"] else ""
    says = f": {escape_markdown(source['says'])}" if source["says"] else ""
    return f"{markdown_link(source['document'] + section, source['url'])}{says}"


def cause_line(view: CauseView) -> str:
    """A cause below the gate, or a known one, in one line."""
    cause = view.data
    known = f" (known: {escape_markdown(view.known)})" if view.known else ""
    return (
        f"- {view.number}. {view.harm.upper()} {cause['level'].upper()}: {escape_markdown(cause['sentence'])} "
        f"({escape_markdown(view.counted)}){known}"
    )
