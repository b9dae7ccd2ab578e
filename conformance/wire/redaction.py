"""Removes secrets from requests and answers before they can be printed or stored."""

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
_MAX_DECOMPRESSED_BYTES = 5_000_000
_JSON_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u[0-9a-f]{4}")
_PERCENT_ESCAPE = re.compile("%[0-9A-F]{2}")


class Redactor:
    """Replaces every known encoding of every secret by its placeholder.

    `secrets` maps a secret to its placeholder, such as `$CONFORMANCE_WRITE_KEY`. Known encodings: plain, JSON and HTML
    escapes, percent-encoding, and base64 at any of its three alignments. A secret of fewer than four characters is
    not replaced: that would make every text unreadable.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {
            secret: placeholder for secret, placeholder in secrets.items() if len(secret) >= _MIN_SECRET_LENGTH
        }
        placeholders = {
            encoded: placeholder for secret, placeholder in self._secrets.items() for encoded in _encodings_of(secret)
        }
        self._text_replacements = sorted(placeholders.items(), key=lambda item: -len(item[0]))
        self._byte_replacements = [
            (encoded.encode(), placeholder.encode()) for encoded, placeholder in self._text_replacements
        ]

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
        """A request without secrets; a gzip body is decompressed, since it may contain a secret."""
        decompressed_body = _decompressed_body(request)
        return replace(
            request,
            query=tuple((name, self._redact_base64(value)) for name, value in request.query),
            headers=tuple((name, self._redact_header(value)) for name, value in request.headers),
            body=self.redact_body(request.body if decompressed_body is None else decompressed_body),
            is_decompressed=decompressed_body is not None,
        )

    def redact_response(self, response: Response) -> Response:
        """An answer without secrets."""
        return replace(
            response,
            headers=tuple((self.redact_text(name), self.redact_text(value)) for name, value in response.headers),
            body=self.redact_body(response.body),
        )

    def redact_reply(self, reply: Reply) -> Reply:
        """A reply without secrets."""
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
        """A header value; `Basic <base64>` with a secret is shown decoded."""
        scheme, space, token = value.partition(" ")
        shown = self._redact_base64(token)
        return f"{self.redact_text(scheme)}{space}{shown}" if shown.startswith("base64(") else self.redact_text(value)

    def _redact_base64(self, value: str) -> str:
        """A value that may be base64: with a secret inside, it is shown decoded."""
        decoded = _decode_base64(value)
        shown = self.redact_text(decoded)
        return f"base64({shown})" if shown != decoded else self.redact_text(value)


def _decompressed_body(request: Request) -> bytes | None:
    """A gzip body, decompressed; None if it is not gzip, or a bomb, whose compressed part has no secrets."""
    codings = [value.strip().lower() for name, value in request.headers if name.lower() == "content-encoding"]
    if codings != ["gzip"] or int.from_bytes(request.body[-4:], "little") > _MAX_DECOMPRESSED_BYTES:
        return None
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError, zlib.error):
        return None


def _encodings_of(secret: str) -> Iterator[str]:
    """The encodings of a secret."""
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
            if len(core) >= _MIN_SECRET_LENGTH:
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


def _decode_base64(token: str) -> str:
    """The decoded text of a base64 token; empty if it is not base64 of text."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
