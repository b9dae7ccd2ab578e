"""What two servers answer differently, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.report import diff_summary
from conformance.report.markdown.markup import (
    code_block,
    details_block,
    escape_markdown,
    html_inline,
    inline_code,
    join_first,
    markdown_link,
    markdown_table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PAGE_BYTES = 60_000
"""A comment on GitHub takes 65,536 characters."""
_MAX_LINE_LENGTH = 2_000
_MAX_SOURCES = 4
_TABLE_HEAD = ("in", "A", "B", "on")


def render_markdown_diff(document: Mapping[str, Any]) -> str:
    """The page of a comparison: the costliest difference first; those without room are counted."""
    head = [
        f"# {'Different' if document['differences'] else document['verdict'].capitalize()}",
        f"**{escape_markdown(diff_summary.diff_headline(document))}.**",
        *(
            f"{escape_markdown(remark)}."
            for remark in [*diff_summary.diff_remarks(document), diff_summary.describe_scope(document)]
        ),
    ]
    room = MAX_PAGE_BYTES - _MAX_LINE_LENGTH - sum(len(block.encode()) + 2 for block in head)
    blocks: list[str] = []
    for item in document["differences"]:
        block = _difference_block(item)
        room -= len(block.encode()) + 2
        if room < 0:
            omitted_count = len(document["differences"]) - len(blocks)
            blocks.append(f"**{omitted_count:,} more are left out here; the JSON and the HTML report have them.**")
            break
        blocks.append(block)
    return "\n\n".join([*head, *blocks]) + "\n"


def _difference_block(item: Mapping[str, Any]) -> str:
    """A difference behind its summary."""
    kept_by = html_inline(diff_summary.describe_kept_by(item))
    reactions = html_inline("; ".join(diff_summary.describe_reactions(item)))
    name, title = html_inline(item["id"], "code"), html_inline(item["title"], "b")
    head = f"{name} {item['level'].upper()} {title} {kept_by}; {reactions}"
    rows = [
        [
            escape_markdown(way["in"]),
            inline_code(way["A"]),
            inline_code(way["B"]),
            join_first(map(inline_code, way["calls"]), len(_TABLE_HEAD)),
        ]
        for way in item["ways"]
    ]
    details = [
        f"- {name} {inline_code(text)}" for name, text in diff_summary.detail_lines(item) if name in _SHOWN_DETAILS
    ]
    sources = [
        f"- documented in {markdown_link(source['document'], source['url'])}: {escape_markdown(source['says'])}"
        for source in item["sources"][:_MAX_SOURCES]
    ]
    curls = [code_block(item["curl"][side], "sh") for side in ("A", "B") if item["curl"][side]]
    curl_blocks = [block for text in curls if len(text) <= _MAX_LINE_LENGTH for block in ("", text)]
    return details_block(head, [markdown_table(_TABLE_HEAD, rows), "", *details, *sources, *curl_blocks])


_SHOWN_DETAILS = frozenset({"because", "also", "fuzz", "SDKs"})
