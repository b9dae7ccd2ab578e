"""Texts as Markdown in which nothing from a stranger is markup: GitHub's dialect, with tables and folds."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST = 400
_MARKUP = re.compile(r"[\\`*_{}\[\]<>~&$]")
_LIVE = re.compile(r"[@#]|:(?=//)|w(?=ww\.)", re.IGNORECASE)
"""What makes a mention, a reference or a link even where it is escaped, unless a comment follows."""
_BLOCK = re.compile(r"^(\d*)(?=[-+=.)])")
"""What begins a list or underlines a heading."""


def plain(text: str) -> str:
    """A text in one line in which nothing is markup, a link or a mention."""
    escaped = _MARKUP.sub(r"\\\g<0>", _line(text))
    return _LIVE.sub(r"\g<0><!-- -->", _BLOCK.sub(r"\1\\", escaped))


def code(text: str) -> str:
    """A text in one line, as code: nothing is linked there and nobody is mentioned. Empty for none."""
    line = _line(text)
    fence = "`" * (_longest_run(line) + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{edge}{line}{edge}{fence}" if line else ""


def fenced(text: str, language: str = "") -> str:
    """A text as a block of code, as long as it is."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{safe(text)}\n{fence}"


def link(words: str, url: str) -> str:
    """Words that lead somewhere, if the address is one that a reader may follow."""
    if re.fullmatch(r"https?://[^\s<>\\]+", safe(url)):
        return f"[{plain(words)}](<{url}>)"
    return plain(words)


def fold(summary: str, lines: Iterable[str]) -> str:
    """Lines behind a summary; the summary is HTML, as `tagged` makes it."""
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"])


def tagged(text: str, tag: str = "") -> str:
    """A text in one line as HTML, in an element if one is named."""
    inner = _LIVE.sub(r"\g<0><!-- -->", escape(_line(text), quote=False))
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def some(words: Iterable[str], most: int) -> str:
    """The first few of many words, and how many more there are."""
    found = list(words)
    return ", ".join(found[:most]) + (f" and {len(found) - most:,} more" if len(found) > most else "")


def _line(text: str) -> str:
    """A text in one line, cut where it is endless."""
    line = " ".join(safe(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def _longest_run(text: str) -> int:
    return max((len(found) for found in re.findall("`+", text)), default=0)
