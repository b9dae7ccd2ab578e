"""What is secret in the headers that a user adds to all requests."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from conformance.redaction.spellings import MIN_SECRET_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MIN_WORD_LENGTH = 8
"""The length of the shortest word that is secret on its own, without being the value of a name or of a scheme."""
_LITERALS = frozenset({"true", "false", "null", "none"})
"""Values that no secret has, and every JSON text."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]*) +(\S.*)")
_NAMED = re.compile(r"[^\s=]+=(.+)")


def secrets_of_headers(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The secrets in headers, by name and value, with their placeholders: `$HEADER_1` for the first header.

    The value is one, and so are its parts: `T` of `Bearer T`, `S` of `sid=S; theme=dark` (RFC 9110, section 11.4, and
    RFC 6265, section 4.2), what is in a token in base64, and words of eight characters or more. The host
    in a Host header is none: permissions speak of it.
    """
    secrets: dict[str, str] = {}
    for number, (name, value) in enumerate(headers, 1):
        for part in () if name.lower() == "host" else _parts_of(value):
            if len(part) >= MIN_SECRET_LENGTH and part.lower() not in _LITERALS:
                secrets.setdefault(part, f"$HEADER_{number}" if part == value else f"part($HEADER_{number})")
    return secrets


def _parts_of(value: str) -> Iterator[str]:
    """The value of a header, then its parts."""
    yield value
    scheme = _SCHEME.fullmatch(value)
    rest = scheme[2] if scheme else value
    if scheme:
        yield rest
        yield from _decoded_parts(rest)
    for word in re.split(r"[\s;,]+", rest):
        named = _NAMED.fullmatch(word)
        if named:
            yield named[1].strip('"')
        if len(word) >= _MIN_WORD_LENGTH:
            yield word


def _decoded_parts(token: str) -> Iterator[str]:
    """What is in a token of base64, such as `user:password`, and the password."""
    try:
        text = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    if text.isprintable():
        yield text
        yield text.partition(":")[2]
