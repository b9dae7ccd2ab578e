"""The spellings of a secret that are known without looking at a text."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SECRET_LENGTH = 4
"""The length of the shortest secret that is replaced: a shorter one would make every text unreadable."""
_JSON_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u[0-9a-f]{4}")
_PERCENT_ESCAPE = re.compile("%[0-9A-F]{2}")


def spellings_of(secret: str) -> Iterator[str]:
    """A secret as it is, in JSON, HTML and URLs, as Python shows it, and in base64 at each alignment."""
    yield secret
    yield secret.encode().decode("latin-1")
    yield repr(bytearray(secret.encode()))[len("bytearray(b'") : -len("')")]
    yield repr(secret)[1:-1]
    yield repr(secret.encode())[2:-1]
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    for ensure_ascii in (True, False):
        dumped = json.dumps(secret, ensure_ascii=ensure_ascii)[1:-1]
        for escaped in (dumped, _JSON_ESCAPE.sub(_uppercase_escape, dumped)):
            yield escaped
            yield escaped.replace("/", "\\/")
    for quoted in (quote(secret, safe=""), quote(secret), quote(secret, safe="!'()*"), quote_plus(secret)):
        yield quoted
        yield _PERCENT_ESCAPE.sub(lambda match: match[0].lower(), quoted)
    for shift in range(3):
        for core in _base64_cores(secret.encode(), shift):
            if len(core) >= MIN_SECRET_LENGTH:
                yield core


def _uppercase_escape(match: re.Match[str]) -> str:
    """A JSON escape with upper-case digits."""
    return f"{match[0][:-4]}{match[0][-4:].upper()}"


def _base64_cores(secret: bytes, shift: int) -> tuple[str, str]:
    """The characters of a secret's base64 that do not depend on its surroundings, standard and URL-safe."""
    encoded = base64.b64encode(b"\0" * shift + secret).decode().rstrip("=")
    first = -(-shift * 8 // 6)
    last = (shift + len(secret)) * 8 // 6
    core = encoded[first:last]
    return core, core.replace("+", "-").replace("/", "_")
