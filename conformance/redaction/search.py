"""Finds secrets in a text by decoding it, step by step: not by the spellings that there are, but by what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.redaction.digit_views import base64_views, hex_views, run_views
from conformance.redaction.packed_views import is_packed, packed_views
from conformance.redaction.views import (
    SIGNS,
    UNSEEN_STARTS,
    Span,
    escaped_views,
    joined_view,
    narrow_views,
    unstyled_views,
    visible_view,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.redaction.views import View

_MAX_DEPTH = 4
"""How many times a text is decoded."""
_SHALLOW = 2
"""How many times it is decoded for what is rare: base 32, bits, packed and reversed texts."""
_MAX_DECODED_BYTES, _MAX_DECODED_RATIO = 1024 * 1024, 24
"""How many bytes are decoded in all: a number of them, and so many times the bytes of the text."""
_BATCH_BYTES = 32_768
_MIN_PART_LENGTH = 8
"""The shortest part of a secret that counts, if it is cut; a part is at least three quarters of it."""
_WIDTHS = (1, 2, 4)
"""The bytes of a character in UTF-8, UTF-16 and UTF-32, all but one of which are 0 in text of ASCII."""
_PRINTABLE_AS_X = bytes(ord("x") if 0x21 <= code <= 0x7E else min(code, 1) for code in range(256))
_UNSEEN_LEADS = bytes({start[0] for start in UNSEEN_STARTS})
_MIN_SPACED_LENGTH = 8
"""The shortest secret that is looked for across blanks."""


Path: TypeAlias = "tuple[View, ...]"
"""The views that lead from a text to what it says in the end."""


@dataclass(frozen=True, slots=True)
class _Needle:
    """A secret as bytes in lower case, and how much of it has to be there.

    Every part of that length contains `core`, which begins at `core_start`. `whole` is the secret with its signs, if
    these are left out here, and what remains may be some words of a language.
    """

    secret: bytes
    placeholder: str
    whole: bytes = b""

    @property
    def min_length(self) -> int:
        """How much of the secret has to be there."""
        return _min_length(self.secret)

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
    """A place in a text that says a secret, or a part of it, and what to show there; `whole` as that of its needle."""

    span: Span
    placeholder: str
    whole: bytes = b""

    @property
    def length(self) -> int:
        """How many bytes of the text it takes."""
        return self.span[1] - self.span[0]


class SecretSearch:
    """Finds the places in texts that say a secret in any case, decoded or not, whole or cut at its ends."""

    def __init__(self, placeholders_by_secret: Mapping[str, str]) -> None:
        needles = {
            form: _Needle(form, placeholder)
            for secret, placeholder in placeholders_by_secret.items()
            for form in _folded_forms(secret)
        }
        self._needles = _with_cores(needles.values())
        self._cores = [core for core, _, _ in self._needles]
        long = [item for item in needles.values() if len(item.secret) >= _MIN_SPACED_LENGTH]
        joined = [item for item in map(_without_signs, long) if len(item.secret) >= _MIN_SPACED_LENGTH]
        reversed_ones = [replace(item, secret=_reversed(item.secret), whole=b"") for item in joined]
        self._joined_needles = _with_cores(joined)
        self._shallow_needles = _with_cores([*joined, *reversed_ones])
        self._spaced_needles = _with_cores(
            item for item in long if len(_without_signs(item).secret) < _MIN_SPACED_LENGTH
        )
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
        level: list[tuple[bytes, Path]] = [(data, ())]
        for _ in range(_MAX_DEPTH):
            deeper: list[tuple[bytes, Path]] = []
            for text, path in level:
                yield from self._spaced_hits(text, path)
                for batch in _batches(self._paths(text, path)):
                    room -= sum(len(views[-1].data) for views in batch)
                    if room < 0:
                        return
                    yield from self._hits_of(batch)
                    deeper += [(views[-1].data, views) for views in batch if self._may_be_encoded(views[-1].data)]
            level = deeper

    def _hits_of(self, batch: Sequence[Path]) -> Iterator[Hit]:
        """The hits in what was decoded, which is searched in one piece first: nearly always there are none."""
        folded = b"\0".join([views[-1].data for views in batch]).lower()
        for views in batch if _has_any(folded, self._cores) else ():
            for hit in _occurrences(views[-1].data, self._needles):
                yield Hit(_place_in_text(hit.span, views), hit.placeholder)

    def _paths(self, data: bytes, path: Path) -> Iterator[Path]:
        """The views that lead to all that a text decodes to in one step, and to what is packed in that."""
        is_shallow = len(path) < _SHALLOW
        if not path and is_packed(data):
            yield from ((view,) for view in packed_views(data))
        for view in self._views(data):
            yield (*path, view)
            if is_shallow and is_packed(view.data):
                yield from ((*path, view, packed) for packed in packed_views(view.data))
        for view in run_views(data) if is_shallow else ():
            yield (*path, view)

    def _may_be_encoded(self, data: bytes) -> bool:
        """Whether what was decoded is worth decoding: it has so many printable characters in a row, of any width.

        Or it has as many that are not seen, between which a secret may be.
        """
        classes = data.translate(_PRINTABLE_AS_X)
        if _has_any(classes, self._printable_runs):
            return True
        least = self._min_length - 1
        if data.isascii() or len(data) - len(data.translate(None, _UNSEEN_LEADS)) < least:
            return False
        return sum(map(data.count, UNSEEN_STARTS)) >= least

    def _views(self, data: bytes) -> Iterator[View]:
        """All that a text decodes to in one step."""
        yield from escaped_views(data)
        yield from unstyled_views(data)
        yield from narrow_views(data, self._min_length - 1)
        yield from base64_views(data, self._min_base64_length)
        yield from hex_views(data, 2 * self._min_length)

    def _spaced_hits(self, data: bytes, path: Path) -> Iterator[Hit]:
        """The hits across signs, blanks and characters that are not seen, and of what is reversed besides."""
        if self._spaced_needles:
            view = visible_view(data)
            for hit in _occurrences(view.data, self._spaced_needles):
                yield Hit(_place_in_text(hit.span, (*path, view)), hit.placeholder)
        if self._joined_needles:
            view = joined_view(data)
            needles = self._shallow_needles if len(path) < _SHALLOW else self._joined_needles
            for hit in _occurrences(view.data, needles):
                span = view.outer(hit.span)
                if not hit.whole or _is_separated(data[slice(*span)], hit.whole):
                    yield Hit(_place_in_text(span, path), hit.placeholder)


def _is_separated(text: bytes, whole: bytes) -> bool:
    """Whether a text says words of a secret with the secret's own signs, or letter by letter, and not as words."""
    count = len(joined_view(text).data.decode(errors="ignore"))
    return len(text.decode(errors="ignore")) >= 2 * count - 1 or visible_view(text).data.lower() in whole


def _without_signs(needle: _Needle) -> _Needle:
    """A needle of its letters and digits alone."""
    secret = needle.secret.translate(None, SIGNS)
    return replace(needle, secret=secret, whole=b"" if any(byte in b"0123456789" for byte in secret) else needle.secret)


def _has_any(data: bytes, parts: Iterable[bytes]) -> bool:
    """Whether a text has one of some parts."""
    for part in parts:  # noqa: SIM110 - `any` takes twice the time
        if part in data:
            return True
    return False


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Paths in groups, whose texts have about as many bytes together as are decoded of an answer."""
    batch, size = list[Path](), 0
    for path in paths:
        batch.append(path)
        size += len(path[-1].data)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _with_cores(needles: Iterable[_Needle]) -> list[tuple[bytes, int, _Needle]]:
    """Needles with what every long part of them contains, and where that begins."""
    return [(item.core, item.core_start, item) for item in needles]


def _reversed(secret: bytes) -> bytes:
    """A secret from its last character to its first."""
    try:
        return secret.decode()[::-1].encode()
    except UnicodeDecodeError:
        return secret[::-1]


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
                yield Hit((first, last), _shown_for(needle, last - first), needle.whole)
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


def _place_in_text(span: Span, views: Path) -> Span:
    """The place in the text that was received, from one in the last of the views on it."""
    for view in reversed(views):
        span = view.outer(span)
    return span
