"""Takes secrets out of requests and answers, before anything can print or store them."""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import json
import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.model import Request, Response
    from conformance.wire.answers import Reply

_SHORTEST = 4
_LARGEST_BYTES = 5_000_000
_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u[0-9a-f]{4}")
_PERCENT = re.compile("%[0-9A-F]{2}")


class Redactor:
    """Replaces every spelling of every secret by its stand-in.

    `secrets` maps a secret to its stand-in, such as `$CONFORMANCE_WRITE_KEY`. Known spellings: as it is,
    JSON-escaped, percent-encoded, and inside base64 at any of its three alignments. A secret shorter than
    four characters is left alone: replacing it would make every text unreadable.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {key: shown for key, shown in secrets.items() if len(key) >= _SHORTEST}
        forms = {form: shown for key, shown in self._secrets.items() for form in _spellings(key)}
        self._texts = sorted(forms.items(), key=lambda item: -len(item[0]))
        self._bytes = [(form.encode(), shown.encode()) for form, shown in self._texts]

    def text(self, text: str) -> str:
        """A text without secrets."""
        for form, shown in self._texts:
            if form in text:
                text = text.replace(form, shown)
        return text

    def body(self, body: bytes) -> bytes:
        """A body without secrets."""
        for form, shown in self._bytes:
            if form in body:
                body = body.replace(form, shown)
        return body

    def request(self, request: Request) -> Request:
        """A request without secrets; a packed body is unpacked, for a secret could hide in it."""
        unpacked = _unpacked(request)
        return replace(
            request,
            query=tuple((name, self._encoded(value)) for name, value in request.query),
            headers=tuple((name, self._header(value)) for name, value in request.headers),
            body=self.body(request.body if unpacked is None else unpacked),
            unpacked=unpacked is not None,
        )

    def response(self, response: Response) -> Response:
        """An answer without secrets."""
        return replace(
            response,
            headers=tuple((self.text(name), self.text(value)) for name, value in response.headers),
            body=self.body(response.body),
        )

    def reply(self, reply: Reply) -> Reply:
        """An answer that came the fast way, without secrets."""
        head = reply.head
        if head is not None:
            pairs = tuple((self.text(name), self.text(value)) for name, value in head.headers)
            head = replace(head, headers=pairs)
        return reply._replace(
            head=head,
            body=self.body(reply.body),
            stray=self.body(reply.stray),
            detail=self.text(reply.detail),
        )

    def _header(self, value: str) -> str:
        """A header value; `Basic <base64>` is shown as what was encoded."""
        scheme, space, token = value.partition(" ")
        shown = self._encoded(token)
        return f"{self.text(scheme)}{space}{shown}" if shown.startswith("base64(") else self.text(value)

    def _encoded(self, value: str) -> str:
        """A value that may be base64: one with a secret inside is shown as what was encoded."""
        decoded = _decoded(value)
        shown = self.text(decoded)
        return f"base64({shown})" if shown != decoded else self.text(value)


def _unpacked(request: Request) -> bytes | None:
    """What a gzip body holds; None if it is none, or a bomb, which has no secrets in its packed part."""
    codings = [value.strip().lower() for name, value in request.headers if name.lower() == "content-encoding"]
    if codings != ["gzip"] or int.from_bytes(request.body[-4:], "little") > _LARGEST_BYTES:
        return None
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError, zlib.error):
        return None


def _spellings(secret: str) -> Iterator[str]:
    """How a secret may be written down."""
    yield secret
    yield secret.encode().decode("latin-1")
    yield repr(bytearray(secret.encode()))[len("bytearray(b'") : -len("')")]
    yield repr(secret)[1:-1]
    yield repr(secret.encode())[2:-1]
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    for ensure_ascii in (True, False):
        dumped = json.dumps(secret, ensure_ascii=ensure_ascii)[1:-1]
        for escaped in (dumped, _ESCAPE.sub(_upper, dumped)):
            yield escaped
            yield escaped.replace("/", "\\/")
    for quoted in (quote(secret, safe=""), quote(secret), quote(secret, safe="!'()*"), quote_plus(secret)):
        yield quoted
        yield _PERCENT.sub(lambda found: found[0].lower(), quoted)
    for shift in range(3):
        for core in _base64_cores(secret.encode(), shift):
            if len(core) >= _SHORTEST:
                yield core


def _upper(found: re.Match[str]) -> str:
    """A JSON escape with its digits in upper case."""
    return f"{found[0][:-4]}{found[0][-4:].upper()}"


def _base64_cores(secret: bytes, shift: int) -> tuple[str, str]:
    """The characters of a secret's base64 that do not depend on what stands around it."""
    whole = base64.b64encode(b"\0" * shift + secret).decode().rstrip("=")
    first = -(-shift * 8 // 6)
    last = (shift + len(secret)) * 8 // 6
    core = whole[first:last]
    return core, core.replace("+", "-").replace("/", "_")


def _decoded(token: str) -> str:
    """A base64 token as text; empty if it is none."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
