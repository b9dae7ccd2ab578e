"""Removes secrets from requests and answers before they can be printed or stored."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.redaction import TextRedactor

if TYPE_CHECKING:
    from conformance.core.model import Request, Response
    from conformance.wire.responses import Reply

_MAX_DECOMPRESSED_BYTES = 5_000_000
_MAX_DECODED_REQUEST_BYTES = 4_096


class Redactor(TextRedactor):
    """Replaces secrets in requests and answers, as `TextRedactor` does in texts."""

    def redact_request(self, request: Request) -> Request:
        """A request without secrets; a gzip body is decompressed, since it may contain a secret."""
        decompressed_body = _decompressed_body(request)
        return replace(
            request,
            query=tuple((name, self._redact_base64(value)) for name, value in request.query),
            headers=tuple((name, self._redact_header(value)) for name, value in request.headers),
            body=self._redact_request_body(request.body if decompressed_body is None else decompressed_body),
            is_decompressed=decompressed_body is not None,
        )

    def _redact_request_body(self, body: bytes) -> bytes:
        """The body of a request, without secrets; a long one was made here, where spellings of keys are known."""
        return self.redact_body(body) if len(body) <= _MAX_DECODED_REQUEST_BYTES else self.replace_known_in_body(body)

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


def _decode_base64(token: str) -> str:
    """The decoded text of a base64 token; empty if it is not base64 of text."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
