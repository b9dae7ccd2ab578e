"""Texts whose characters are digits: of base 64, 32, 16 and 2. A number of bits each, from any bit on."""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from conformance.redaction.views import EditedView, removed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.redaction.views import Span, View

_BYTE_BITS = 8
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_BASE64_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_NOT_HEX, _NOT_BASE64 = (
    bytes(code for code in range(256) if code not in kept) for kept in (_HEX_DIGITS, _BASE64_CHARACTERS)
)
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_NOT_HEX_RUN = re.compile(rb"[^0-9a-fA-F]+|0[xX](?=[0-9a-fA-F])")
_NOT_BASE64_RUN = re.compile(rb"[^A-Za-z0-9+/_-]+")
_MIN_RUN, _MIN_WORD_RUN = 12, 26
"""The shortest run of digits of base 32, with a digit among them and without: other words are seldom so long."""
_UPPER, _LOWER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz234567"
_UPPER_RUN, _LOWER_RUN = re.compile(rb"[A-Z2-7]+"), re.compile(rb"[a-z2-7]+")
_BASE32_VALUES = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567",
    b"0123456789abcdefghijklmnop0123456789abcdefghijklmnopqrstuv",
)
"""The digits of RFC 4648, section 6, as Python writes them."""
_MIN_BITS = 64
_MANY_DIGITS, _MANY_BITS = b"\1" * _MIN_RUN, b"\2" * _MIN_BITS
_BIT_RUN = re.compile(rb"[01]+")
_UPPER_OR_BIT, _LOWER_DIGIT = (
    bytes((code in digits) + 2 * (code in b"01") for code in range(256)) for digits in (_UPPER, _LOWER)
)
"""Which characters are digits of base 32, and which are bits."""


class PickedView:
    """Some parts of a text, one after the other; there is at least one."""

    def __init__(self, before: bytes, places: Sequence[Span]) -> None:
        self.data = b"".join(before[first:last] for first, last in places)
        self._places = places
        self._starts = [0, *accumulate(last - first for first, last in places[:-1])]

    def outer(self, span: Span) -> Span:
        """The place of a part in the text before."""
        return self._place(span[0]), self._place(span[1] - 1) + 1

    def _place(self, index: int) -> int:
        """The place in the text before of one byte."""
        number = bisect_right(self._starts, index) - 1
        return self._places[number][0] + index - self._starts[number]


class DigitView:
    """A text of bytes that were written with some bits in each character, decoded from a bit on."""

    def __init__(self, before: View, data: bytes, first_bit: int, bits: int) -> None:
        self.data = data
        self._before, self._first_bit, self._bits = before, first_bit, bits

    def outer(self, span: Span) -> Span:
        """The place of a part in the text before."""
        first = (self._first_bit + span[0] * _BYTE_BITS) // self._bits
        last = -(-(self._first_bit + span[1] * _BYTE_BITS) // self._bits)
        return self._before.outer((first, min(last, len(self._before.data))))


def base64_views(data: bytes, min_length: int) -> Iterator[View]:
    """What the text is the base64 of, at each alignment, if it has so many characters of base64."""
    characters = data.translate(_STANDARD_ALPHABET, _NOT_BASE64)
    if len(characters) >= min_length:
        before = EditedView(data, _NOT_BASE64_RUN, removed, characters)
        padded = characters + b"AAAA"
        for shift in range(4):
            whole = padded[shift : shift + (len(padded) - shift) // 4 * 4]
            yield DigitView(before, binascii.a2b_base64(whole), 6 * shift, 6)


def hex_views(data: bytes, min_length: int) -> Iterator[View]:
    """What the text has the hexadecimal digits of, at both alignments, if it has so many."""
    has_prefixes = b"0x" in data or b"0X" in data
    digits = _NOT_HEX_RUN.sub(b"", data) if has_prefixes else data.translate(None, _NOT_HEX)
    if len(digits) >= min_length:
        before = EditedView(data, _NOT_HEX_RUN, removed, digits)
        for shift in range(2):
            whole = digits[shift : shift + (len(digits) - shift) // 2 * 2]
            yield DigitView(before, binascii.a2b_hex(whole), 4 * shift, 4)


def run_views(data: bytes) -> Iterator[View]:
    """What long runs of digits of base 32, and of zeros and ones, stand for, if the text has any."""
    if len(data) < _MIN_RUN:
        return
    upper, lower = data.translate(_UPPER_OR_BIT), data.translate(_LOWER_DIGIT)
    runs = {*_runs(data, upper, _MANY_DIGITS, _UPPER_RUN), *_runs(data, lower, _MANY_DIGITS, _LOWER_RUN)}
    yield from _bit_views(data, sorted(span for span in runs if _is_base32(data[slice(*span)])), 5)
    yield from _bit_views(data, [*_runs(data, upper, _MANY_BITS, _BIT_RUN)], 1)


def _runs(data: bytes, classes: bytes, many: bytes, run: re.Pattern[bytes]) -> Iterator[Span]:
    """The places of long runs of digits, where their classes say that there are so many."""
    start = classes.find(many)
    while start >= 0 and (match := run.match(data, start)):
        yield match.span()
        start = classes.find(many, match.end())


def _is_base32(run: bytes) -> bool:
    """Whether a run is no word of a language."""
    return len(run) >= _MIN_WORD_RUN or not run.isalpha()


def _bit_views(data: bytes, runs: Sequence[Span], bits: int) -> Iterator[View]:
    """What some runs of digits with some bits each stand for, from each of the first eight bits on."""
    if not runs:
        return
    before = PickedView(data, runs)
    digits = before.data if bits == 1 else before.data.translate(_BASE32_VALUES)
    number, count = int(digits, 1 << bits), len(digits) * bits
    for shift in range(_BYTE_BITS):
        length, rest = divmod(count - shift, _BYTE_BITS)
        decoded = ((number >> rest) & ((1 << length * _BYTE_BITS) - 1)).to_bytes(length)
        yield DigitView(before, decoded, shift, bits)
