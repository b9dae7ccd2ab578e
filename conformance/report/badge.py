"""A badge: the share of kept MUST promises, as SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from conformance.core.model import Level
from conformance.core.text import clean_for_xml, escape_controls
from conformance.report.matrix import build_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHARACTER_WIDTHS = {
    **dict.fromkeys("ijl.,:;|!'", 30),
    **dict.fromkeys("ft()[]/\\ -r", 42),
    **dict.fromkeys("mMW%@", 100),
    **dict.fromkeys("wABCDEGHKNOPQRSTUVXYZ&+=<>#~", 78),
    **dict.fromkeys("0123456789abcdeghknopquvxyz_$?*FJL", 64),
    "I": 46, "s": 54,
}  # fmt: skip
"""Widths of characters in hundredths of the font size, rather too wide for sans-serif fonts."""
_DEFAULT_CHARACTER_WIDTH = 100
_FONT_SIZE, _PADDING, _HEIGHT = 11, 6, 20
_MAX_NAME_LENGTH = 40
_NAME_COLOR, _GOOD_COLOR, _PARTIAL_COLOR, _BAD_COLOR, _UNJUDGED_COLOR = (
    "#444c56",
    "#116329",
    "#7d4e00",
    "#a40e26",
    "#57606a",
)
"""White text has a contrast of at least 4.5 on each of these colors."""
_PARTIAL_FROM_PERCENT = 90


def render_badge(document: Mapping[str, Any]) -> str:
    """An SVG such as "acme: 97 % of must": the share of the judged promises at MUST that were kept.

    Shares are rounded down, so 100 % means all. If nothing was judged, the badge says "not judged".
    """
    (column,) = build_matrix([document]).columns
    name = _shorten(column.profile_name)
    if column.judged:
        percent = 100 * column.kept // column.judged
        value, fill = f"{percent} % of {Level.MUST}", _color(percent)
    else:
        value, fill = "not judged", _UNJUDGED_COLOR
    left, right = (_text_width(text) + 2 * _PADDING for text in (name, value))
    return _SVG.format(
        width=left + right, left=left, right=right, height=_HEIGHT, size=_FONT_SIZE, dark=_NAME_COLOR, fill=fill,
        label=escape(f"{name}: {value}"), name=escape(name), says=escape(value),
        name_at=left / 2, says_at=left + right / 2, name_width=left - 2 * _PADDING, says_width=right - 2 * _PADDING,
    )  # fmt: skip


def _shorten(name: str) -> str:
    """A profile's name in one line of at most 40 characters."""
    line = " ".join(clean_for_xml(escape_controls(name)).split())
    return line if len(line) <= _MAX_NAME_LENGTH else f"{line[: _MAX_NAME_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}"


def _color(percent: int) -> str:
    return _GOOD_COLOR if percent == 100 else _PARTIAL_COLOR if percent >= _PARTIAL_FROM_PERCENT else _BAD_COLOR


def _text_width(text: str) -> int:
    """The width of a text, in whole units."""
    return -(-sum(_CHARACTER_WIDTHS.get(character, _DEFAULT_CHARACTER_WIDTH) for character in text) * _FONT_SIZE // 100)


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" aria-label="{label}">
<title>{label}</title>
<rect width="{left}" height="{height}" fill="{dark}"/>
<rect x="{left}" width="{right}" height="{height}" fill="{fill}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="{size}" text-anchor="middle">
<text x="{name_at}" y="14" textLength="{name_width}">{name}</text>
<text x="{says_at}" y="14" textLength="{says_width}">{says}</text>
</g>
</svg>
"""
