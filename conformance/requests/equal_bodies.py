"""Bodies of an acceptable request that mean the same: other forms of gzip, and of JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from conformance.requests import content_codings
from conformance.requests.spellings import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_FIRST_LETTER = re.compile(r'(?<=")[A-Za-z]')


def gzipped(description: str, name: str, edit: Callable[[Draft, bytes], bytes] = content_codings.compress) -> Form:
    """An acceptable request in gzip, under a name."""

    def make(call: Call) -> Draft:
        draft = call.acceptable_request()
        return draft.with_header("Content-Encoding", name).with_json_bytes(lambda body: edit(draft, body))

    return Form(description, make)


CODING_FORMS = (
    gzipped("Content-Encoding: GZIP", "GZIP"),
    gzipped("Content-Encoding: Gzip", "Gzip"),
    gzipped("gzip of two members", "gzip", content_codings.compress_in_members),
    gzipped("gzip with a name and a comment in its header", "gzip", content_codings.compress_with_names),
    gzipped("gzip without compression", "gzip", content_codings.store),
)
USUAL_CODING_FORMS = (gzipped("Content-Encoding: x-gzip", "x-gzip"),)


def _json(description: str, edit: Callable[[Draft, bytes], bytes]) -> Form:
    def make(call: Call) -> Draft:
        draft = call.acceptable_request()
        return draft.with_json_bytes(lambda body: edit(draft, body))

    return Form(description, make)


def _reversed(value: object) -> object:
    """JSON with the members of each object in reverse order."""
    if isinstance(value, dict):
        return {name: _reversed(item) for name, item in reversed(value.items())}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def _escape_letters(draft: Draft, body: bytes) -> bytes:
    r"""The first letter of each text as `\u00XX`, except in the key, which reports must recognize."""
    key = draft.credentials.body_key

    def escape(match: re.Match[str]) -> str:
        text = match[0]
        if key is not None and key in text:
            return text
        return _FIRST_LETTER.sub(lambda letter: f"\\u{ord(letter[0]):04x}", text, count=1)

    return _STRING.sub(escape, body.decode()).encode()


JSON_FORMS = (
    _json("JSON on several lines that end with CRLF",
          lambda _, body: json.dumps(json.loads(body), indent=2).replace("\n", "\r\n").encode()),
    _json("JSON with its members in another order",
          lambda _, body: json.dumps(_reversed(json.loads(body))).encode()),
    _json(r"JSON with \u escapes of plain letters", _escape_letters),
    _json("JSON with a line break after it", lambda _, body: body + b"\n"),
    _json("JSON with spaces and tabs around it", lambda _, body: b" \t\r\n" + body + b"\t "),
    _json("JSON with spaces after colons and commas", lambda _, body: json.dumps(json.loads(body)).encode()),
)  # fmt: skip
