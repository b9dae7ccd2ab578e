"""Faults in the events that a server accepts: valid ones that it refuses or fails on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.core.pointers import PointerNotFound, get
from conformance.refserver.faults.fault import Fault
from conformance.refserver.faults.response_overrides import (
    IS_EVENT,
    crash_on,
    refuse_accepted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.refserver.server_change import RequestView, ResponseOverride


_OFFSET = re.compile(r"[+-]\d\d:?\d\d$")


def _refuse_single_event(when: Callable[[RequestView], bool], status: int = 400) -> ResponseOverride:
    """Refuses on the paths of single events."""
    return refuse_accepted(lambda view: IS_EVENT(view) and when(view), status)


def _timestamp_matches(test: Callable[[str], object]) -> Callable[[RequestView], bool]:
    """Holds where a timestamp passes a test."""
    return lambda view: any(isinstance(value, str) and test(value) for value in view.values_of("timestamp"))


def _has_only_id(name: str) -> Callable[[RequestView], bool]:
    """Holds for events whose only id is the user's, or the anonymous one."""
    other = {"user": "anonymous", "anonymous": "user"}[name]
    return lambda view: bool(view.values_of(name)) and not view.values_of(other)


def _has_unknown_field(view: RequestView) -> bool:
    """Whether an event has a top-level field that its schema does not know."""
    operation = view.decision.operation
    if operation is None or not isinstance(view.document, dict):
        return False
    properties = view.contract.event_schema(operation.event_type).get("properties")
    pointers = view.contract.profile.pointers
    known_fields = set(properties) if isinstance(properties, dict) else set()
    known_fields |= {
        pointer.split("/")[1] for pointer in (pointers.type, pointers.user, pointers.message_id) if pointer
    }
    return bool(set(view.document) - known_fields - {"writeKey", "integrations"})


def _is_documented_example(view: RequestView) -> bool:
    """Whether an event is of the user of the documented example."""
    operation = view.decision.operation
    example = view.contract.event_type(operation.event_type).example if operation else None
    user_pointer = view.contract.profile.pointers.user
    try:
        return example is not None and get(example.value, user_pointer) in view.values_at(user_pointer)
    except PointerNotFound:
        return False


FAULTS = (
    Fault(
        "timestamp-required",
        "Insists on a timestamp.",
        "only SDKs always send one",
        "accept.event.minimal accept.timestamp.absent accept.fields.optional-absent",
        _refuse_single_event(lambda view: not view.values_of("timestamp")),
        key_words="timestamp refused",
    ),
    Fault(
        "anonymous-required",
        "Insists on an anonymousId.",
        "servers have no browser's id at hand",
        "accept.event.minimal accept.event.user-only",
        _refuse_single_event(_has_only_id("user")),
        key_words="userId alone",
    ),
    Fault(
        "user-required",
        "Insists on a userId.",
        "visitors who have not signed in have none",
        "accept.event.anonymous-only",
        _refuse_single_event(_has_only_id("anonymous")),
        key_words="anonymousId alone",
    ),
    Fault(
        "integrations-refused",
        "Refuses events that choose their destinations.",
        "strict schemas forget the field",
        "accept.event.full payload.integrations.documented",
        _refuse_single_event(lambda view: bool(view.values_of("integrations"))),
        key_words="/integrations refused",
    ),
    Fault(
        "example-refused",
        "Refuses the documents' own example.",
        "example users are blocked as test data",
        "accept.event.example",
        _refuse_single_event(_is_documented_example),
        key_words="documented example refused",
    ),
    Fault(
        "unknown-fields-refused",
        "Refuses fields that it does not know.",
        "strict schemas refuse additional fields, which the documents themselves have",
        "accept.fields.unknown",
        _refuse_single_event(_has_unknown_field),
        key_words="unknown field",
    ),
    Fault(
        "context-needs-integrations",
        "Refuses an event with a context and no integrations.",
        "two fields that SDKs send together are not one",
        "accept.fields.optional-absent payload.context.documented",
        _refuse_single_event(lambda view: bool(view.values_of("context")) and not view.values_of("integrations")),
        key_words="context integrations",
    ),
    Fault(
        "ascii-only",
        "Refuses text beyond ASCII.",
        "decoders are left at their default",
        "accept.text.unicode accept.text.emoji",
        _refuse_single_event(lambda view: not view.body_text.isascii()),
        key_words="beyond ASCII refused",
    ),
    Fault(
        "emoji-crash",
        "Fails on characters of four bytes.",
        "tables in a three-byte character set",
        "accept.text.emoji accept.text.escaped",
        crash_on(when=lambda view: any(max(text, default="") > "\uffff" for text in view.all_strings())),
        key_words="emoji 500",
    ),
    Fault(
        "control-characters-refused",
        "Refuses texts with quotes, tabs or line breaks in them.",
        "filters against injection catch people's own words",
        "accept.text.controls",
        _refuse_single_event(lambda view: any("\t" in text or "\n" in text for text in view.all_strings())),
        key_words="line breaks",
    ),
    Fault(
        "escapes-refused",
        "Refuses text with escapes of Unicode.",
        "hand-written parsers forget them",
        "accept.text.escaped",
        _refuse_single_event(lambda view: "\\u" in view.body_text and "\\u0000" not in view.body_text),
        key_words="escaped refused",
    ),
    Fault(
        "one-line-only",
        "Reads one line of JSON.",
        "bodies are split at line breaks",
        "accept.text.spread",
        _refuse_single_event(lambda view: "\n" in view.body_text.strip()),
        key_words="several lines",
    ),
    Fault(
        "old-events-refused",
        "Refuses events that are years old.",
        "imports of history are legitimate",
        "accept.timestamp.historical",
        _refuse_single_event(_timestamp_matches(lambda text: text < "2013")),
        key_words="timestamp refused",
    ),
    Fault(
        "offsets-refused",
        "Refuses timestamps with an offset.",
        "official Python SDKs send nothing else",
        "accept.timestamp.offset sdk.*-python-*.accepted",
        refuse_accepted(_timestamp_matches(_OFFSET.search)),
        extra_operations=("batch",),
        key_words="timestamp +00:00",
    ),
    Fault(
        "three-decimals-only",
        "Refuses timestamps with other than three decimals.",
        "some SDKs send microseconds",
        "accept.timestamp.fractional",
        _refuse_single_event(_timestamp_matches(lambda text: not re.search(r":\d\d\.\d{3}(\D|$)", text))),
        key_words="timestamp refused",
    ),
    Fault(
        "time-crash",
        "Fails where an event has no timestamp.",
        "a date is parsed that is not there",
        "accept.timestamp.absent accept.event.minimal",
        crash_on(when=lambda view: IS_EVENT(view) and view.is_accepted and not view.values_of("timestamp")),
        key_words="/timestamp 500",
    ),
)
