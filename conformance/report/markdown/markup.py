"""Text escaped for GitHub Markdown, with tables and folds, and the room on a page."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, TypeVar

from conformance.core.text import escape_controls, truncate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

MAX_COMMENT_BYTES = 60_000
"""The size of a page: a comment on GitHub takes 65,536 characters, a job summary 1 MiB."""
_MAX_LENGTH = 400
_MARKUP_CHARACTERS = re.compile(r"[\\`*_{}\[\]<>~&$]")
_AUTOLINKED = re.compile(r"[@#]|:(?=//)|w(?=ww\.)", re.IGNORECASE)
"""Characters that make a mention, a reference or a link even where they are escaped, unless a comment follows."""
_BLOCK_START = re.compile(r"^(\d*)(?=[-+=.)])")
"""The start of a list, or the underline of a heading."""


def escape_markdown(text: str) -> str:
    """A text in one line in which nothing is markup, a link or a mention."""
    escaped = _MARKUP_CHARACTERS.sub(r"\\\g<0>", _line(text))
    return _AUTOLINKED.sub(r"\g<0><!-- -->", _BLOCK_START.sub(r"\1\\", escaped))


def inline_code(text: str) -> str:
    """A text in one line, as code, in which GitHub makes no links and mentions. Empty for an empty text."""
    line = _line(text)
    fence = "`" * (_longest_backtick_run(line) + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{edge}{line}{edge}{fence}" if line else ""


def code_block(text: str, language: str = "") -> str:
    """A text as a block of code, in full length."""
    fence = "`" * max(3, _longest_backtick_run(text) + 1)
    return f"{fence}{language}\n{escape_controls(text)}\n{fence}"


def markdown_link(words: str, url: str) -> str:
    """A link, if the URL is HTTP; otherwise the words alone."""
    if re.fullmatch(r"https?://[^\s<>\\]+", escape_controls(url)):
        return f"[{escape_markdown(words)}](<{url}>)"
    return escape_markdown(words)


def details_block(summary: str, lines: Iterable[str]) -> str:
    """A fold: lines behind a summary, which is HTML, see `html_inline`."""
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"])


def html_inline(text: str, tag: str = "") -> str:
    """A text in one line as HTML, inside an element if `tag` is given."""
    escaped = _AUTOLINKED.sub(r"\g<0><!-- -->", escape(_line(text), quote=False))
    return f"<{tag}>{escaped}</{tag}>" if tag else escaped


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Its cells are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def take_fitting(items: Iterable[T], room: int, size: Callable[[T], int]) -> list[T]:
    """The first items that together take at most `room` bytes."""
    kept = []
    for item in items:
        room -= size(item)
        if room < 0:
            break
        kept.append(item)
    return kept


def block_size(text: str) -> int:
    """The bytes of a block, with the empty line after it."""
    return len(text.encode()) + 2


def row_size(cells: Iterable[str]) -> int:
    """The bytes of a table row, with its bars."""
    return sum(len(cell.encode()) + 3 for cell in cells) + 2


def _line(text: str) -> str:
    """A text in one line, cut if it is very long."""
    return truncate(" ".join(escape_controls(text).split()), _MAX_LENGTH, "\N{HORIZONTAL ELLIPSIS}")


def _longest_backtick_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
