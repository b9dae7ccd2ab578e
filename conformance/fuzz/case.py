"""A case: one generated request, as the contract sees it, without any key; and its line in a corpus."""

from __future__ import annotations

import base64
import enum
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.fuzz.reading import read as strictly

if TYPE_CHECKING:
    from conformance.model import Json

JSON_TYPE = "application/json"
_ABOUT, _MARK, _TEXT = b', "about": "', b', "json":', b', "text": "'
_MOST_STARTS = 4_096
_LONG = 2_000
_UNPLAIN = re.compile(r"\A\ufeff|[\r\n]")
_RUN = re.compile(r"(.)\1{199,}", re.DOTALL)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_write = json.JSONEncoder(ensure_ascii=False).encode


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

    RIGHT = "right"
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
    auth: Auth = Auth.RIGHT
    content_type: str = JSON_TYPE
    coding: str = ""
    expect: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether nothing but its body is special."""
        return self.auth is Auth.RIGHT and self.content_type == JSON_TYPE and not self.coding

    def bodied(self, body: bytes) -> Case:
        """The same with another body, and nothing known of what it is answered with."""
        return self._replace(body=body, origin=Origin.SHRINKER, expect=())


def compact(value: Json) -> bytes:
    """A value as compact JSON; lone surrogates as escapes."""
    text: str = _encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def line(case: Case) -> str:
    """A case as one line of JSON; a body that is compact JSON stands in it as it is."""
    found: dict[str, Any] = {"call": case.call, "from": case.origin.value, "expect": list(case.expect)}
    if case.auth is not Auth.RIGHT:
        found["auth"] = case.auth.value
    if case.content_type != JSON_TYPE:
        found["content_type"] = case.content_type
    if case.coding:
        found["coding"] = case.coding
    found["about"] = case.about
    body = _body(case.body)
    if isinstance(body, str):
        return f"{_written(found)[:-1]}{_MARK.decode()}{body}}}"
    return _written({**found, **body})


class Reader:
    """Reads lines. Most begin as others do: what a beginning says is read once."""

    def __init__(self) -> None:
        self._starts: dict[bytes, Case] = {}

    def read(self, text: bytes) -> Case:
        """A case from its line. Raises ValueError or KeyError for a line that is none."""
        start, _, rest = text.rstrip().partition(_ABOUT)
        alike = self._starts.get(start)
        if alike is None:
            if len(self._starts) > _MOST_STARTS:
                self._starts.clear()
            alike = self._starts[start] = _started(json.loads(start + b"}"))
        call, origin, _, _, auth, media_type, coding, expect = alike
        words, mark, body = rest.partition(_MARK)
        if mark:
            return Case(call, origin, _unquoted(words), body[:-1], auth, media_type, coding, expect)
        words, mark, body = rest.partition(_TEXT)
        if mark:
            text = _unquoted(body[:-1]).encode()
            return Case(call, origin, _unquoted(words), text, auth, media_type, coding, expect)
        found = json.loads(b'{"about": "' + rest)
        return alike._replace(about=found["about"], body=_bytes(found))


def _unquoted(text: bytes) -> str:
    """A JSON text without its opening quote, read."""
    return str(json.loads(b'"' + text)) if b"\\" in text else text[:-1].decode()


def _started(found: dict[str, Any]) -> Case:
    """What the beginning of a line says of a case."""
    return Case(
        call=found["call"],
        origin=Origin(found["from"]),
        about="",
        body=b"",
        auth=Auth(found.get("auth", "right")),
        content_type=found.get("content_type", JSON_TYPE),
        coding=found.get("coding", ""),
        expect=tuple(found["expect"]),
    )


def data(case: Case) -> dict[str, Any]:
    """A case as JSON data; as a text where reading JSON and writing it again would change the body."""
    found: dict[str, Any] = json.loads(line(case))
    if "json" in found and compact(found["json"]) != case.body:
        del found["json"]
        found["text"] = case.body.decode()
    return found


def of_data(found: dict[str, Any]) -> Case:
    """A case from its JSON data. Raises ValueError or KeyError for what is none."""
    body = compact(found["json"]) if "json" in found else _bytes(found)
    return _started(found)._replace(about=found["about"], body=body)


def _body(body: bytes) -> dict[str, Any] | str:
    """A body in the most readable form that gives its bytes back; JSON on one line as it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    if len(text) > _LONG and (pieces := _pieces(text)):
        return {"pieces": pieces}
    found = strictly(body)
    is_plain = found.is_json and not found.is_deep and not _UNPLAIN.search(text)
    return text if is_plain else {"text": text}


def _bytes(found: dict[str, Any]) -> bytes:
    if "text" in found:
        return str(found["text"]).encode()
    if "pieces" in found:
        return "".join(_piece(item) for item in found["pieces"]).encode()
    return base64.b64decode(found["base64"])


def _pieces(text: str) -> list[Any]:
    """A text with its runs of one character as pairs; empty if it has none."""
    pieces: list[Any] = []
    end = 0
    for run in _RUN.finditer(text):
        pieces += [text[end : run.start()], [run[1], len(run[0])]]
        end = run.end()
    return [*pieces, text[end:]] if pieces else []


def _piece(item: Any) -> str:  # noqa: ANN401 - a text or a pair
    return item if isinstance(item, str) else item[0] * item[1]


def _written(found: dict[str, Any]) -> str:
    """One line that any file can hold."""
    text = _write(found)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(found)
    return text
