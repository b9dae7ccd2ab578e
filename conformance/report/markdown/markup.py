"""Texts as Markdown in which nothing from a stranger is markup: GitHub's dialect, with tables and folds."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from conformance.core.text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_LENGTH = 400
_MARKUP_CHARACTERS = re.compile(r"[\\`*_{}\[\]<>~&$]")
_AUTOLINKED = re.compile(r"[@#]|:(?=//)|w(?=ww\.)", re.IGNORECASE)
"""What makes a mention, a reference or a link even where it is escaped, unless a comment follows."""
_BLOCK_START = re.compile(r"^(\d*)(?=[-+=.)])")
"""What begins a list or underlines a heading."""


def escape_markdown(text: str) -> str:
    """A text in one line in which nothing is markup, a link or a mention."""
    escaped = _MARKUP_CHARACTERS.sub(r"\\\g<0>", _line(text))
    return _AUTOLINKED.sub(r"\g<0><!-- -->", _BLOCK_START.sub(r"\1\\", escaped))


def inline_code(text: str) -> str:
    """A text in one line, as code: nothing is linked there and nobody is mentioned. Empty for none."""
    line = _line(text)
    fence = "`" * (_longest_backtick_run(line) + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{edge}{line}{edge}{fence}" if line else ""


def code_block(text: str, language: str = "") -> str:
    """A text as a block of code, as long as it is."""
    fence = "`" * max(3, _longest_backtick_run(text) + 1)
    return f"{fence}{language}\n{escape_controls(text)}\n{fence}"


def markdown_link(words: str, url: str) -> str:
    """Words that lead somewhere, if the address is one that a reader may follow."""
    if re.fullmatch(r"https?://[^\s<>\\]+", escape_controls(url)):
        return f"[{escape_markdown(words)}](<{url}>)"
    return escape_markdown(words)


def details_block(summary: str, lines: Iterable[str]) -> str:
    """Lines behind a summary; the summary is HTML, as `tagged` makes it."""
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"])


def html_inline(text: str, tag: str = "") -> str:
    """A text in one line as HTML, in an element if one is named."""
    escaped = _AUTOLINKED.sub(r"\g<0><!-- -->", escape(_line(text), quote=False))
    return f"<{tag}>{escaped}</{tag}>" if tag else escaped


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def join_first(words: Iterable[str], limit: int) -> str:
    """The first few of many words, and how many more there are."""
    items = list(words)
    return ", ".join(items[:limit]) + (f" and {len(items) - limit:,} more" if len(items) > limit else "")


def _line(text: str) -> str:
    """A text in one line, cut where it is endless."""
    line = " ".join(escape_controls(text).split())
    return line if len(line) <= _MAX_LENGTH else f"{line[:_MAX_LENGTH]}\N{HORIZONTAL ELLIPSIS}"


def _longest_backtick_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
