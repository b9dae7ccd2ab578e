"""Templates: requests with placeholders for the write key, and endless paddings told in a few words."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from conformance.model import Request
    from conformance.payloads import Keys

KEY, TRUNCATED, SWAPPED = "{{writeKey}}", "{{writeKeyTruncated}}", "{{writeKeySwapped}}"
"""What stands for the write key, for the key without its last character, and in the other case of letters."""
PLACEHOLDER = re.compile(r"\{\{\w+\}\}")
_OPENING = "{{"
_RUN = re.compile(r"(.{1,6}?)\1{63,}", re.DOTALL)
"""So much of the same is told as a repetition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A piece of text that is one unit many times."""

    unit: str
    times: int


Piece: TypeAlias = "str | Run"


class Foreign(Exception):
    """A request that no template can stand for; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A request without its key. Values of the query are not percent-encoded.

    The body is text in pieces, or, where it is none, `packed` bytes. `tokens` are further placeholders, each
    for the base64 of a text. `size` is that of the body in bytes; 0 where it depends on the key.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[Piece, ...] = ()
    packed: bytes = b""
    tokens: tuple[tuple[str, str], ...] = ()
    size: int = 0

    @property
    def has_body(self) -> bool:
        """Whether it has a body at all."""
        return bool(self.pieces or self.packed)

    @property
    def is_short(self) -> bool:
        """Whether its body is one text, without repetitions."""
        return all(isinstance(piece, str) for piece in self.pieces)

    @property
    def text(self) -> str:
        """The body in full length."""
        return "".join(item if isinstance(item, str) else item.unit * item.times for item in self.pieces)

    def has(self, placeholder: str) -> bool:
        """Whether a placeholder stands anywhere in it."""
        values = [value for _, value in (*self.query, *self.headers, *self.tokens)]
        values += [piece for piece in self.pieces if isinstance(piece, str)]
        return any(placeholder in value for value in values)

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def template(request: Request, keys: Keys) -> Template:
    """The template of a request that was made with these keys. Raises Foreign."""
    veil = _Veil(keys)
    query = tuple((name, veil.value(value)) for name, value in request.query)
    headers = tuple((name, veil.value(value)) for name, value in request.headers)
    packed = b""
    try:
        text = veil.text(request.body.decode())
    except UnicodeDecodeError:
        text, packed = "", request.body
    return Template(
        method=request.method,
        path=request.path,
        query=query,
        headers=headers,
        pieces=_pieces(text),
        packed=packed,
        tokens=tuple(veil.tokens),
        size=0 if PLACEHOLDER.search(text) else len(request.body),
    )


class _Veil:
    """Puts placeholders in place of secrets."""

    def __init__(self, keys: Keys) -> None:
        self._forms = ((keys.write_key, KEY), (keys.truncated, TRUNCATED), (keys.other_case, SWAPPED))
        self.tokens: list[tuple[str, str]] = []

    def text(self, text: str) -> str:
        """A text with placeholders. Raises Foreign for one that has something like them already."""
        if _OPENING in text:
            raise Foreign("it has two opening braces in a row, which would be taken for a placeholder")
        for form, placeholder in self._forms:
            text = text.replace(form, placeholder)
        return text

    def value(self, value: str) -> str:
        """The value of a header or parameter; base64 with a secret inside becomes a token."""
        return " ".join(self._word(word) for word in value.split(" "))

    def _word(self, word: str) -> str:
        inside = _decoded(word)
        if not any(form in inside for form, _ in self._forms):
            return self.text(word)
        name = f"token{len(self.tokens) + 1}"
        self.tokens.append((name, self.text(inside)))
        return f"{{{{{name}}}}}"


def _decoded(word: str) -> str:
    """What base64 holds; nothing where it is none, or no text."""
    try:
        return base64.b64decode(word, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _pieces(text: str) -> tuple[Piece, ...]:
    """A text with its repetitions taken out."""
    found: list[Piece] = []
    end = 0
    for run in _RUN.finditer(text):
        if run.start() > end:
            found.append(text[end : run.start()])
        found.append(Run(unit=run[1], times=len(run[0]) // len(run[1])))
        end = run.end()
    if end < len(text):
        found.append(text[end:])
    return tuple(found)
