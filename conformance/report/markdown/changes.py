"""Changes from one report to the next, as Markdown."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from conformance.core.text import join_first
from conformance.report.markdown.markup import (
    MAX_COMMENT_BYTES,
    block_size,
    escape_markdown,
    inline_code,
    markdown_table,
    row_size,
    take_fitting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.report.cause_changes import CauseComparison
    from conformance.report.changes import ReportChange, ReportChanges

_RESERVED_BYTES = 1000
"""Room for the headings, and for the sentence that counts the rest."""
_MAX_CALLS = 6
_CAUSE_BYTES = 20_000
_CAUSE_HEAD = ("turn", "harm", "level", "cause", "id", "checks")
_TABLE_HEAD = ("check", "level", "on", "was", "now", "because")


def render_markdown_changes(report_changes: ReportChanges) -> str:
    """The page of changes, the worst first; those that do not fit are counted."""
    blocks = [
        f"# {'Worse than before' if report_changes.is_worse else 'No worse than before'}",
        f"{report_changes.summary}.",
    ]
    blocks += [f"**{escape_markdown(remark)}**" for remark in report_changes.remarks]
    blocks += _cause_blocks(report_changes.causes)
    all_rows = [(items[0].kind, _row(items)) for items in report_changes.grouped_by_check()]
    room = MAX_COMMENT_BYTES - _RESERVED_BYTES - sum(map(block_size, blocks))
    rows = take_fitting(all_rows, room, lambda item: row_size(item[1]))
    for kind, group in groupby(rows, key=itemgetter(0)):
        blocks += [f"## {kind.capitalize()}", markdown_table(_TABLE_HEAD, [row for _, row in group])]
    omitted_count = len(all_rows) - len(rows)
    if omitted_count:
        blocks.append(f"**{omitted_count:,} more are left out here; the JSON report of the comparison has them.**")
    return "\n\n".join(blocks) + "\n"


def _cause_blocks(comparison: CauseComparison) -> list[str]:
    """The causes that changed, the worst first, as a table; those that do not fit are counted."""
    rows = [
        [item.turn, item.cause["harm"], escape_markdown(item.cause["level"]), escape_markdown(item.cause["sentence"]),
         inline_code(item.cause["id"]), item.counted]
        for item in comparison.changes
    ]  # fmt: skip
    shown = take_fitting(rows, _CAUSE_BYTES, row_size)
    more = len(rows) - len(shown)
    return [
        *(["## Causes", f"{comparison.summary}."] if comparison.summary else []),
        *([markdown_table(_CAUSE_HEAD, shown)] if shown else []),
        *([f"**{more:,} more causes are left out here.**"] if more else []),
    ]


def _row(items: Sequence[ReportChange]) -> list[str]:
    """A check, with all calls on which it changed alike."""
    first = items[0]
    return [
        f"{inline_code(first.id)} {escape_markdown(first.title)}",
        escape_markdown(first.level),
        join_first((inline_code(item.operation) for item in items if item.operation), _MAX_CALLS),
        first.was,
        first.now,
        inline_code(first.message.replace("|", "/")),
    ]
