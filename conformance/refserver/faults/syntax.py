"""Faults in how JSON is parsed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import (
    HAS_BATCHES,
    HAS_WEBHOOKS,
    Fault,
    requires_refusals,
)
from conformance.refserver.faults.response_overrides import (
    HAS_JSON_BODY,
    IS_BATCH,
    IS_EVENT,
    IS_WEBHOOK,
    accept_refused,
    change_refusal_status,
    crash_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView


_INVALID, _NOT_OBJECT, _NOT_UTF8 = (f"answers.json-{word}" for word in ("invalid", "not-object", "not-utf8"))

_REFUSES_NON_OBJECTS = requires_refusals(_NOT_OBJECT)


def _is_json_after(mend: Callable[[str], str]) -> RequestPredicate:
    """Holds where a mended body is JSON, and the body as it came is not."""

    def holds(view: RequestView) -> bool:
        text = view.body_text.strip()
        mended = mend(text)
        if not text or mended == text:
            return False
        try:
            json.loads(mended)
        except (ValueError, RecursionError):
            return False
        return True

    return holds


def _first_value(text: str) -> str:
    """The first JSON value in a text."""
    try:
        return text[: json.JSONDecoder().raw_decode(text)[1]]
    except (ValueError, RecursionError):
        return text


def _apostrophes_to_quotes(text: str) -> str:
    return text.replace("'", '"')


def _without_trailing_comma(text: str) -> str:
    return text.replace(",}", "}").replace(",]", "]")


def _python_words_to_json(text: str) -> str:
    return text.replace(":True", ":true").replace(":None", ":null").replace(":False", ":false")


def _constants_to_numbers(text: str) -> str:
    return text.replace("-Infinity", "0").replace("Infinity", "0").replace("NaN", "0")


def _newlines_to_spaces(text: str) -> str:
    return text.replace("\n", " ")


def _document_is(kind: type) -> RequestPredicate:
    return lambda view: type(view.document) is kind


def _has_invalid_example(contract: Contract) -> bool:
    """Fits where the documents print what is not JSON."""
    return any(event.invalid_example for event in contract.profile.events.values())


FAULTS = (
    Fault(
        "json-unchecked",
        "Answers 200 to everything and parses it later.",
        "queues in front of the parser: what can't be read is lost in silence",
        "json.syntax.* json.example.invalid",
        accept_refused(_INVALID),
        key_words="JSON accepted",
    ),
    Fault(
        "json-unchecked-in-batches",
        "Parses single events, but accepts batches unparsed.",
        "large bodies are queued unread",
        "json.syntax.truncated json.syntax.half json.syntax.plain-text",
        accept_refused(_INVALID, when=IS_BATCH),
        HAS_BATCHES,
        extra_operations=("batch",),
        key_words="body accepted",
    ),
    Fault(
        "json-unchecked-in-webhooks",
        "Accepts webhooks without parsing them.",
        "other systems send what they like",
        "json.syntax.truncated json.syntax.plain-text",
        accept_refused(_INVALID, when=IS_WEBHOOK),
        HAS_WEBHOOKS,
        extra_operations=("webhook",),
        key_words="body accepted",
    ),
    Fault(
        "json-422",
        "Answers invalid JSON with 422.",
        "frameworks for validation do by themselves",
        "json.syntax.truncated json.syntax.plain-text json.example.invalid",
        change_refusal_status(422, _INVALID, when=HAS_JSON_BODY),
        key_words="422",
    ),
    Fault(
        "json-crash",
        "Fails on a body that is cut off.",
        "the parser's exception goes through",
        "json.syntax.truncated json.syntax.half errors.status.json",
        crash_on(_INVALID, when=lambda view: IS_EVENT(view) and view.body_text.count("{") > view.body_text.count("}")),
        key_words="first half 500",
    ),
    Fault(
        "empty-body-crash",
        "Fails on an empty body.",
        "the first byte is taken for granted",
        "json.syntax.empty-body errors.status.json webhook.status.bad robustness.length.missing",
        crash_on(_INVALID, when=lambda view: HAS_JSON_BODY(view) and not view.body_text),
        key_words="empty body 500",
    ),
    Fault(
        "empty-body-accepted",
        "Takes an empty body for an empty event.",
        "some frameworks read it as {}",
        "json.syntax.empty-body",
        accept_refused(_INVALID, when=lambda view: HAS_JSON_BODY(view) and not view.body_text),
        key_words="empty body",
    ),
    Fault(
        "more-after-json-ignored",
        "Stops reading at the end of the first JSON value.",
        "streaming decoders do: what a careless client glued together is lost",
        "json.syntax.trailing-garbage json.syntax.trailing-brace json.syntax.second-value",
        accept_refused(_INVALID, when=_is_json_after(_first_value)),
        key_words="second JSON value",
    ),
    Fault(
        "comma-forgiven",
        "Forgives a comma after the last field.",
        "parsers of JSON5 and of JavaScript do",
        "json.syntax.trailing-comma",
        accept_refused(_INVALID, when=_is_json_after(_without_trailing_comma)),
        key_words="comma",
    ),
    Fault(
        "apostrophes-forgiven",
        "Takes apostrophes for quotes.",
        "the body is evaluated, not parsed",
        "json.syntax.single-quotes",
        accept_refused(_INVALID, when=_is_json_after(_apostrophes_to_quotes)),
        key_words="single quotes",
    ),
    Fault(
        "bare-words-forgiven",
        "Takes Python's True for true.",
        "the documents print it",
        "json.syntax.unquoted-word",
        accept_refused(_INVALID, when=_is_json_after(_python_words_to_json)),
        key_words="unquoted word",
    ),
    Fault(
        "nan-accepted",
        "Takes NaN and Infinity.",
        "parsers take them by default and pass them on to others",
        "json.syntax.nan json.syntax.infinity json.syntax.minus-infinity",
        accept_refused(_INVALID, when=_is_json_after(_constants_to_numbers)),
        key_words="NaN",
    ),
    Fault(
        "raw-newlines-accepted",
        "Takes line breaks inside strings.",
        "lenient parsers do",
        "json.syntax.raw-newline",
        accept_refused(_INVALID, when=_is_json_after(_newlines_to_spaces)),
        key_words="unescaped line break",
    ),
    Fault(
        "example-mended",
        "Repairs the invalid example of the documents.",
        "a server that guesses stores what nobody sent",
        "json.example.invalid",
        accept_refused(_INVALID, when=lambda view: IS_EVENT(view) and view.body_text.startswith("{\n")),
        _has_invalid_example,
        key_words="example not valid JSON",
    ),
    Fault(
        "arrays-accepted",
        "Takes an array for a batch, on every path.",
        "other vendors' batches are arrays",
        "json.top-level.array",
        accept_refused(_NOT_OBJECT, when=_document_is(list)),
        _REFUSES_NON_OBJECTS,
        key_words="array at the top level",
    ),
    Fault(
        "scalars-accepted",
        "Takes any JSON value for an event.",
        "only the parser can refuse",
        "json.top-level.string json.top-level.number json.top-level.boolean json.top-level.null",
        accept_refused(_NOT_OBJECT, when=lambda view: not isinstance(view.document, list)),
        _REFUSES_NON_OBJECTS,
        key_words="number at the top level accepted",
    ),
    Fault(
        "null-crash",
        "Fails on null.",
        "the value of a field of nothing",
        "json.top-level.null errors.status.json webhook.status.bad",
        crash_on(_NOT_OBJECT, when=lambda view: HAS_JSON_BODY(view) and view.document is None),
        key_words="null 500",
    ),
    Fault(
        "array-crash",
        "Fails on an array at the top level.",
        "a list has no get",
        "json.top-level.array errors.status.json webhook.status.bad",
        crash_on(_NOT_OBJECT, when=_document_is(list)),
        key_words="array top level 500",
    ),
    Fault(
        "scalars-422",
        "Answers a JSON value that is no object with 422.",
        "a schema's own answer",
        "json.top-level.string json.top-level.number json.top-level.boolean json.top-level.null",
        change_refusal_status(422, _NOT_OBJECT, when=lambda view: not isinstance(view.document, list)),
        key_words="top level 422",
    ),
    Fault(
        "bytes-replaced",
        "Replaces bytes that are not UTF-8 and goes on.",
        "decoders can be told to",
        "json.encoding.invalid-utf8",
        accept_refused(_NOT_UTF8, when=HAS_JSON_BODY),
        key_words="UTF-8 accepted",
    ),
    Fault(
        "bytes-crash",
        "Fails on bytes that are not UTF-8.",
        "a decoder raises",
        "json.encoding.invalid-utf8 errors.status.json webhook.status.bad",
        crash_on(_NOT_UTF8, when=HAS_JSON_BODY),
        key_words="UTF-8 500",
    ),
)
