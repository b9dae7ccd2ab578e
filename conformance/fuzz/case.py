"""A case: one generated request, as the contract sees it, without any key; and its line in a corpus."""

from __future__ import annotations

import base64
import enum
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.fuzz.strict_json import parse_body as strictly

if TYPE_CHECKING:
    from conformance.core.model import Json

JSON_MEDIA_TYPE = "application/json"
_ABOUT_MARKER, _JSON_MARKER, _TEXT_MARKER = b', "about": "', b', "json":', b', "text": "'
_MAX_CACHED_PREFIXES = 4_096
_LONG_BODY_CHARS = 2_000
_BREAKS_LINE = re.compile(r"\A\ufeff|[\r\n]")
_REPEATED_CHARACTER = re.compile(r"(.)\1{199,}", re.DOTALL)
_encode_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_spaced = json.JSONEncoder(ensure_ascii=False).encode


class Origin(enum.StrEnum):
    """Where a case comes from."""

    COVERAGE = "coverage"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    STRATEGY = "strategy"
    MUTATOR = "mutator"
    SHRINKER = "shrinker"


class Auth(enum.StrEnum):
    """Which credentials a case is sent with."""

    VALID = "right"
    NONE = "none"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


class Case(NamedTuple):
    """One generated request.

    `call` is the operation by its method and path, `about` what is special in a few words. `expect` names the
    facts of which one says how it is answered; where it is empty, the contract leaves the answer open. A
    tuple, for they are made and read by the hundred thousand.
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
        """Whether nothing but its body is special."""
        return self.auth is Auth.VALID and self.content_type == JSON_MEDIA_TYPE and not self.coding

    def with_body(self, body: bytes) -> Case:
        """The same with another body, and nothing known of what it is answered with."""
        return self._replace(body=body, origin=Origin.SHRINKER, expected_facts=())


def compact_json(value: Json) -> bytes:
    """A value as compact JSON; lone surrogates as escapes."""
    text: str = _encode_compact(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def case_to_line(case: Case) -> str:
    """A case as one line of JSON; a body that is compact JSON stands in it as it is."""
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
    """Reads lines. Most begin as others do: what a beginning says is read once."""

    def __init__(self) -> None:
        self._prefixes: dict[bytes, Case] = {}

    def read(self, line: bytes) -> Case:
        """A case from its line. Raises ValueError or KeyError for a line that is none."""
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
    """A JSON text without its opening quote, read."""
    return str(json.loads(b'"' + text)) if b"\\" in text else text[:-1].decode()


def _case_from_prefix(fields: dict[str, Any]) -> Case:
    """What the beginning of a line says of a case."""
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
    """A case as JSON data; as a text where reading JSON and writing it again would change the body."""
    fields: dict[str, Any] = json.loads(case_to_line(case))
    if "json" in fields and compact_json(fields["json"]) != case.body:
        del fields["json"]
        fields["text"] = case.body.decode()
    return fields


def case_from_json(fields: dict[str, Any]) -> Case:
    """A case from its JSON data. Raises ValueError or KeyError for what is none."""
    body = compact_json(fields["json"]) if "json" in fields else _decode_body(fields)
    return _case_from_prefix(fields)._replace(about=fields["about"], body=body)


def _encode_body(body: bytes) -> dict[str, Any] | str:
    """A body in the most readable form that gives its bytes back; JSON on one line as it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    if len(text) > _LONG_BODY_CHARS and (pieces := _collapse_runs(text)):
        return {"pieces": pieces}
    parsed = strictly(body)
    fits_on_line = parsed.is_json and not parsed.is_too_deep and not _BREAKS_LINE.search(text)
    return text if fits_on_line else {"text": text}


def _decode_body(fields: dict[str, Any]) -> bytes:
    if "text" in fields:
        return str(fields["text"]).encode()
    if "pieces" in fields:
        return "".join(_expand_run(piece) for piece in fields["pieces"]).encode()
    return base64.b64decode(fields["base64"])


def _collapse_runs(text: str) -> list[Any]:
    """A text with its runs of one character as pairs; empty if it has none."""
    pieces: list[Any] = []
    position = 0
    for run in _REPEATED_CHARACTER.finditer(text):
        pieces += [text[position : run.start()], [run[1], len(run[0])]]
        position = run.end()
    return [*pieces, text[position:]] if pieces else []


def _expand_run(piece: Any) -> str:  # noqa: ANN401 - a text or a pair
    return piece if isinstance(piece, str) else piece[0] * piece[1]


def _dump_line(fields: dict[str, Any]) -> str:
    """One line that any file can hold."""
    text = _encode_spaced(fields)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(fields)
    return text
