"""What two servers answer differently, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.report import differences
from conformance.report.markdown.markup import code, fenced, fold, link, plain, some, table, tagged

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_BYTES = 60_000
"""A comment on GitHub takes 65,536 characters."""
_LONGEST_LINE = 2_000
_MOST_SOURCES = 4
_HEADS = ("in", "A", "B", "on")


def markdown_differences(document: Mapping[str, Any]) -> str:
    """The page of a comparison: the costliest difference first; those without room are counted."""
    head = [
        f"# {'Different' if document['differences'] else document['verdict'].capitalize()}",
        f"**{plain(differences.headline(document))}.**",
        *(f"{plain(remark)}." for remark in [*differences.remarks(document), differences.compared(document)]),
    ]
    room = LONGEST_BYTES - _LONGEST_LINE - sum(len(block.encode()) + 2 for block in head)
    blocks: list[str] = []
    for item in document["differences"]:
        block = _difference(item)
        room -= len(block.encode()) + 2
        if room < 0:
            left = len(document["differences"]) - len(blocks)
            blocks.append(f"**{left:,} more are left out here; the JSON and the HTML report have them.**")
            break
        blocks.append(block)
    return "\n\n".join([*head, *blocks]) + "\n"


def _difference(item: Mapping[str, Any]) -> str:
    """A difference behind its summary."""
    keeps = tagged(differences.keeps(item))
    reactions = tagged("; ".join(differences.reactions(item)))
    name, title = tagged(item["id"], "code"), tagged(item["title"], "b")
    head = f"{name} {item['level'].upper()} {title} {keeps}; {reactions}"
    rows = [
        [plain(way["in"]), code(way["A"]), code(way["B"]), some(map(code, way["calls"]), len(_HEADS))]
        for way in item["ways"]
    ]
    told = [f"- {name} {code(text)}" for name, text in differences.lines(item) if name in _TOLD]
    sources = [
        f"- documented in {link(source['document'], source['url'])}: {plain(source['says'])}"
        for source in item["sources"][:_MOST_SOURCES]
    ]
    curls = [fenced(item["curl"][side], "sh") for side in ("A", "B") if item["curl"][side]]
    shown = [block for text in curls if len(text) <= _LONGEST_LINE for block in ("", text)]
    return fold(head, [table(_HEADS, rows), "", *told, *sources, *shown])


_TOLD = frozenset({"because", "also", "fuzz", "SDKs"})
