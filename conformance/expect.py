"""Judgements: each keeps quiet, notes something, or raises a Deviation that says what to do about it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from conformance.errors import Deviation, NoAnswer, Silent, Untestable
from conformance.model import Mishap
from conformance.profile.facts import Answer, BodyClass, BodyShape, Condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.model import Exchange

LENGTH_REQUIRED = 411
SERVER_ERROR = 500
_OK, _PARTIAL, _REDIRECT = 200, 207, 300
_START = r"(?:^|(?<=[\"'>]))\s*"
"""Where a line of a trace begins: that of a text, or a string in a list of them."""
_TRACES = re.compile(
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
    r"|Stack trace:",
    re.MULTILINE,
)
_SPELLINGS = {
    "\\n": "\n", "\\t": "\t", '\\"': '"', "\\/": "/", "&quot;": '"', "&#39;": "'", "<br>": "\n",
    "&nbsp;": " ", "&lt;": "<", "&gt;": ">",
}  # fmt: skip
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_PAGE = re.compile(r"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
HTML_PROBE = "<script>conformance()</script>"


def is_accepted(exchange: Exchange) -> bool:
    """Whether an answer is a success of any kind, a partial one aside."""
    return _OK <= exchange.status < _REDIRECT and exchange.status != _PARTIAL


def control(exchange: Exchange, what: str = "an acceptable request") -> None:
    """The acceptable twin was accepted. Raises Untestable if not."""
    if not is_accepted(exchange):
        raise Untestable(
            f"{what} to {exchange.request.method} {exchange.request.path} was not accepted, "
            "so nothing follows from refusing its spoilt twin; look at the accept checks first",
            expected="a success",
            received=exchange.outline,
        )


def chunks_allowed(exchange: Exchange) -> None:
    """The target may be sent a body in chunks. Raises Silent if not: HTTP/1.0 has none (RFC 9112, 6.1)."""
    control(exchange)
    if exchange.response and exchange.response.http_version < "HTTP/1.1":
        raise Silent("the target answers as HTTP/1.0, which has no chunks")


def length_not_required(exchange: Exchange) -> None:
    """The target does not insist on a Content-Length. Raises Silent if it does (RFC 9110 section 15.5.12)."""
    if exchange.status == LENGTH_REQUIRED:
        raise Silent("the target insists on a Content-Length with a 411, as it may")


def chunks_supported(exchange: Exchange) -> None:
    """A small body in chunks was accepted. Raises Silent if not, or if the answer is that of HTTP/1.0."""
    supported(exchange, "a body in chunks")
    chunks_allowed(exchange)


def accepted(exchange: Exchange, what: str) -> None:
    """The request was accepted, with whatever status of success."""
    if not is_accepted(exchange):
        raise Deviation(
            f"{what} must be accepted, and was answered with {exchange.outline}",
            expected="a success",
            received=exchange.outline,
        )


def supported(exchange: Exchange, what: str) -> None:
    """A feature that the vendor does not promise is there. Raises Silent if not."""
    if not is_accepted(exchange):
        raise Silent(f"{what} is not supported here: {exchange.outline}")


def refused(exchange: Exchange) -> None:
    """The request was refused at all. Raises Silent if not: there is no refusal to look at."""
    if exchange.response is None or exchange.status < 400:
        raise Silent(
            f"the target did not refuse the request, so there is no refusal to look at: {exchange.outline}"
        )


def status(exchange: Exchange, answer: Answer, what: str) -> str | None:
    """The status is one that the contract allows; a tolerated one comes back as a note.

    Where a success is among the allowed answers, any success will do: which one it has to be is what the
    checks of acceptance itself are about.
    """
    if exchange.status in answer.expect or _succeeds_as_well(exchange, answer):
        return None
    for item in answer.tolerate:
        if exchange.status == item.status:
            return f"{item.status} is tolerated: {item.source}" + (
                f" ({item.source.says})" if item.source.says else ""
            )
    raise Deviation(
        f"{what} must be answered with {_either(answer.statuses)}, and was answered with {exchange.outline}",
        expected=_either(answer.statuses),
        received=exchange.outline,
        level=answer.level,
    )


def _succeeds_as_well(exchange: Exchange, answer: Answer) -> bool:
    """Whether an answer that may be a success, and is not about success itself, is one."""
    may_succeed = any(_OK <= item < _REDIRECT and item != _PARTIAL for item in answer.statuses)
    return may_succeed and answer.name != f"answers.{Condition.ACCEPTED}" and is_accepted(exchange)


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


def no_timeout(exchange: Exchange) -> None:
    """The target did not stay silent. Raises NoAnswer if it did: waiting once is enough."""
    if exchange.mishap in {Mishap.TIMEOUT, Mishap.UNREACHABLE, Mishap.TLS}:
        raise NoAnswer(f"no verdict: {exchange.detail}")


def no_server_error(exchange: Exchange, what: str) -> None:
    """A fault of the client was not answered as one of the server, and was answered at all."""
    if exchange.status >= SERVER_ERROR or exchange.response is None:
        raise Deviation(
            f"{what} is the client's fault, and came out as the server's: {exchange.outline}",
            expected="an answer below 500",
            received=exchange.outline,
        )


def no_stack_trace(exchange: Exchange, what: str) -> None:
    """The answer does not show the inside of the server."""
    found = _TRACES.search(_unescaped(exchange))
    if found:
        raise Deviation(
            f"the answer to {what} shows a stack trace: {found[0].strip()!r}",
            expected="an error message without the inside of the server",
            received=exchange.outline,
        )


def no_html_reflection(exchange: Exchange, what: str) -> None:
    """What the client sent does not come back as HTML that a browser would run."""
    response = exchange.response
    if response is None or HTML_PROBE not in response.text:
        return
    if response.media_type in _HTML | {"", "image/svg+xml"}:
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


def _unescaped(exchange: Exchange) -> str:
    """A body with the escapes of JSON and HTML undone that stand in the way of the patterns."""
    text = exchange.response.text if exchange.response else ""
    for spelled, meant in _SPELLINGS.items():
        text = text.replace(spelled, meant)
    return text


def _short(text: str, longest: int = 100) -> str:
    """A text for a message."""
    return repr(text if len(text) <= longest else f"{text[:longest]}...") if text else "nothing"


def _either(statuses: Iterable[int]) -> str:
    """`400 or 401`."""
    return " or ".join(str(item) for item in dict.fromkeys(statuses))
