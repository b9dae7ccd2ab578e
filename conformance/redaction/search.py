"""Finds secrets in a text by decoding it, step by step: not by the spellings that there are, but by what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.redaction.views import (
    UNSEEN_STARTS,
    Span,
    base64_views,
    escaped_views,
    hex_views,
    narrow_views,
    unstyled_views,
    visible_view,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.redaction.views import View

_MAX_DEPTH = 4
"""How many times a text is decoded."""
_MAX_DECODED_BYTES, _MAX_DECODED_RATIO = 1024 * 1024, 24
"""How many bytes are decoded in all: a number of them, and so many times the bytes of the text."""
_MIN_PART_LENGTH = 8
"""The shortest part of a secret that counts, if it is cut; a part is at least three quarters of it."""
_WIDTHS = (1, 2, 4)
"""The bytes of a character in UTF-8, UTF-16 and UTF-32, all but one of which are 0 in text of ASCII."""
_PRINTABLE_AS_X = bytes(ord("x") if 0x21 <= code <= 0x7E else min(code, 1) for code in range(256))
_MIN_SPACED_LENGTH = 8
"""The shortest secret that is looked for across blanks."""


@dataclass(frozen=True, slots=True)
class _Needle:
    """A secret as bytes in lower case, and how much of it has to be there.

    Every part of that length contains `core`, which begins at `core_start`.
    """

    secret: bytes
    placeholder: str
    min_length: int

    @property
    def core_start(self) -> int:
        """Where the core begins in the secret."""
        return len(self.secret) - self.min_length

    @property
    def core(self) -> bytes:
        """What every part of the secret contains that is long enough."""
        return self.secret[self.core_start : self.min_length]


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a text that says a secret, or a part of it, and what to show there."""

    span: Span
    placeholder: str

    @property
    def length(self) -> int:
        """How many bytes of the text it takes."""
        return self.span[1] - self.span[0]


class SecretSearch:
    """Finds the places in texts that say a secret in any case, decoded or not, whole or cut at its ends."""

    def __init__(self, placeholders_by_secret: Mapping[str, str]) -> None:
        needles = {
            form: _Needle(form, placeholder, _min_length(form))
            for secret, placeholder in placeholders_by_secret.items()
            for form in _folded_forms(secret)
        }
        self._needles = [(item.core, item.core_start, item) for item in needles.values()]
        self._spaced_needles = [item for item in self._needles if len(item[2].secret) >= _MIN_SPACED_LENGTH]
        shortest = min((item.min_length for item in needles.values()), default=0)
        self._min_length = shortest
        self._min_base64_length = shortest * 4 // 3
        self._printable_runs = [(b"x" + bytes(width - 1)) * max(shortest - 1, 1) for width in _WIDTHS]

    def find(self, data: bytes) -> list[Hit]:
        """The places, in order, none of which overlap."""
        if len(data) < self._min_length or not self._needles:
            return []
        hits = sorted(self._search(data), key=lambda hit: hit.span)
        merged: list[Hit] = []
        for hit in hits:
            if merged and hit.span[0] < merged[-1].span[1]:
                last = merged[-1]
                longer = hit if hit.length > last.length else last
                merged[-1] = Hit((last.span[0], max(last.span[1], hit.span[1])), longer.placeholder)
            else:
                merged.append(hit)
        return merged

    def _search(self, data: bytes) -> Iterator[Hit]:
        """The hits in a text and in all that it decodes to, shallow ones first."""
        yield from _occurrences(data, self._needles)
        room = _MAX_DECODED_BYTES + _MAX_DECODED_RATIO * len(data)
        level: list[tuple[bytes, tuple[View, ...]]] = [(data, ())]
        for _ in range(_MAX_DEPTH):
            deeper: list[tuple[bytes, tuple[View, ...]]] = []
            for text, path in level:
                yield from self._spaced_hits(text, path)
                for view in self._views(text):
                    room -= len(view.data)
                    if room < 0:
                        return
                    views = (*path, view)
                    for hit in _occurrences(view.data, self._needles):
                        yield Hit(_place_in_text(hit.span, views), hit.placeholder)
                    if self._may_be_encoded(view.data):
                        deeper.append((view.data, views))
            level = deeper

    def _may_be_encoded(self, data: bytes) -> bool:
        """Whether what was decoded is worth decoding: it has so many printable characters in a row, of any width.

        Or it has as many that are not seen, between which a secret may be.
        """
        classes = data.translate(_PRINTABLE_AS_X)
        if any(run in classes for run in self._printable_runs):
            return True
        return not data.isascii() and sum(map(data.count, UNSEEN_STARTS)) >= self._min_length - 1

    def _views(self, data: bytes) -> Iterator[View]:
        """All that a text decodes to in one step."""
        yield from escaped_views(data)
        yield from unstyled_views(data)
        yield from narrow_views(data, self._min_length - 1)
        yield from base64_views(data, self._min_base64_length)
        yield from hex_views(data, 2 * self._min_length)

    def _spaced_hits(self, data: bytes, path: tuple[View, ...]) -> Iterator[Hit]:
        """The hits across blanks and characters that are not seen."""
        if self._spaced_needles:
            view = visible_view(data)
            if len(view.data) < len(data):
                for hit in _occurrences(view.data, self._spaced_needles):
                    yield Hit(_place_in_text(hit.span, (*path, view)), hit.placeholder)


def _folded_forms(secret: str) -> set[bytes]:
    """A secret in the cases that a server may give it, in UTF-8 and Latin-1, and as UTF-8 that was read as Latin-1."""
    texts = (secret, secret.lower(), secret.upper())
    forms = {form.encode("utf-8", "surrogatepass") for form in texts}
    misread = {form.decode("latin-1").encode() for form in forms}
    latin = {form.encode("latin-1", "ignore") for form in texts if max(form) <= "\xff"}
    return {form.lower() for form in forms | misread | latin}


def _min_length(secret: bytes) -> int:
    """How much of a secret has to be there."""
    return min(len(secret), max(_MIN_PART_LENGTH, -(-len(secret) * 3 // 4)))


def _occurrences(data: bytes, needles: list[tuple[bytes, int, _Needle]]) -> Iterator[Hit]:
    """The places of secrets, and of long parts of them, in a text as it is."""
    folded = data.lower()
    for core, core_start, needle in needles:
        found = folded.find(core)
        while found >= 0:
            first, last = _extend(folded, found, core_start, needle)
            if last - first >= needle.min_length:
                yield Hit((first, last), _shown_for(needle, last - first))
            found = folded.find(core, max(last, found + 1))


def _shown_for(needle: _Needle, length: int) -> str:
    """What is shown in place of so many bytes of a secret: `part($KEY)` for a part of it, or of the truncated key."""
    if length == len(needle.secret):
        return needle.placeholder
    return f"part({needle.placeholder.rpartition('(')[2].rstrip(')')})"


def _extend(data: bytes, found: int, core_start: int, needle: _Needle) -> Span:
    """The part of a secret around its core in a text."""
    secret, first, last = needle.secret, found, found + len(needle.core)
    index = core_start
    while index and first and secret[index - 1] == data[first - 1]:
        index, first = index - 1, first - 1
    index = core_start + len(needle.core)
    while index < len(secret) and last < len(data) and secret[index] == data[last]:
        index, last = index + 1, last + 1
    return first, last


def _place_in_text(span: Span, views: tuple[View, ...]) -> Span:
    """The place in the text that was received, from one in the last of the views on it."""
    for view in reversed(views):
        span = view.outer(span)
    return span
