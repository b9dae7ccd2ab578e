"""Texts decoded one step, with the places in the text before from which each part comes.

So what is found in a decoded text can be replaced in the text that was received.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from functools import partial
from html.entities import html5
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Span: TypeAlias = "tuple[int, int]"
"""The place of the first byte, and that after the last one."""
_ESCAPE = re.compile(
    rb"[%=&\\](?:(?<=%)u([0-9a-fA-F]{4})|(?<=[%=])([0-9a-fA-F]{2})"
    rb"|(?<=&)(?:#[xX]0{0,6}([0-9a-fA-F]{1,5});?|#0{0,6}([0-9]{1,6});?|([a-zA-Z]{2,8});)"
    rb"|(?<=\\)\\{0,31}(?:u(?:([0-9a-fA-F]{4})|\{0{0,6}([0-9a-fA-F]{1,5})\})|x([0-9a-fA-F]{2})|U0000([0-9a-fA-F]{4})"
    rb"|([0-3][0-7]{2})|([\"'/\\nrtbf])))"
)
"""An escape of URLs and of quoted-printable, of HTML, and of JSON, JavaScript, Python and C, their backslash repeated
as it is in JSON inside JSON."""
_BASES = (16, 16, 16, 10, 0, 16, 16, 16, 16, 8, 0)
"""The base of the number in each group of the pattern; 0 for a name or a character."""
_BYTE_GROUPS = frozenset({2, 8, 10})
"""Those that stand for a byte: `\\xe9` and `\\351` may be a character of Latin-1, too, and are searched for as both."""
_BLANKS = bytes((*range(0x21), 0x7F))
_UNSEEN = re.compile(
    rb"[\xc2\xcd\xe1\xe2\xe3\xef\xf3](?:(?<=\xc2)[\x80-\xa0\xad]|(?<=\xcd)\x8f|(?<=\xe1)\xa0\x8e|(?<=\xe2)\x80[\x80-\x8f\xa8-\xaf]"
    rb"|(?<=\xe2)\x81[\x9f-\xaf]|(?<=\xe3)\x80\x80|(?<=\xef)\xb8[\x80-\x8f]|(?<=\xef)\xbb\xbf|(?<=\xf3)\xa0[\x80-\x87][\x80-\xbf])"
)
"""Characters above ASCII that are not seen, in UTF-8."""
UNSEEN_STARTS = (
    b"\xc2\xa0",
    b"\xc2\xad",
    b"\xcd\x8f",
    b"\xe1\xa0",
    b"\xe2\x80",
    b"\xe2\x81",
    b"\xe3\x80",
    b"\xef\xb8",
    b"\xef\xbb",
    b"\xf3\xa0",
)
"""How those begin that are in use."""
_INVISIBLE = re.compile(rb"[\x00-\x20\x7f]+|" + _UNSEEN.pattern)
"""The same with blanks and controls."""
_MISREAD = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
"""A byte above ASCII as it stands in a text that was read as Latin-1, as headers are."""
_NUMBERS = re.compile(
    rb"[0-9](?<![0-9][0-9])[0-9]{1,7}(?:[^0-9A-Za-z%&#]{1,12}(?:[0-9]{1,5}\"[ :]{1,4})?[0-9]{2,8}){6}"
)
_NUMBER = re.compile(rb'"[0-9]{1,5}"\s{0,4}:|[0-9]+|[^0-9"]+|"')
"""A number, or the name of one in an object that counts its members, as JavaScript writes an array of bytes."""
_BITS = re.compile(rb"[01]{6,8}(?:[^0-9A-Za-z]{1,12}[01]{6,8}){6}")
_UTF_7 = re.compile(rb"\+(?:(A[A-H][A-Za-z0-9+/]{1,400})-?|-)")
"""Characters of ASCII in UTF-7 (RFC 2152), and the plus sign."""
SIGNS = bytes(code for code in range(0x80) if not chr(code).isalnum())
_SEPARATORS = re.compile(rb"[\x00-/:-@\[-`{-\x7f]+|" + _UNSEEN.pattern)
"""What is neither a letter nor a digit, and what is not seen."""
_NULS = re.compile(rb"\0+")
_MARKUP = re.compile(rb"<[/!a-zA-Z][^<>\x1b]{0,200}>|\x1b\[[0-9;:?]{0,32}[ -/]{0,4}[@-~]")
"""A tag of HTML, or a colour of a terminal."""
_FULLWIDTH = re.compile(rb"\xef(?:\xbc[\x81-\xbf]|\xbd[\x80-\x9e])")
"""A letter of ASCII as wide as one of Chinese, in UTF-8."""
_FIRST_FULLWIDTH = 0xFF01


class View(Protocol):
    """A decoded text; `outer` is the place in the text before of a part of it."""

    data: bytes

    def outer(self, span: Span) -> Span:
        """The place of a part in the text before."""


class EditedView:
    """A text in which every match of a pattern is replaced; where is only found out when it is asked for."""

    def __init__(
        self, before: bytes, pattern: re.Pattern[bytes], replacement: Callable[[re.Match[bytes]], bytes], data: bytes
    ) -> None:
        self.data = data
        self._before, self._pattern, self._replacement = before, pattern, replacement
        self._starts: list[int] = []
        self._edits: list[tuple[int, Span]] = []

    def outer(self, span: Span) -> Span:
        """The place of a part in the text before."""
        if not self._starts:
            self._find_edits()
        return self._place(span[0])[0], self._place(span[1] - 1)[1]

    def _find_edits(self) -> None:
        """The places of all edits, in this text and in the one before."""
        grown = 0
        for match in self._pattern.finditer(self._before):
            length = len(self._replacement(match))
            self._starts.append(match.start() + grown)
            self._edits.append((match.start() + grown + length, match.span()))
            grown += length - len(match[0])

    def _place(self, index: int) -> Span:
        """The place in the text before of one byte."""
        number = bisect_right(self._starts, index) - 1
        if number < 0:
            return index, index + 1
        end, (first, last) = self._edits[number]
        return (first, last) if index < end else (last + index - end, last + index - end + 1)


def escaped_views(data: bytes) -> Iterator[View]:
    """The text without escapes, if it has any; what its numbers are the codes of; and its UTF-8 read as such."""
    if any(mark in data for mark in (b"%", b"&", b"\\", b"=")):
        decoded = _ESCAPE.sub(_character, data)
        if decoded != data:
            yield EditedView(data, _ESCAPE, _character, decoded)
    if b"+A" in data or b"+-" in data:
        decoded = _UTF_7.sub(_utf_7_text, data)
        if decoded != data:
            yield EditedView(data, _UTF_7, _utf_7_text, decoded)
    if _NUMBERS.search(data):
        for base in (10, 8) if _BITS.search(data) is None else (2,):
            replacement = partial(_numbered_character, base=base)
            yield EditedView(data, _NUMBER, replacement, _NUMBER.sub(replacement, data))
    if b"\xc3" in data and b"\xc2" in data:
        yield EditedView(data, _MISREAD, _byte, _MISREAD.sub(_byte, data))


def unstyled_views(data: bytes) -> Iterator[View]:
    """The text without tags and colours, and with narrow letters in place of wide ones, if it has any."""
    if b"<" in data or b"\x1b[" in data:
        text = _MARKUP.sub(b"", data)
        if len(text) < len(data):
            yield EditedView(data, _MARKUP, removed, text)
    if b"\xef\xbc" in data or b"\xef\xbd" in data:
        yield EditedView(data, _FULLWIDTH, _narrow_letter, _FULLWIDTH.sub(_narrow_letter, data))


def visible_view(data: bytes) -> View:
    """The text without blanks, controls and characters that are not seen."""
    visible = data.translate(None, _BLANKS)
    return EditedView(data, _INVISIBLE, removed, visible if visible.isascii() else _UNSEEN.sub(b"", visible))


def joined_view(data: bytes) -> View:
    """The letters and digits of a text, and what is beyond ASCII and seen."""
    joined = data.translate(None, SIGNS)
    return EditedView(data, _SEPARATORS, removed, joined if joined.isascii() else _UNSEEN.sub(b"", joined))


def narrow_views(data: bytes, min_length: int) -> Iterator[View]:
    """The text without NULs, if it has so many: as ASCII, where it may be UTF-16 or UTF-32."""
    if data.count(0) >= min_length:
        yield EditedView(data, _NULS, removed, data.replace(b"\0", b""))


def removed(_: re.Match[bytes]) -> bytes:
    """Nothing, in place of a match."""
    return b""


def _narrow_letter(match: re.Match[bytes]) -> bytes:
    """The letter of ASCII that a wide one stands for."""
    return bytes((ord(match[0].decode()) - _FIRST_FULLWIDTH + ord("!"),))


def _byte(match: re.Match[bytes]) -> bytes:
    """The byte that a character of Latin-1 stands for."""
    return match[0].decode().encode("latin-1")


def _character(match: re.Match[bytes]) -> bytes:
    """What an escape stands for; itself if it stands for nothing."""
    number = match.lastindex or 0
    text, base = match[number], _BASES[number - 1]
    if not base:
        if match[0][:1] == b"&":
            return html5.get(f"{text.decode()};", match[0].decode()).encode()
        return b" " if text.isalpha() else text
    code = int(text, base)
    if number in _BYTE_GROUPS:
        return bytes((code,))
    return chr(code).encode("utf-8", "replace") if code <= 0x10FFFF else match[0]


def _numbered_character(match: re.Match[bytes], base: int) -> bytes:
    """The byte with a number of a base; nothing for other numbers, and for what is between them."""
    try:
        return bytes((int(match[0], base),)) if len(match[0]) <= 8 and match[0].isdigit() else b""
    except ValueError:
        return b""


def _utf_7_text(match: re.Match[bytes]) -> bytes:
    """What a part in UTF-7 stands for; itself if that is nothing."""
    if match[1] is None:
        return b"+"
    try:
        return base64.b64decode(match[1] + b"=" * (-len(match[1]) % 4)).decode("utf-16-be").encode()
    except ValueError:
        return match[0]
