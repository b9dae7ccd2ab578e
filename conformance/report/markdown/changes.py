"""Changes from one report to the next, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.report.changes import Turn
from conformance.report.markdown.markup import code, plain, some, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.report.changes import Change, Changes

LONGEST_BYTES = 60_000
"""A comment on GitHub takes 65,536 characters."""
_HEADINGS = 1000
"""What the headings, and the sentence on what is left out, take at most."""
_MOST_CALLS = 6
_HEAD = ("check", "level", "on", "was", "now", "because")


def markdown_changes(found: Changes) -> str:
    """The page of changes: what is worse first; for what there is no room is counted."""
    blocks = [f"# {'Worse than before' if found.is_worse else 'No worse than before'}", f"{found.says}."]
    blocks += [f"**{plain(remark)}**" for remark in found.remarks]
    groups = found.alike()
    room = LONGEST_BYTES - _HEADINGS - sum(len(block.encode()) + 2 for block in blocks)
    left = 0
    for turn in Turn:
        rows = []
        for row in (_row(items) for items in groups if items[0].turn is turn):
            room -= sum(len(cell.encode()) + 3 for cell in row) + 2
            rows += [row] if room > 0 else []
            left += room <= 0
        if rows:
            blocks += [f"## {turn.capitalize()}", table(_HEAD, rows)]
    if left:
        blocks.append(f"**{left:,} more are left out here; the JSON report of the comparison has them.**")
    return "\n\n".join(blocks) + "\n"


def _row(items: Sequence[Change]) -> list[str]:
    """A check with all calls on which the same became of it."""
    first = items[0]
    return [
        f"{code(first.id)} {plain(first.title)}",
        plain(first.level),
        some(_calls(items), _MOST_CALLS),
        first.was,
        first.now,
        code(first.message.replace("|", "/")),
    ]


def _calls(items: Iterable[Change]) -> Iterable[str]:
    return (code(item.operation) for item in items if item.operation)
