"""Judgements of the bodies of answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from conformance.errors import Deviation, Silent
from conformance.profile.facts import BodyClass, Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from conformance.model import Exchange, Response
    from conformance.profile.facts import BodyShape

_START = r"(?:^|(?<=[\"'>]))\s*"
"""Where a line of a trace begins: that of a text, or a string in a list of them."""
_TRACES = (
    r"Traceback \(most recent call last\)"
    rf"|{_START}File \"[^\"]+\", line \d+"
    rf"|{_START}at [\w.$<>/@-]+\([^)]*:\d+\)"
    rf"|{_START}at (?:.+ \(?)?(?:file://|/|[A-Z]:\\+|node:)\S+:\d+:\d+"
    rf"|{_START}at .+\) in \S+:line \d+"
    r"|goroutine \d+ \[[\w ,]+\]"
    rf"|{_START}panic: "
    r"|Exception in thread \""
    rf"|{_START}(?:from )?\S+\.rb:\d+:in [`'\"]"
    r"|#\d+ /\S+\.php\(\d+\)"
    r"|thread '[^']+'(?: \(\d+\))? panicked at"
    r"|Stack trace:"
)
_SPELLINGS = {
    "\\n": "\n", "\\t": "\t", '\\"': '"', "\\/": "/", "&quot;": '"', "&#39;": "'", "<br>": "\n",
    "&nbsp;": " ", "&lt;": "<", "&gt;": ">",
}  # fmt: skip
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_PAGE = re.compile(r"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
HTML_PROBE = "<script>conformance()</script>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """What no body may have in it: a regular expression, in which `^` is the beginning of any line.

    Where `media_types` are given, only bodies of these count. Before it is searched, `spellings` are replaced
    by what they mean, one after the other.
    """

    pattern: str
    media_types: Collection[str] = ()
    spellings: Mapping[str, str] = field(default_factory=dict)

    def found(self, response: Response) -> str:
        """What of it a body has; empty if nothing."""
        text = response.text
        for spelled, meant in self.spellings.items():
            text = text.replace(spelled, meant)
        match = re.search(self.pattern, text, re.MULTILINE)
        if match is None or (self.media_types and response.media_type not in self.media_types):
            return ""
        return match[0]


ABSENCES = {
    Rule.NO_STACK_TRACE: Absence(pattern=_TRACES, spellings=_SPELLINGS),
    Rule.NO_HTML_REFLECTION: Absence(
        pattern=re.escape(HTML_PROBE), media_types=sorted(_HTML | {"", "image/svg+xml"})
    ),
}
"""What no answer may have in it, by the rule that says so."""


def body(exchange: Exchange, shape: BodyShape, what: str) -> None:
    """The body has every facet that the contract promises of it."""
    if exchange.response is None:
        raise Silent("there is no answer whose body could be looked at")
    for expected, received in _misfits(exchange.response.media_type, exchange.response.body, shape):
        raise Deviation(
            f"the answer to {what} must have {expected}, and has {received}",
            expected=expected,
            received=f"{exchange.status} with {received}",
        )


def outward(exchange: Exchange) -> str:
    """The type of an answer's body, and the names in it where it is a JSON object."""
    response = exchange.response
    if response is None or not response.body:
        return "with an empty body"
    kind = response.media_type or "of no type"
    try:
        value: Any = json.loads(response.text)
    except ValueError:
        return f"{kind}, {len(response.body)} bytes"
    names = ", ".join(sorted(value)) if isinstance(value, dict) else type(value).__name__
    return f"{kind}, JSON: {names}"


def no_stack_trace(exchange: Exchange, what: str) -> None:
    """The answer does not show the inside of the server."""
    found = ABSENCES[Rule.NO_STACK_TRACE].found(exchange.response) if exchange.response else ""
    if found:
        raise Deviation(
            f"the answer to {what} shows a stack trace: {found.strip()!r}",
            expected="an error message without the inside of the server",
            received=exchange.outline,
        )


def no_html_reflection(exchange: Exchange, what: str) -> None:
    """What the client sent does not come back as HTML that a browser would run."""
    response = exchange.response
    if response is not None and ABSENCES[Rule.NO_HTML_REFLECTION].found(response):
        raise Deviation(
            f"the answer to {what} repeats the client's markup as {response.media_type or 'an untyped body'}",
            expected="markup escaped, or a type that no browser renders",
            received=exchange.outline,
        )


def _misfits(media_type: str, content: bytes, shape: BodyShape) -> Iterable[tuple[str, str]]:
    """Each facet that a body misses: what was promised, what came."""
    if shape.media_type is not None and media_type != shape.media_type:
        yield f"the type {shape.media_type}", f"the type {media_type}" if media_type else "no Content-Type"
    text = content.decode("utf-8", errors="replace")
    shown = _short(text)
    match shape.body_class:
        case BodyClass.EMPTY if content:
            yield "an empty body", f"the body {shown}"
        case BodyClass.MESSAGE | BodyClass.TEXT if not text.strip():
            yield "a body that says something", "an empty body"
        case BodyClass.MESSAGE | BodyClass.TEXT if media_type in _HTML or _PAGE.match(text):
            yield "a plain message", f"an HTML page: {shown}"
        case BodyClass.JSON:
            yield from _json_misfits(text, shape)
        case _:
            pass
    if shape.text is not None and text.strip().lower() != shape.text.lower():
        yield f"the body {shape.text!r}", f"the body {shown}"


def _json_misfits(text: str, shape: BodyShape) -> Iterable[tuple[str, str]]:
    """Where a body is not the JSON that was promised."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        yield "a JSON body", f"the body {_short(text)}"
        return
    if shape.schema is not None:
        for error in Draft202012Validator(shape.schema).iter_errors(value):
            place = error.json_path.removeprefix("$.").replace("$", "the body")
            yield f"a JSON body of the documented shape ({place}: {_short(error.message, 160)})", _short(text)


def _short(text: str, longest: int = 100) -> str:
    """A text for a message."""
    return repr(text if len(text) <= longest else f"{text[:longest]}...") if text else "nothing"
