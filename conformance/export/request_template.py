"""Templates: requests with placeholders for the write key, and endless paddings told in a few words."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from conformance.core.model import Request
    from conformance.requests import Keys

KEY_PLACEHOLDER, TRUNCATED_KEY_PLACEHOLDER, OTHER_CASE_KEY_PLACEHOLDER = (
    "{{writeKey}}",
    "{{writeKeyTruncated}}",
    "{{writeKeySwapped}}",
)
"""What stands for the write key, for the key without its last character, and in the other case of letters."""
PLACEHOLDER_PATTERN = re.compile(r"\{\{\w+\}\}")
_PLACEHOLDER_START = "{{"
_REPETITION = re.compile(r"(.{1,6}?)\1{63,}", re.DOTALL)
"""So much of the same is told as a repetition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedText:
    """A piece of text that is one unit many times."""

    unit: str
    times: int


BodyPiece: TypeAlias = "str | RepeatedText"


class NoTemplate(Exception):
    """A request that no template can stand for; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """A request without its key. Values of the query are not percent-encoded.

    The body is text in pieces, or, where it is none, `packed` bytes. `tokens` are further placeholders, each
    for the base64 of a text. `size` is that of the body in bytes; 0 where it depends on the key.
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
        """Whether it has a body at all."""
        return bool(self.pieces or self.binary_body)

    @property
    def has_no_repetitions(self) -> bool:
        """Whether its body is one text, without repetitions."""
        return all(isinstance(piece, str) for piece in self.pieces)

    @property
    def body_text(self) -> str:
        """The body in full length."""
        return "".join(item if isinstance(item, str) else item.unit * item.times for item in self.pieces)

    def has_placeholder(self, placeholder: str) -> bool:
        """Whether a placeholder stands anywhere in it."""
        values = [value for _, value in (*self.query, *self.headers, *self.base64_placeholders)]
        values += [piece for piece in self.pieces if isinstance(piece, str)]
        return any(placeholder in value for value in values)

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def make_template(request: Request, keys: Keys) -> RequestTemplate:
    """The template of a request that was made with these keys. Raises Foreign."""
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
    """Puts placeholders in place of secrets."""

    def __init__(self, keys: Keys) -> None:
        self._placeholder_by_secret = (
            (keys.write_key, KEY_PLACEHOLDER),
            (keys.truncated, TRUNCATED_KEY_PLACEHOLDER),
            (keys.other_case, OTHER_CASE_KEY_PLACEHOLDER),
        )
        self.base64_placeholders: list[tuple[str, str]] = []

    def mask_text(self, text: str) -> str:
        """A text with placeholders. Raises Foreign for one that has something like them already."""
        if _PLACEHOLDER_START in text:
            raise NoTemplate("it has two opening braces in a row, which would be taken for a placeholder")
        for form, placeholder in self._placeholder_by_secret:
            text = text.replace(form, placeholder)
        return text

    def mask_value(self, value: str) -> str:
        """The value of a header or parameter; base64 with a secret inside becomes a token."""
        return " ".join(self._mask_word(word) for word in value.split(" "))

    def _mask_word(self, word: str) -> str:
        decoded = _decode_base64(word)
        if not any(form in decoded for form, _ in self._placeholder_by_secret):
            return self.mask_text(word)
        name = f"token{len(self.base64_placeholders) + 1}"
        self.base64_placeholders.append((name, self.mask_text(decoded)))
        return f"{{{{{name}}}}}"


def _decode_base64(word: str) -> str:
    """What base64 holds; nothing where it is none, or no text."""
    try:
        return base64.b64decode(word, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _split_repetitions(text: str) -> tuple[BodyPiece, ...]:
    """A text with its repetitions taken out."""
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
