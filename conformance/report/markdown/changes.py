"""Changes from one report to the next, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.report.changes import ChangeKind
from conformance.report.markdown.markup import escape_markdown, inline_code, join_first, markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.report.changes import ReportChange, ReportChanges

MAX_PAGE_BYTES = 60_000
"""A comment on GitHub takes 65,536 characters."""
_RESERVED_BYTES = 1000
"""What the headings, and the sentence on what is left out, take at most."""
_MAX_CALLS = 6
_TABLE_HEAD = ("check", "level", "on", "was", "now", "because")


def render_markdown_changes(report_changes: ReportChanges) -> str:
    """The page of changes: what is worse first; for what there is no room is counted."""
    blocks = [
        f"# {'Worse than before' if report_changes.is_worse else 'No worse than before'}",
        f"{report_changes.summary}.",
    ]
    blocks += [f"**{escape_markdown(remark)}**" for remark in report_changes.remarks]
    groups = report_changes.grouped_by_check()
    room = MAX_PAGE_BYTES - _RESERVED_BYTES - sum(len(block.encode()) + 2 for block in blocks)
    omitted_count = 0
    for kind in ChangeKind:
        rows = []
        for row in (_row(items) for items in groups if items[0].kind is kind):
            room -= sum(len(cell.encode()) + 3 for cell in row) + 2
            rows += [row] if room > 0 else []
            omitted_count += room <= 0
        if rows:
            blocks += [f"## {kind.capitalize()}", markdown_table(_TABLE_HEAD, rows)]
    if omitted_count:
        blocks.append(f"**{omitted_count:,} more are left out here; the JSON report of the comparison has them.**")
    return "\n\n".join(blocks) + "\n"


def _row(items: Sequence[ReportChange]) -> list[str]:
    """A check with all calls on which the same became of it."""
    first = items[0]
    return [
        f"{inline_code(first.id)} {escape_markdown(first.title)}",
        escape_markdown(first.level),
        join_first(_calls(items), _MAX_CALLS),
        first.was,
        first.now,
        inline_code(first.message.replace("|", "/")),
    ]


def _calls(items: Iterable[ReportChange]) -> Iterable[str]:
    return (inline_code(item.operation) for item in items if item.operation)
