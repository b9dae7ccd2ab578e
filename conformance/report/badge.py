"""A badge: how much of what must be kept was kept, as a small picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from conformance.model import Level
from conformance.report.matrix import matrix
from conformance.text import safe, xml_safe

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTHS = {
    **dict.fromkeys("ijl.,:;|!'", 30),
    **dict.fromkeys("ft()[]/\\ -r", 42),
    **dict.fromkeys("mMW%@", 100),
    **dict.fromkeys("wABCDEGHKNOPQRSTUVXYZ&+=<>#~", 78),
    **dict.fromkeys("0123456789abcdeghknopquvxyz_$?*FJL", 64),
    "I": 46, "s": 54,
}  # fmt: skip
"""How wide characters are, in hundredths of the size of the type: on the safe side for sans-serif faces."""
_WIDEST = 100
_TYPE, _PAD, _HEIGHT = 11, 6, 20
_MOST = 40
_DARK, _GOOD, _POOR, _BAD, _NOTHING = "#444c56", "#116329", "#7d4e00", "#a40e26", "#57606a"
"""White text has a contrast of at least 4.5 on each."""
_POOR_FROM = 90


def badge(document: Mapping[str, Any]) -> str:
    """An SVG that says, as "acme: 97 % of must", what share of the judged promises at MUST was kept.

    Shares are rounded down: 100 % means all. A run in which nothing could be judged says so.
    """
    (column,) = matrix([document]).columns
    name = _short(column.profile)
    if column.judged:
        percent = 100 * column.kept // column.judged
        says, fill = f"{percent} % of {Level.MUST}", _fill(percent)
    else:
        says, fill = "not judged", _NOTHING
    left, right = (_width(text) + 2 * _PAD for text in (name, says))
    return _SVG.format(
        width=left + right, left=left, right=right, height=_HEIGHT, size=_TYPE, dark=_DARK, fill=fill,
        label=escape(f"{name}: {says}"), name=escape(name), says=escape(says),
        name_at=left / 2, says_at=left + right / 2, name_width=left - 2 * _PAD, says_width=right - 2 * _PAD,
    )  # fmt: skip


def _short(name: str) -> str:
    """A profile's name, cut where it is long."""
    line = " ".join(xml_safe(safe(name)).split())
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _fill(percent: int) -> str:
    return _GOOD if percent == 100 else _POOR if percent >= _POOR_FROM else _BAD


def _width(text: str) -> int:
    """How wide a text is, in whole units."""
    return -(-sum(_WIDTHS.get(character, _WIDEST) for character in text) * _TYPE // 100)


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
