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

    from conformance.core.model import Request, Response
    from conformance.wire.responses import Reply

_MIN_SECRET_LENGTH = 4
_MAX_UNPACKED_BYTES = 5_000_000
_JSON_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u[0-9a-f]{4}")
_PERCENT_ESCAPE = re.compile("%[0-9A-F]{2}")


class Redactor:
    """Replaces every spelling of every secret by its stand-in.

    `secrets` maps a secret to its stand-in, such as `$CONFORMANCE_WRITE_KEY`. Known spellings: as it is,
    JSON-escaped, percent-encoded, and inside base64 at any of its three alignments. A secret shorter than
    four characters is left alone: replacing it would make every text unreadable.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {key: shown for key, shown in secrets.items() if len(key) >= _MIN_SECRET_LENGTH}
        placeholders = {form: shown for key, shown in self._secrets.items() for form in _encodings_of(key)}
        self._text_replacements = sorted(placeholders.items(), key=lambda item: -len(item[0]))
        self._byte_replacements = [(form.encode(), shown.encode()) for form, shown in self._text_replacements]

    def redact_text(self, text: str) -> str:
        """A text without secrets."""
        for encoded_secret, placeholder in self._text_replacements:
            if encoded_secret in text:
                text = text.replace(encoded_secret, placeholder)
        return text

    def redact_body(self, body: bytes) -> bytes:
        """A body without secrets."""
        for encoded_secret, placeholder in self._byte_replacements:
            if encoded_secret in body:
                body = body.replace(encoded_secret, placeholder)
        return body

    def redact_request(self, request: Request) -> Request:
        """A request without secrets; a packed body is unpacked, for a secret could hide in it."""
        unpacked = _decompressed_body(request)
        return replace(
            request,
            query=tuple((name, self._redact_base64(value)) for name, value in request.query),
            headers=tuple((name, self._redact_header(value)) for name, value in request.headers),
            body=self.redact_body(request.body if unpacked is None else unpacked),
            is_decompressed=unpacked is not None,
        )

    def redact_response(self, response: Response) -> Response:
        """An answer without secrets."""
        return replace(
            response,
            headers=tuple((self.redact_text(name), self.redact_text(value)) for name, value in response.headers),
            body=self.redact_body(response.body),
        )

    def redact_reply(self, reply: Reply) -> Reply:
        """An answer that came the fast way, without secrets."""
        head = reply.head
        if head is not None:
            pairs = tuple((self.redact_text(name), self.redact_text(value)) for name, value in head.headers)
            head = replace(head, headers=pairs)
        return reply._replace(
            head=head,
            body=self.redact_body(reply.body),
            bytes_after_response=self.redact_body(reply.bytes_after_response),
            failure_detail=self.redact_text(reply.failure_detail),
        )

    def _redact_header(self, value: str) -> str:
        """A header value; `Basic <base64>` is shown as what was encoded."""
        scheme, space, token = value.partition(" ")
        shown = self._redact_base64(token)
        return f"{self.redact_text(scheme)}{space}{shown}" if shown.startswith("base64(") else self.redact_text(value)

    def _redact_base64(self, value: str) -> str:
        """A value that may be base64: one with a secret inside is shown as what was encoded."""
        decoded = _decode_base64(value)
        shown = self.redact_text(decoded)
        return f"base64({shown})" if shown != decoded else self.redact_text(value)


def _decompressed_body(request: Request) -> bytes | None:
    """What a gzip body holds; None if it is none, or a bomb, which has no secrets in its packed part."""
    codings = [value.strip().lower() for name, value in request.headers if name.lower() == "content-encoding"]
    if codings != ["gzip"] or int.from_bytes(request.body[-4:], "little") > _MAX_UNPACKED_BYTES:
        return None
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError, zlib.error):
        return None


def _encodings_of(secret: str) -> Iterator[str]:
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
        for escaped in (dumped, _JSON_ESCAPE.sub(_uppercase_escape, dumped)):
            yield escaped
            yield escaped.replace("/", "\\/")
    for quoted in (quote(secret, safe=""), quote(secret), quote(secret, safe="!'()*"), quote_plus(secret)):
        yield quoted
        yield _PERCENT_ESCAPE.sub(lambda found: found[0].lower(), quoted)
    for shift in range(3):
        for core in _base64_cores(secret.encode(), shift):
            if len(core) >= _MIN_SECRET_LENGTH:
                yield core


def _uppercase_escape(match: re.Match[str]) -> str:
    """A JSON escape with its digits in upper case."""
    return f"{match[0][:-4]}{match[0][-4:].upper()}"


def _base64_cores(secret: bytes, shift: int) -> tuple[str, str]:
    """The characters of a secret's base64 that do not depend on what stands around it."""
    encoded = base64.b64encode(b"\0" * shift + secret).decode().rstrip("=")
    first = -(-shift * 8 // 6)
    last = (shift + len(secret)) * 8 // 6
    core = encoded[first:last]
    return core, core.replace("+", "-").replace("/", "_")


def _decode_base64(token: str) -> str:
    """A base64 token as text; empty if it is none."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
