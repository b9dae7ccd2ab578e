"""Replaces secrets in texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.redaction.search import SecretSearch
from conformance.redaction.spellings import MIN_SECRET_LENGTH, spellings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_MAX_DECODED_BYTES = 16_384
_MAX_CACHED_LENGTH, _MAX_CACHED_TEXTS = 1000, 10_000
"""The same headers, messages and short answers come again and again."""


class TextRedactor:
    """Replaces every secret by its placeholder, however it is written down.

    `secrets` maps a secret to its placeholder, such as `$CONFORMANCE_WRITE_KEY`. A secret of fewer than four
    characters is not replaced: that would make every text unreadable.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {
            secret: placeholder for secret, placeholder in secrets.items() if len(secret) >= MIN_SECRET_LENGTH
        }
        placeholders = {
            spelling: placeholder for secret, placeholder in self._secrets.items() for spelling in spellings_of(secret)
        }
        self._text_replacements = sorted(placeholders.items(), key=lambda item: -len(item[0]))
        self._byte_replacements = [
            (spelling.encode(), placeholder.encode()) for spelling, placeholder in self._text_replacements
        ]
        self._search = SecretSearch(self._secrets)
        self._placeholders = [placeholder.encode() for placeholder in {*self._secrets.values()}]
        self._cache: dict[str, str] = {}
        self._body_cache: dict[bytes, bytes] = {}

    def redact_text(self, text: str) -> str:
        """A text without secrets."""
        if text in self._cache:
            return self._cache[text]
        known = self.replace_known_spellings(text)
        data = known.encode("utf-8", "surrogatepass")
        decoded = self._replace_decoded(data)
        redacted = known if decoded is data else decoded.decode("utf-8", "surrogatepass")
        if len(text) <= _MAX_CACHED_LENGTH:
            if len(self._cache) >= _MAX_CACHED_TEXTS:
                self._cache.clear()
            self._cache[text] = redacted
        return redacted

    def redact_body(self, body: bytes) -> bytes:
        """A body without secrets; of a long one only the beginning is decoded, and the gate sees what is quoted."""
        if len(body) > _MAX_CACHED_LENGTH:
            return self._redact_uncached_body(body)
        redacted = self._body_cache.get(body)
        if redacted is None:
            if len(self._body_cache) >= _MAX_CACHED_TEXTS:
                self._body_cache.clear()
            redacted = self._body_cache[body] = self._redact_uncached_body(body)
        return redacted

    def _redact_uncached_body(self, body: bytes) -> bytes:
        known = self.replace_known_in_body(body)
        decoded = self._replace_decoded(known[:_MAX_DECODED_BYTES])
        return decoded + known[_MAX_DECODED_BYTES:]

    def replace_known_in_body(self, body: bytes) -> bytes:
        """A body without the spellings of secrets that can be told without decoding it."""
        for spelling, placeholder in self._byte_replacements:
            if spelling in body:
                body = body.replace(spelling, placeholder)
        return body

    def replace_known_spellings(self, text: str) -> str:
        """A text without the spellings of secrets that can be told without decoding it."""
        for spelling, placeholder in self._text_replacements:
            if spelling in text:
                text = text.replace(spelling, placeholder)
        return text

    def _replace_decoded(self, data: bytes) -> bytes:
        """A text without what says a secret once it is decoded; the same object if nothing does."""
        hits = self._search.find(data)
        shown = [span for placeholder in self._placeholders for span in _spans_of(placeholder, data)] if hits else []
        pieces, end = [], 0
        for hit in hits:
            start, stop = hit.span
            if any(first <= start and stop <= last for first, last in shown):
                continue
            start, stop = _whole_characters(data, start, stop)
            if start >= end:
                pieces += [data[end:start], hit.placeholder.encode()]
                end = stop
        return b"".join([*pieces, data[end:]]) if pieces else data


def _spans_of(part: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """The places of a part in a text."""
    start = data.find(part)
    while start >= 0:
        yield start, start + len(part)
        start = data.find(part, start + len(part))


def _whole_characters(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """A place that begins and ends between characters of UTF-8."""
    while start and data[start] & 0xC0 == 0x80:
        start -= 1
    while stop < len(data) and data[stop] & 0xC0 == 0x80:
        stop += 1
    return start, stop
