"""Texts from strangers, made safe for terminals and files."""

from __future__ import annotations

import re

_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

_BEYOND_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LATIN_1 = 0xFF


def safe(text: str) -> str:
    """A text that can't steer a terminal: control characters are shown as escapes."""
    return _CONTROLS.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code <= _LATIN_1 else f"\\u{code:04x}"


def storable(text: str) -> str:
    """A text without lone surrogates, which no file can hold."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def xml_safe(text: str) -> str:
    """A text without what XML can't hold or a terminal would obey; it is not escaped yet."""
    return _BEYOND_XML.sub("\N{REPLACEMENT CHARACTER}", safe(text))


def band(least: int, most: int) -> str:
    """A number, or the two that a number lies between."""
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
