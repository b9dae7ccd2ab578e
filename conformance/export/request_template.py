"""Request templates: requests with placeholders for the write key, and long repetitions written shortly."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from conformance.export.limitations import NotExportable, OmissionReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Request
    from conformance.requests import Keys

KEY_PLACEHOLDER, TRUNCATED_KEY_PLACEHOLDER, OTHER_CASE_KEY_PLACEHOLDER = (
    "{{writeKey}}",
    "{{writeKeyTruncated}}",
    "{{writeKeySwapped}}",
)
"""Placeholders for the write key, for the key without its last character, and with the case of letters swapped."""
PLACEHOLDER_PATTERN = re.compile(r"\{\{\w+\}\}")
_PLACEHOLDER_START = "{{"
_REPETITION = re.compile(r"(.{1,6}?)\1{63,}", re.DOTALL)
"""A text repeated at least 64 times is written as a RepeatedText."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedText:
    """A text that repeats one unit."""

    unit: str
    times: int


BodyPiece: TypeAlias = "str | RepeatedText"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """A request with placeholders for its key. Values of the query are not percent-encoded.

    A body of text is in `pieces`, any other in `binary_body`. `base64_placeholders` are further placeholders, each for
    the base64 of a text. `body_size` is in bytes; 0 if it depends on the key.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[BodyPiece, ...] = ()
    binary_body: bytes = b""
    base64_placeholders: tuple[tuple[str, str], ...] = ()
    body_size: int = 0

    @property
    def has_body(self) -> bool:
        """Whether it has a body."""
        return bool(self.pieces or self.binary_body)

    @property
    def has_no_repetitions(self) -> bool:
        """Whether its body is without repetitions."""
        return all(isinstance(piece, str) for piece in self.pieces)

    @property
    def body_text(self) -> str:
        """The body in full length."""
        return "".join(item if isinstance(item, str) else item.unit * item.times for item in self.pieces)

    def has_placeholder(self, placeholder: str) -> bool:
        """Whether a placeholder is anywhere in it."""
        values = [value for _, value in (*self.query, *self.headers, *self.base64_placeholders)]
        values += [piece for piece in self.pieces if isinstance(piece, str)]
        return any(placeholder in value for value in values)

    def query_string(self, encode: Callable[[str], str]) -> str:
        """The query with its question mark, its values encoded by a function; empty if there is none."""
        query = "&".join(f"{quote(name, safe='')}={encode(value)}" for name, value in self.query)
        return f"?{query}" if query else ""

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def make_template(request: Request, keys: Keys) -> RequestTemplate:
    """The template of a request that was made with these keys. Raises NotExportable."""
    key_masker = _KeyMasker(keys)
    query = tuple((name, key_masker.mask_value(value)) for name, value in request.query)
    headers = tuple((name, key_masker.mask_value(value)) for name, value in request.headers)
    binary_body = b""
    try:
        text = key_masker.mask_text(request.body.decode())
    except UnicodeDecodeError:
        text, binary_body = "", request.body
    return RequestTemplate(
        method=request.method,
        path=request.path,
        query=query,
        headers=headers,
        pieces=_split_repetitions(text),
        binary_body=binary_body,
        base64_placeholders=tuple(key_masker.base64_placeholders),
        body_size=0 if PLACEHOLDER_PATTERN.search(text) else len(request.body),
    )


class _KeyMasker:
    """Replaces secrets by placeholders."""

    def __init__(self, keys: Keys) -> None:
        self._placeholder_by_secret = (
            (keys.write_key, KEY_PLACEHOLDER),
            (keys.truncated, TRUNCATED_KEY_PLACEHOLDER),
            (keys.other_case, OTHER_CASE_KEY_PLACEHOLDER),
        )
        self.base64_placeholders: list[tuple[str, str]] = []

    def mask_text(self, text: str) -> str:
        """A text with placeholders. Raises NotExportable if it contains the start of a placeholder already."""
        if _PLACEHOLDER_START in text:
            raise NotExportable(OmissionReason.TWO_BRACES)
        for secret, placeholder in self._placeholder_by_secret:
            text = text.replace(secret, placeholder)
        return text

    def mask_value(self, value: str) -> str:
        """The value of a header or parameter. Base64 with a secret inside becomes a placeholder of its own."""
        return " ".join(self._mask_word(word) for word in value.split(" "))

    def _mask_word(self, word: str) -> str:
        decoded = _decode_base64(word)
        if not any(secret in decoded for secret, _ in self._placeholder_by_secret):
            return self.mask_text(word)
        name = f"token{len(self.base64_placeholders) + 1}"
        self.base64_placeholders.append((name, self.mask_text(decoded)))
        return f"{{{{{name}}}}}"


def _decode_base64(word: str) -> str:
    """The text that is encoded as base64; empty if it is no base64, or no text."""
    try:
        return base64.b64decode(word, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _split_repetitions(text: str) -> tuple[BodyPiece, ...]:
    """A text as pieces, with repetitions apart."""
    pieces: list[BodyPiece] = []
    end = 0
    for repetition in _REPETITION.finditer(text):
        if repetition.start() > end:
            pieces.append(text[end : repetition.start()])
        pieces.append(RepeatedText(unit=repetition[1], times=len(repetition[0]) // len(repetition[1])))
        end = repetition.end()
    if end < len(text):
        pieces.append(text[end:])
    return tuple(pieces)
