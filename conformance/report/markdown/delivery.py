"""What a sink shows of a run, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.report.delivery_table import COLUMNS, build_delivery_table
from conformance.report.markdown.markup import escape_markdown, inline_code, markdown_table

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_ROWS, _MAX_EXAMPLES, _MAX_LENGTH = 30, 12, 400


def delivery_blocks(document: Mapping[str, Any]) -> list[str]:
    """The section of delivery; nothing if no sink was looked into."""
    table = build_delivery_table(document)
    if table is None:
        return []
    rows = [[inline_code(row.name), *(f"{count:,}" for count in row.counts)] for row in table.rows[:_MAX_ROWS]]
    examples = "\n".join(f"- {inline_code(text[:_MAX_LENGTH])}" for text in table.examples[:_MAX_EXAMPLES])
    return [
        "## Delivery",
        f"{escape_markdown(table.sentence)}.",
        *([markdown_table(["path or SDK", *COLUMNS.values()], rows)] if rows else []),
        *([examples] if examples else []),
    ]
