"""Judgements of the bodies of answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from conformance.core.errors import Deviation, NotApplicable
from conformance.profile.facts import BodyFormat, Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from conformance.core.model import Exchange, Response
    from conformance.profile.facts import ResponseBody

_LINE_START = r"(?:^|(?<=[\"'>]))\s*"
"""Where a line of a trace begins: that of a text, or a string in a list of them."""
_STACK_TRACES = (
    r"Traceback \(most recent call last\)"
    rf"|{_LINE_START}File \"[^\"]+\", line \d+"
    rf"|{_LINE_START}at [\w.$<>/@-]+\([^)]*:\d+\)"
    rf"|{_LINE_START}at (?:.+ \(?)?(?:file://|/|[A-Z]:\\+|node:)\S+:\d+:\d+"
    rf"|{_LINE_START}at .+\) in \S+:line \d+"
    r"|goroutine \d+ \[[\w ,]+\]"
    rf"|{_LINE_START}panic: "
    r"|Exception in thread \""
    rf"|{_LINE_START}(?:from )?\S+\.rb:\d+:in [`'\"]"
    r"|#\d+ /\S+\.php\(\d+\)"
    r"|thread '[^']+'(?: \(\d+\))? panicked at"
    r"|Stack trace:"
)
_ESCAPES = {
    "\\n": "\n", "\\t": "\t", '\\"': '"', "\\/": "/", "&quot;": '"', "&#39;": "'", "<br>": "\n",
    "&nbsp;": " ", "&lt;": "<", "&gt;": ">",
}  # fmt: skip
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_HTML_PAGE_START = re.compile(r"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
HTML_PROBE = "<script>conformance()</script>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenPattern:
    """What no body may have in it: a regular expression, in which `^` is the beginning of any line.

    Where `media_types` are given, only bodies of these count. Before it is searched, `spellings` are replaced
    by what they mean, one after the other.
    """

    pattern: str
    media_types: Collection[str] = ()
    escapes: Mapping[str, str] = field(default_factory=dict)

    def find_in(self, response: Response) -> str:
        """What of it a body has; empty if nothing."""
        text = response.text
        for escape, character in self.escapes.items():
            text = text.replace(escape, character)
        match = re.search(self.pattern, text, re.MULTILINE)
        if match is None or (self.media_types and response.media_type not in self.media_types):
            return ""
        return match[0]


FORBIDDEN_PATTERNS = {
    Rule.NO_STACK_TRACE: ForbiddenPattern(pattern=_STACK_TRACES, escapes=_ESCAPES),
    Rule.NO_HTML_REFLECTION: ForbiddenPattern(
        pattern=re.escape(HTML_PROBE), media_types=sorted(_HTML_TYPES | {"", "image/svg+xml"})
    ),
}
"""What no answer may have in it, by the rule that says so."""


def body(exchange: Exchange, shape: ResponseBody, subject: str) -> None:
    """The body has every facet that the contract promises of it."""
    if exchange.response is None:
        raise NotApplicable("there is no answer whose body could be looked at")
    for expected, received in _find_mismatches(exchange.response.media_type, exchange.response.body, shape):
        raise Deviation(
            f"the answer to {subject} must have {expected}",
            f"has {received}",
            exchange=exchange,
            expected=expected,
            received=f"{exchange.status} with {received}",
        )


def describe_body(exchange: Exchange) -> str:
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


def no_stack_trace(exchange: Exchange, subject: str) -> None:
    """The answer does not show the inside of the server."""
    stack_trace = FORBIDDEN_PATTERNS[Rule.NO_STACK_TRACE].find_in(exchange.response) if exchange.response else ""
    if stack_trace:
        raise Deviation(
            f"the answer to {subject} must not show a stack trace",
            f"has {stack_trace.strip()!r}",
            exchange=exchange,
            expected="an error message without the inside of the server",
        )


def no_html_reflection(exchange: Exchange, subject: str) -> None:
    """What the client sent does not come back as HTML that a browser would run."""
    response = exchange.response
    if response is not None and FORBIDDEN_PATTERNS[Rule.NO_HTML_REFLECTION].find_in(response):
        raise Deviation(
            f"the answer to {subject} must not repeat the client's markup where a browser would run it",
            f"does, as {response.media_type or 'a body without a type'}",
            exchange=exchange,
            expected="markup escaped, or a type that no browser renders",
        )


def _find_mismatches(media_type: str, content: bytes, shape: ResponseBody) -> Iterable[tuple[str, str]]:
    """Each facet that a body misses: what was promised, what came."""
    if shape.media_type is not None and media_type != shape.media_type:
        yield f"the type {shape.media_type}", f"the type {media_type}" if media_type else "no Content-Type"
    text = content.decode("utf-8", errors="replace")
    excerpt = _excerpt(text)
    match shape.body_format:
        case BodyFormat.EMPTY if content:
            yield "an empty body", f"the body {excerpt}"
        case BodyFormat.MESSAGE | BodyFormat.TEXT if not text.strip():
            yield "a body that says something", "an empty body"
        case BodyFormat.MESSAGE | BodyFormat.TEXT if media_type in _HTML_TYPES or _HTML_PAGE_START.match(text):
            yield "a plain message", f"an HTML page: {excerpt}"
        case BodyFormat.JSON:
            yield from _find_json_mismatches(text, shape)
        case _:
            pass
    if shape.text is not None and text.strip().lower() != shape.text.lower():
        yield f"the body {shape.text!r}", f"the body {excerpt}"


def _find_json_mismatches(text: str, shape: ResponseBody) -> Iterable[tuple[str, str]]:
    """Where a body is not the JSON that was promised."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        yield "a JSON body", f"the body {_excerpt(text)}"
        return
    if shape.schema is not None:
        for error in Draft202012Validator(shape.schema).iter_errors(value):
            error_path = error.json_path.removeprefix("$.").replace("$", "the body")
            yield (
                f"a JSON body of the documented shape ({error_path}: {_excerpt(error.message, 160)})",
                _excerpt(text),
            )


def _excerpt(text: str, max_length: int = 100) -> str:
    """A text for a message."""
    return repr(text if len(text) <= max_length else f"{text[:max_length]}...") if text else "nothing"
