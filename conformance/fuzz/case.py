"""A case: one generated request without any key, and its line in a corpus."""

from __future__ import annotations

import base64
import enum
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.fuzz.strict_json import parse_body

if TYPE_CHECKING:
    from conformance.core.model import Json

JSON_MEDIA_TYPE = "application/json"
_ABOUT_MARKER, _JSON_MARKER, _TEXT_MARKER = b', "about": "', b', "json":', b', "text": "'
_MAX_CACHED_PREFIXES = 4_096
_LONG_BODY_CHARS, _MAX_BODY_CHARS = 2_000, 250_000_000
_BREAKS_LINE = re.compile(r"\A\ufeff|[\r\n]")
_REPEATED_CHARACTER = re.compile(r"(.)\1{199,}", re.DOTALL)
_encode_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_spaced = json.JSONEncoder(ensure_ascii=False).encode


class Origin(enum.StrEnum):
    """The generator of a case."""

    COVERAGE = "coverage"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    STRATEGY = "strategy"
    MUTATOR = "mutator"
    SHRINKER = "shrinker"


class Auth(enum.StrEnum):
    """The credentials that a case is sent with."""

    VALID = "right"
    NONE = "none"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


class Case(NamedTuple):
    """One generated request.

    `call` is the operation by its method and path, `about` says in a few words what is special. One of the
    `expected_facts` says how the case is answered; if there are none, the contract leaves the answer open. It is
    a named tuple, since hundreds of thousands are made and read.
    """

    call: str
    origin: Origin
    about: str
    body: bytes
    auth: Auth = Auth.VALID
    content_type: str = JSON_MEDIA_TYPE
    coding: str = ""
    expected_facts: tuple[str, ...] = ()

    @property
    def has_standard_headers(self) -> bool:
        """Whether only its body is special."""
        return self.auth is Auth.VALID and self.content_type == JSON_MEDIA_TYPE and not self.coding

    def with_body(self, body: bytes) -> Case:
        """The same case with another body, not labelled yet."""
        return self._replace(body=body, origin=Origin.SHRINKER, expected_facts=())


def compact_json(value: Json) -> bytes:
    """A value as compact JSON, with lone surrogates as escapes."""
    text: str = _encode_compact(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def case_to_line(case: Case) -> str:
    """A case as one line of JSON; a JSON body is part of it as it is."""
    fields: dict[str, Any] = {"call": case.call, "from": case.origin.value, "expect": list(case.expected_facts)}
    if case.auth is not Auth.VALID:
        fields["auth"] = case.auth.value
    if case.content_type != JSON_MEDIA_TYPE:
        fields["content_type"] = case.content_type
    if case.coding:
        fields["coding"] = case.coding
    fields["about"] = case.about
    body = _encode_body(case.body)
    if isinstance(body, str):
        return f"{_dump_line(fields)[:-1]}{_JSON_MARKER.decode()}{body}}}"
    return _dump_line({**fields, **body})


class CaseReader:
    """Reads lines of a corpus. Most share their beginning with others, so the parsed beginnings are cached."""

    def __init__(self) -> None:
        self._prefixes: dict[bytes, Case] = {}

    def read(self, line: bytes) -> Case:
        """Parses one line. Raises ValueError or KeyError if it is not a case."""
        prefix, _, rest = line.rstrip().partition(_ABOUT_MARKER)
        prefix_case = self._prefixes.get(prefix)
        if prefix_case is None:
            if len(self._prefixes) > _MAX_CACHED_PREFIXES:
                self._prefixes.clear()
            prefix_case = self._prefixes[prefix] = _case_from_prefix(json.loads(prefix + b"}"))
        call, origin, _, _, auth, media_type, coding, expect = prefix_case
        about, marker, body = rest.partition(_JSON_MARKER)
        if marker:
            return Case(call, origin, _read_string_tail(about), body[:-1], auth, media_type, coding, expect)
        about, marker, body = rest.partition(_TEXT_MARKER)
        if marker:
            line = _read_string_tail(body[:-1]).encode()
            return Case(call, origin, _read_string_tail(about), line, auth, media_type, coding, expect)
        fields = json.loads(b'{"about": "' + rest)
        return prefix_case._replace(about=fields["about"], body=_decode_body(fields))


def _read_string_tail(text: bytes) -> str:
    """Parses a JSON text without its opening quote."""
    return str(json.loads(b'"' + text)) if b"\\" in text else text[:-1].decode()


def _case_from_prefix(fields: dict[str, Any]) -> Case:
    """A case with the fields at the beginning of a line, without `about` and `body`."""
    return Case(
        call=fields["call"],
        origin=Origin(fields["from"]),
        about="",
        body=b"",
        auth=Auth(fields.get("auth", "right")),
        content_type=fields.get("content_type", JSON_MEDIA_TYPE),
        coding=fields.get("coding", ""),
        expected_facts=tuple(fields["expect"]),
    )


def case_to_json(case: Case) -> dict[str, Any]:
    """A case as a JSON object; the body is a text if parsing it and writing it again would change it."""
    fields: dict[str, Any] = json.loads(case_to_line(case))
    if "json" in fields and compact_json(fields["json"]) != case.body:
        del fields["json"]
        fields["text"] = case.body.decode()
    return fields


def case_from_json(fields: dict[str, Any]) -> Case:
    """A case from its JSON object. Raises ValueError or KeyError if it is not a case."""
    body = compact_json(fields["json"]) if "json" in fields else _decode_body(fields)
    return _case_from_prefix(fields)._replace(about=fields["about"], body=body)


def _encode_body(body: bytes) -> dict[str, Any] | str:
    """A body in the most readable form that keeps its bytes; JSON on one line stays as it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    if len(text) > _LONG_BODY_CHARS and (pieces := _collapse_runs(text)):
        return {"pieces": pieces}
    parsed = parse_body(body)
    fits_on_line = parsed.is_json and not parsed.is_too_deep and not _BREAKS_LINE.search(text)
    return text if fits_on_line else {"text": text}


def _decode_body(fields: dict[str, Any]) -> bytes:
    if "text" in fields:
        return str(fields["text"]).encode()
    if "pieces" in fields:
        if sum(len(piece) if isinstance(piece, str) else piece[1] for piece in fields["pieces"]) > _MAX_BODY_CHARS:
            raise ValueError(f"a body has more than {_MAX_BODY_CHARS:,} characters")
        return "".join(_expand_run(piece) for piece in fields["pieces"]).encode()
    return base64.b64decode(fields["base64"])


def _collapse_runs(text: str) -> list[Any]:
    """A text with runs of one character as pairs of character and length; empty if there are no runs."""
    pieces: list[Any] = []
    position = 0
    for run in _REPEATED_CHARACTER.finditer(text):
        pieces += [text[position : run.start()], [run[1], len(run[0])]]
        position = run.end()
    return [*pieces, text[position:]] if pieces else []


def _expand_run(piece: Any) -> str:  # noqa: ANN401 - a text or a pair
    return piece if isinstance(piece, str) else piece[0] * piece[1]


def _dump_line(fields: dict[str, Any]) -> str:
    """Fields as one line of JSON that can be encoded as UTF-8."""
    text = _encode_spaced(fields)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(fields)
    return text
