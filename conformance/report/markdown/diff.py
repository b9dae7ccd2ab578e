"""A comparison of two servers as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.text import join_first
from conformance.report import diff_summary
from conformance.report.details import DetailKind
from conformance.report.markdown.markup import (
    MAX_COMMENT_BYTES,
    block_size,
    code_block,
    details_block,
    escape_markdown,
    html_inline,
    inline_code,
    markdown_link,
    markdown_table,
    take_fitting,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_LINE_LENGTH = 2_000
_MAX_SOURCES = 4
_MAX_CALLS = 4
_TABLE_HEAD = ("in", "A", "B", "on")
_SHOWN_DETAILS = frozenset({DetailKind.REASON, DetailKind.OTHER_CHECKS, DetailKind.GENERATED, DetailKind.SDKS})


def render_markdown_diff(document: Mapping[str, Any]) -> str:
    """The page of a comparison, the costliest difference first; those that do not fit are counted."""
    head = [
        f"# {'Different' if document['differences'] else document['verdict'].capitalize()}",
        f"**{escape_markdown(diff_summary.diff_headline(document))}.**",
        *(
            f"{escape_markdown(remark)}."
            for remark in [*diff_summary.diff_remarks(document), diff_summary.describe_scope(document)]
        ),
    ]
    all_blocks = [_difference_block(item) for item in document["differences"]]
    blocks = take_fitting(all_blocks, MAX_COMMENT_BYTES - _MAX_LINE_LENGTH - sum(map(block_size, head)), block_size)
    if len(blocks) < len(all_blocks):
        omitted_count = len(all_blocks) - len(blocks)
        blocks.append(f"**{omitted_count:,} more are left out here; the JSON and the HTML report have them.**")
    return "\n\n".join([*head, *blocks]) + "\n"


def _difference_block(item: Mapping[str, Any]) -> str:
    """A difference: a summary, and details in its fold."""
    kept_by = html_inline(diff_summary.describe_kept_by(item))
    reactions = html_inline("; ".join(diff_summary.describe_reactions(item)))
    name, title = html_inline(item["id"], "code"), html_inline(item["title"], "b")
    head = f"{name} {item['level'].upper()} {title} {kept_by}; {reactions}"
    rows = [
        [
            escape_markdown(way["in"]),
            *(inline_code(way[side]) for side in diff_summary.SIDES),
            join_first(map(inline_code, way["calls"]), _MAX_CALLS),
        ]
        for way in item["ways"]
    ]
    details = [
        f"- {detail.label} {inline_code(detail.text)}"
        for detail in diff_summary.describe_details(item)
        if detail.kind in _SHOWN_DETAILS
    ]
    sources = [
        f"- documented in {markdown_link(source['document'], source['url'])}: {escape_markdown(source['says'])}"
        for source in item["sources"][:_MAX_SOURCES]
    ]
    curls = [code_block(item["curl"][side], "sh") for side in diff_summary.SIDES if item["curl"][side]]
    curl_blocks = [block for text in curls if len(text) <= _MAX_LINE_LENGTH for block in ("", text)]
    return details_block(head, [markdown_table(_TABLE_HEAD, rows), "", *details, *sources, *curl_blocks])
