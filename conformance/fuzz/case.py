"""A case: one generated request, as the contract sees it, without any key; and its line in a corpus."""

from __future__ import annotations

import base64
import enum
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.model import Json

JSON_TYPE = "application/json"
_MARK = b', "json":'
_LONG = 2_000
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


_AUTHS = {item.value: item for item in Auth}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One generated request.

    `call` is the operation by its method and path, `about` what is special in a few words. `expect` names the
    facts of which one says how it is answered; where it is empty, the contract leaves the answer open.
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
        return replace(self, body=body, origin=Origin.SHRINKER, expect=())


def compact(value: Json) -> bytes:
    """A value as compact JSON; lone surrogates as escapes."""
    text: str = _encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def line(case: Case) -> str:
    """A case as one line of JSON; a body that is compact JSON stands in it as it is."""
    found: dict[str, Any] = {"call": case.call, "from": case.origin.value, "about": case.about}
    found["expect"] = list(case.expect)
    if case.auth is not Auth.RIGHT:
        found["auth"] = case.auth.value
    if case.content_type != JSON_TYPE:
        found["content_type"] = case.content_type
    if case.coding:
        found["coding"] = case.coding
    body = _body(case.body)
    if isinstance(body, str):
        return f"{_written(found)[:-1]}{_MARK.decode()}{body}}}"
    return _written({**found, **body})


def read(text: bytes) -> Case:
    """A case from its line. Raises ValueError or KeyError for a line that is none."""
    head, mark, body = text.rstrip().partition(_MARK)
    found: dict[str, Any] = json.loads(head + b"}" if mark else head)
    return Case(
        call=found["call"],
        origin=Origin(found["from"]),
        about=found["about"],
        expect=tuple(found["expect"]),
        auth=_AUTHS[found.get("auth", "right")],
        content_type=found.get("content_type", JSON_TYPE),
        coding=found.get("coding", ""),
        body=body[:-1] if mark else _bytes(found),
    )


def data(case: Case) -> dict[str, Any]:
    """A case as JSON data."""
    found: dict[str, Any] = json.loads(line(case))
    return found


def of_data(found: dict[str, Any]) -> Case:
    """A case from its JSON data. Raises ValueError or KeyError for what is none."""
    body = found.pop("json", _MARK)
    text = _written(found)
    return read(
        (text if body is _MARK else f"{text[:-1]}{_MARK.decode()}{compact(body).decode()}}}").encode()
    )


def _body(body: bytes) -> dict[str, Any] | str:
    """A body in the most readable form that gives its bytes back; compact JSON as it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    if len(text) > _LONG and (pieces := _pieces(text)):
        return {"pieces": pieces}
    try:
        value = json.loads(text)
        if compact(value) == body:
            return text
    except (ValueError, RecursionError):
        pass
    return {"text": text}


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
