"""Assertions on the bodies of responses."""

from __future__ import annotations

import email.message
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import jsonschema_rs

from conformance.core.errors import Deviation, NotApplicable
from conformance.core.foreign_json import MAX_DEPTH, Unreadable, UnreadableReason, read_body
from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import Rule
from conformance.profile.json_schemas import PATTERN_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from conformance.core.model import Exchange, Response
    from conformance.profile.facts import ResponseBody

_LINE_START = r"(?:^|(?<=[\"'>]))[^\S\n]{0,99}"
"""Where a line of a stack trace begins: a line of the text, or a string in a list of lines."""
_STACK_TRACES = {
    r"Traceback \(most recent call last\)": "Traceback (most recent call last)",
    rf"{_LINE_START}File \"[^\"]{{1,300}}\", line \d{{1,9}}": 'File "',
    rf"{_LINE_START}at [\w.$<>/@-]{{1,300}}\([^)]{{0,300}}:\d{{1,9}}\)": "at ",
    rf"{_LINE_START}at (?:.{{1,300}} \(?)?(?:file://|/|[A-Z]:\\|node:)\S{{1,300}}:\d{{1,9}}:\d{{1,9}}": "at ",
    rf"{_LINE_START}at .{{1,300}}\) in \S{{1,300}}:line \d{{1,9}}": ":line ",
    r"goroutine \d{1,20} \[[\w ,]{1,300}\]": "goroutine ",
    rf"{_LINE_START}panic: ": "panic: ",
    r"Exception in thread \"": 'Exception in thread "',
    rf"{_LINE_START}(?:from )?[\w./\\@+~:-]{{1,300}}\.rb:\d{{1,20}}:in [`'\"]": ".rb:",
    r"#\d{1,9} /\S{1,300}\.php\(\d{1,20}\)": ".php(",
    r"thread '[^']{1,300}'(?: \(\d{1,20}\))? panicked at": "panicked at",
    r"Stack trace:": "Stack trace:",
}
"""What shows a stack trace, each with a text that it must contain: most bodies have none, and are not searched.

Repetitions are bounded, and none can go on where the next begins: a search takes time in proportion to the body.
"""
_ESCAPES = {
    "\\n": "\n", "\\t": "\t", '\\"': '"', "\\/": "/", "&quot;": '"', "&#39;": "'", "<br>": "\n",
    "&nbsp;": " ", "&lt;": "<", "&gt;": ">",
}  # fmt: skip
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_HTML_PAGE_START = re.compile(r"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
HTML_PROBE = "<script>conformance()</script>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenPattern:
    """Regular expressions none of which may match any body; `^` matches at the start of every line.

    `parts` maps each to a text that is in all that it matches. With `media_types`, only bodies of these types count.
    Before the search each of `escapes` is replaced by the character that it stands for, one after the other.
    """

    parts: Mapping[str, str]
    media_types: Collection[str] = ()
    escapes: Mapping[str, str] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        """All in one."""
        return "|".join(self.parts)

    def find_in(self, response: Response) -> str:
        """The first match in a response's body, which the wire has cut; empty if there is none."""
        if self.media_types and response.media_type not in self.media_types:
            return ""
        return _first_match(tuple(self.parts.items()), tuple(self.escapes.items()), response.text)


@lru_cache(maxsize=16)
def _first_match(parts: tuple[tuple[str, str], ...], escapes: tuple[tuple[str, str], ...], text: str) -> str:
    """The first match of some patterns in a text; many servers answer alike again and again."""
    for escape, character in escapes:
        text = text.replace(escape, character)
    searches = (re.search(part, text, re.MULTILINE) for part, needed in parts if needed in text)
    return min(((match.start(), match[0]) for match in searches if match), default=(0, ""))[1]


FORBIDDEN_PATTERNS = {
    Rule.NO_STACK_TRACE: ForbiddenPattern(parts=_STACK_TRACES, escapes=_ESCAPES),
    Rule.NO_HTML_REFLECTION: ForbiddenPattern(
        parts={re.escape(HTML_PROBE): HTML_PROBE}, media_types=sorted(_HTML_TYPES | {"", "image/svg+xml"})
    ),
}
"""What no body may contain, by the rule that forbids it."""


def body(exchange: Exchange, shape: ResponseBody, subject: str) -> None:
    """The body has the type and shape that the contract promises. Raises Deviation if not.

    Raises NotApplicable if there was no response, or if its JSON is too large to be looked at.
    """
    if exchange.response is None:
        raise NotApplicable("there is no answer whose body could be looked at")
    for expected, received in _find_mismatches(exchange.response, shape):
        raise Deviation(
            f"the answer to {subject} must have {expected}",
            f"has {received}",
            exchange=exchange,
            expected=expected,
            received=f"{exchange.status} with {received}",
        )


def describe_body(exchange: Exchange) -> str:
    """The type of a response's body, and its members if it is a JSON object, for a message."""
    response = exchange.response
    if response is None or not response.body:
        return "with an empty body"
    kind = response.media_type or "of no type"
    value = read_body(response)
    if isinstance(value, Unreadable):
        return f"{kind}, {len(response.body)} bytes"
    names = ", ".join(sorted(value)) if isinstance(value, dict) else type(value).__name__
    return f"{kind}, JSON: {names}"


def no_stack_trace(exchange: Exchange, subject: str) -> None:
    """The response shows no stack trace. Raises Deviation if it does."""
    stack_trace = FORBIDDEN_PATTERNS[Rule.NO_STACK_TRACE].find_in(exchange.response) if exchange.response else ""
    if stack_trace:
        raise Deviation(
            f"the answer to {subject} must not show a stack trace",
            f"has {stack_trace.strip()!r}",
            exchange=exchange,
            expected="an error message without the inside of the server",
        )


def no_html_reflection(exchange: Exchange, subject: str) -> None:
    """The response does not return the client's markup as HTML that a browser would run. Raises Deviation if so."""
    response = exchange.response
    if response is not None and FORBIDDEN_PATTERNS[Rule.NO_HTML_REFLECTION].find_in(response):
        raise Deviation(
            f"the answer to {subject} must not repeat the client's markup where a browser would run it",
            f"does, as {response.media_type or 'a body without a type'}",
            exchange=exchange,
            expected="markup escaped, or a type that no browser renders",
        )


def _find_mismatches(response: Response, shape: ResponseBody) -> Iterable[tuple[str, str]]:
    """Each way in which a body differs from the promised one: what was expected, what was received."""
    media_type = response.media_type
    if shape.media_type is not None and media_type != shape.media_type:
        yield f"the type {shape.media_type}", f"the type {media_type}" if media_type else "no Content-Type"
    charset = _charset(response)
    if shape.charset is not None and charset not in {"", shape.charset}:
        yield f"the charset {shape.charset}", f"the charset {charset}"
    text = response.text
    excerpt = _excerpt(text)
    match shape.body_format:
        case BodyFormat.EMPTY if response.body:
            yield "an empty body", f"the body {excerpt}"
        case BodyFormat.MESSAGE | BodyFormat.TEXT if not text.strip():
            yield "a body that says something", "an empty body"
        case BodyFormat.MESSAGE | BodyFormat.TEXT if media_type in _HTML_TYPES or _HTML_PAGE_START.match(text):
            yield "a plain message", f"an HTML page: {excerpt}"
        case BodyFormat.JSON:
            yield from _find_json_mismatches(response, shape)
        case _:
            pass
    if shape.text is not None and text.strip().lower() != shape.text.lower():
        yield f"the body {shape.text!r}", f"the body {excerpt}"


def _charset(response: Response) -> str:
    """The charset in a response's Content-Type, in lower case; empty if it names none."""
    parsed = email.message.Message()
    parsed["content-type"] = response.header("content-type") or ""
    return (parsed.get_content_charset("") or "").lower()


def _find_json_mismatches(response: Response, shape: ResponseBody) -> Iterable[tuple[str, str]]:
    """The first way in which a body differs from the promised JSON: what was expected, what was received.

    Raises NotApplicable if the body is too large to be judged.
    """
    value = read_body(response)
    if isinstance(value, Unreadable):
        if value.reason is not UnreadableReason.NOT_JSON:
            raise NotApplicable(f"the answer's body was not looked at: {value.reason}")
        yield "a JSON body", f"the body {_excerpt(response.text)}"
    elif shape.schema is not None:
        error = next(iter(_validator(json.dumps(shape.schema)).iter_errors(value)), None)
        while error is not None and (alternatives := getattr(error.kind, "context", None)):
            error = alternatives[0][0]  # in the first of several shapes, which is the preferred one
        if error is not None and len(error.instance_path) < MAX_DEPTH:
            place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
            where = place.removeprefix(".") or "the body"
            expected = f"a JSON body of the documented shape ({where}: {_excerpt(error.message, 160)})"
            yield expected, _excerpt(response.text)


@lru_cache(maxsize=64)
def _validator(schema_text: str) -> jsonschema_rs.Draft202012Validator:
    """A validator for a schema that a profile was read with; its patterns take linear time."""
    options = jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES)
    return jsonschema_rs.Draft202012Validator(json.loads(schema_text), pattern_options=options)


def _excerpt(text: str, max_length: int = 100) -> str:
    """The beginning of a text, quoted for a message."""
    return repr(text if len(text) <= max_length else f"{text[:max_length]}...") if text else "nothing"
