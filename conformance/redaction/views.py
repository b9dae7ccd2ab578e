"""Texts decoded one step, with the places in the text before from which each part comes.

So what is found in a decoded text can be replaced in the text that was received.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from html.entities import html5
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Span: TypeAlias = "tuple[int, int]"
"""The place of the first byte, and that after the last one."""
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_BASE64_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_NOT_HEX, _NOT_BASE64 = (
    bytes(code for code in range(256) if code not in kept) for kept in (_HEX_DIGITS, _BASE64_CHARACTERS)
)
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_NOT_HEX_RUN = re.compile(rb"[^0-9a-fA-F]+|0[xX](?=[0-9a-fA-F])")
_NOT_BASE64_RUN = re.compile(rb"[^A-Za-z0-9+/_-]+")
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
_NUMBERS = re.compile(rb"[0-9][0-9]{1,2}[,; ]{1,2}(?:[0-9]{2,3}[,; ]{1,2}){5}[0-9]{2,3}")
_NUMBER = re.compile(rb"[0-9]+|[^0-9]+")
_NULS = re.compile(rb"\0+")
_MARKUP = re.compile(rb"<[/!a-zA-Z][^<>\x1b]{0,200}>|\x1b\[[0-9;:?]{0,32}[ -/]{0,4}[@-~]")
"""A tag of HTML, or a colour of a terminal."""
_FULLWIDTH = re.compile(rb"\xef(?:\xbc[\x81-\xbf]|\xbd[\x80-\x9e])")
"""A letter of ASCII as wide as one of Chinese, in UTF-8."""
_FIRST_FULLWIDTH = 0xFF01
_BASE64_BITS, _BYTE_BITS = 6, 8


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


class CodedView:
    """A text of bytes that were written with some bits in each character, decoded from the character `shift` on."""

    def __init__(self, before: View, data: bytes, shift: int, bits: int) -> None:
        self.data = data
        self._before, self._shift, self._bits = before, shift, bits

    def outer(self, span: Span) -> Span:
        """The place of a part in the text before."""
        first = self._shift + span[0] * _BYTE_BITS // self._bits
        last = self._shift - (-span[1] * _BYTE_BITS // self._bits)
        return self._before.outer((first, min(last, len(self._before.data))))


def escaped_views(data: bytes) -> Iterator[View]:
    """The text without escapes, if it has any; what its numbers are the codes of; and its UTF-8 read as such."""
    if any(mark in data for mark in (b"%", b"&", b"\\", b"=")):
        decoded = _ESCAPE.sub(_character, data)
        if decoded != data:
            yield EditedView(data, _ESCAPE, _character, decoded)
    if _NUMBERS.search(data):
        yield EditedView(data, _NUMBER, _numbered_character, _NUMBER.sub(_numbered_character, data))
    if b"\xc3" in data and b"\xc2" in data:
        yield EditedView(data, _MISREAD, _byte, _MISREAD.sub(_byte, data))


def unstyled_views(data: bytes) -> Iterator[View]:
    """The text without tags and colours, and with narrow letters in place of wide ones, if it has any."""
    if b"<" in data or b"\x1b[" in data:
        text = _MARKUP.sub(b"", data)
        if len(text) < len(data):
            yield EditedView(data, _MARKUP, _nothing, text)
    if b"\xef\xbc" in data or b"\xef\xbd" in data:
        yield EditedView(data, _FULLWIDTH, _narrow_letter, _FULLWIDTH.sub(_narrow_letter, data))


def visible_view(data: bytes) -> View:
    """The text without blanks, controls and characters that are not seen."""
    visible = data.translate(None, _BLANKS)
    return EditedView(data, _INVISIBLE, _nothing, visible if visible.isascii() else _UNSEEN.sub(b"", visible))


def narrow_views(data: bytes, min_length: int) -> Iterator[View]:
    """The text without NULs, if it has so many: as ASCII, where it may be UTF-16 or UTF-32."""
    if data.count(0) >= min_length:
        yield EditedView(data, _NULS, _nothing, data.replace(b"\0", b""))


def base64_views(data: bytes, min_length: int) -> Iterator[View]:
    """What the text is the base64 of, at each alignment, if it has so many characters of base64."""
    characters = data.translate(_STANDARD_ALPHABET, _NOT_BASE64)
    if len(characters) >= min_length:
        before = EditedView(data, _NOT_BASE64_RUN, _nothing, characters)
        padded = characters + b"AAAA"
        for shift in range(4):
            whole = padded[shift : shift + (len(padded) - shift) // 4 * 4]
            yield CodedView(before, binascii.a2b_base64(whole), shift, _BASE64_BITS)


def hex_views(data: bytes, min_length: int) -> Iterator[View]:
    """What the text has the hexadecimal digits of, at both alignments, if it has so many."""
    has_prefixes = b"0x" in data or b"0X" in data
    digits = _NOT_HEX_RUN.sub(b"", data) if has_prefixes else data.translate(None, _NOT_HEX)
    if len(digits) >= min_length:
        before = EditedView(data, _NOT_HEX_RUN, _nothing, digits)
        for shift in range(2):
            whole = digits[shift : shift + (len(digits) - shift) // 2 * 2]
            yield CodedView(before, binascii.a2b_hex(whole), shift, 4)


def _nothing(_: re.Match[bytes]) -> bytes:
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


def _numbered_character(match: re.Match[bytes]) -> bytes:
    """The byte with a number; nothing for other numbers, and for what is between them."""
    is_code = len(match[0]) <= 3 and match[0].isdigit() and int(match[0]) < 256
    return bytes((int(match[0]),)) if is_code else b""
