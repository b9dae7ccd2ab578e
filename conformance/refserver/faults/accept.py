"""Faults in what a server accepts: valid requests that it refuses, or answers otherwise than documented."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.pointers import PointerNotFound, get, has
from conformance.profile.facts import AuthScheme
from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import Fault, requires_facts
from conformance.refserver.faults.response_overrides import (
    IS_EVENT,
    IS_PIXEL,
    IS_WEBHOOK,
    crash_on,
    is_not_options,
    refuse_accepted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.refserver.fault_change import RequestView, ResponseOverride
    from conformance.refserver.replies import ServerReply

_OFFSET = re.compile(r"[+-]\d\d:?\d\d$")


def _refuse_single_event(when: Callable[[RequestView], bool], status: int = 400) -> ResponseOverride:
    """Refuses on the paths of single events."""
    return refuse_accepted(lambda sight: IS_EVENT(sight) and when(sight), status)


def _timestamp_matches(test: Callable[[str], object]) -> Callable[[RequestView], bool]:
    """Holds where a timestamp passes a test."""
    return lambda sight: any(
        isinstance(value, str) and test(value) for value in sight.values_at(sight.contract.profile.pointers.timestamp)
    )


def _has_field(sight: RequestView, name: str) -> bool:
    """Whether a single event has one of the fields that the profile points at."""
    pointer = getattr(sight.contract.profile.pointers, name)
    return pointer is not None and has(sight.document, pointer)


def _has_only_id(name: str) -> Callable[[RequestView], bool]:
    """Holds for events whose only id is the user's, or the anonymous one."""
    other = {"user": "anonymous", "anonymous": "user"}[name]
    return lambda sight: _has_field(sight, name) and not _has_field(sight, other)


def _has_unknown_field(sight: RequestView) -> bool:
    """Whether an event has a top-level field that its schema does not know."""
    operation = sight.decision.operation
    if operation is None or not isinstance(sight.document, dict):
        return False
    properties = sight.contract.event_schema(operation.event_type).get("properties")
    pointers = sight.contract.profile.pointers
    known_fields = set(properties) if isinstance(properties, dict) else set()
    known_fields |= {
        pointer.split("/")[1] for pointer in (pointers.type, pointers.user, pointers.message_id) if pointer
    }
    return bool(set(sight.document) - known_fields - {"writeKey", "integrations"})


def _is_documented_example(sight: RequestView) -> bool:
    """Whether an event is of the user of the documented example."""
    operation = sight.decision.operation
    example = sight.contract.event_type(operation.event_type).example if operation else None
    user_pointer = sight.contract.profile.pointers.user
    try:
        return example is not None and get(example.value, user_pointer) in sight.values_at(user_pointer)
    except PointerNotFound:
        return False


def _edit_success(
    status: int | None = None, media_type: str | None = None, body: bytes | None = None
) -> ResponseOverride:
    """Changes parts of the answer to single events and batches that are accepted."""

    def override(sight: RequestView) -> ServerReply | None:
        if not sight.is_accepted or not is_not_options(sight) or IS_PIXEL(sight) or IS_WEBHOOK(sight):
            return None
        reply = sight.correct_reply()
        return replace(
            reply,
            status=status or reply.status,
            media_type=media_type or reply.media_type,
            body=reply.body if body is None else body,
        )

    return override


def _has_key_header(sight: RequestView) -> bool:
    """Whether the key is in the header that the documents name."""
    return sight.contract.credential_carrier(AuthScheme.HEADER).lower() in sight.request.headers


def _has_key_in_body_only(sight: RequestView) -> bool:
    """Whether the key of a post is in its body alone."""
    return credentials.has_no_authorization(sight) and sight.request.method == "POST" and not IS_WEBHOOK(sight)


def _has_success_without_content(contract: Contract) -> bool:
    """Fits where success has no content."""
    return contract.has_fact("bodies.accepted") and not contract.has_fact("bodies.accepted-text")


FAULTS = (
    Fault(
        "created",
        "Answers 201 where another success is documented.",
        "frameworks answer 201 to a POST by themselves; an SDK that compares with 200 sends again",
        "accept.event.minimal accept.event.full accept.event.example accept.credentials.basic",
        _edit_success(status=201),
    ),
    Fault(
        "success-as-page",
        "Answers success with an HTML page.",
        "a proxy's page looks like success to whoever only looks at the status",
        "accept.answer.body accept.answer.text",
        _edit_success(media_type="text/html", body=b"<html><body>Thanks!</body></html>", status=200),
        requires_facts("bodies.accepted-text"),
    ),
    Fault(
        "success-with-words",
        "Answers 200 with a text where success has no content.",
        "a client that expects nothing leaves the bytes on the connection",
        "accept.answer.body accept.event.minimal accept.event.full",
        _edit_success(media_type="text/plain", body=b"OK", status=200),
        _has_success_without_content,
    ),
    Fault(
        "success-text-other",
        "Writes another text than the documented one.",
        "clients compare the text",
        "accept.answer.text",
        _edit_success(body=b"accepted"),
        requires_facts("bodies.accepted-text"),
    ),
    Fault(
        "basic-refused",
        "Takes the key from the body alone, not from HTTP Basic.",
        "servers that grew out of a browser's endpoint know no headers",
        "accept.credentials.basic",
        refuse_accepted(lambda sight: credentials.auth_scheme(sight) == "Basic" and IS_EVENT(sight), 401),
        requires_facts("credentials.body"),
    ),
    Fault(
        "colon-needed",
        "Refuses a Basic token without the colon after the key.",
        "the documents' own example has none",
        "accept.credentials.without-colon",
        refuse_accepted(lambda sight: ":" not in (credentials.basic_user_and_password(sight) or ":"), 401),
        requires_facts("credentials.basic-without-colon"),
    ),
    Fault(
        "body-key-refused",
        "Looks for the key in a header alone.",
        "older SDKs send no header at all",
        "accept.credentials.body accept.credentials.example sdk.*-python-2-3-*.accepted "
        "sdk.*-mobile.accepted sdk.*-android-*.accepted",
        refuse_accepted(_has_key_in_body_only, 401),
        requires_facts("credentials.body"),
        extra_operations=("batch",),
    ),
    Fault(
        "bearer-refused",
        "Knows no access tokens.",
        "newer SDKs offer OAuth",
        "accept.credentials.bearer",
        refuse_accepted(lambda sight: credentials.auth_scheme(sight).lower() == "bearer", 401),
        requires_facts("credentials.bearer"),
    ),
    Fault(
        "header-refused",
        "Ignores the key's own header.",
        "it is the documented way",
        "accept.credentials.header",
        refuse_accepted(_has_key_header, 401),
        requires_facts("credentials.header", "credentials.body"),
    ),
    Fault(
        "scheme-case-sensitive",
        "Knows Basic by its capital letter alone.",
        "some clients write it in lower case",
        "accept.credentials.scheme-case",
        refuse_accepted(lambda sight: credentials.auth_scheme(sight) == "basic", 401),
    ),
    Fault(
        "timestamp-required",
        "Insists on a timestamp.",
        "only SDKs always send one",
        "accept.event.minimal accept.timestamp.absent accept.fields.optional-absent",
        _refuse_single_event(lambda sight: not _has_field(sight, "timestamp")),
    ),
    Fault(
        "anonymous-required",
        "Insists on an anonymousId.",
        "servers have no browser's id at hand",
        "accept.event.minimal accept.event.user-only",
        _refuse_single_event(_has_only_id("user")),
    ),
    Fault(
        "user-required",
        "Insists on a userId.",
        "visitors who have not signed in have none",
        "accept.event.anonymous-only",
        _refuse_single_event(_has_only_id("anonymous")),
    ),
    Fault(
        "integrations-refused",
        "Refuses events that choose their destinations.",
        "strict schemas forget the field",
        "accept.event.full payload.integrations.documented",
        _refuse_single_event(lambda sight: _has_field(sight, "integrations")),
    ),
    Fault(
        "example-refused",
        "Refuses the documents' own example.",
        "example users are blocked as test data",
        "accept.event.example",
        _refuse_single_event(_is_documented_example),
    ),
    Fault(
        "unknown-fields-refused",
        "Refuses fields that it does not know.",
        "strict schemas shut out whoever adds a field, as the documents do",
        "accept.fields.unknown",
        _refuse_single_event(_has_unknown_field),
    ),
    Fault(
        "context-needs-integrations",
        "Refuses an event with a context and no integrations.",
        "two fields that SDKs send together are not one",
        "accept.fields.optional-absent payload.context.documented",
        _refuse_single_event(lambda sight: _has_field(sight, "context") and not _has_field(sight, "integrations")),
    ),
    Fault(
        "ascii-only",
        "Refuses text beyond ASCII.",
        "decoders are left at their default",
        "accept.text.unicode accept.text.emoji",
        _refuse_single_event(lambda sight: not sight.body_text.isascii()),
    ),
    Fault(
        "emoji-crash",
        "Fails on characters of four bytes.",
        "tables in a three-byte character set",
        "accept.text.emoji accept.text.escaped",
        crash_on(when=lambda sight: any(max(text, default="") > "\uffff" for text in sight.all_strings())),
    ),
    Fault(
        "control-characters-refused",
        "Refuses texts with quotes, tabs or line breaks in them.",
        "filters against injection catch people's own words",
        "accept.text.controls",
        _refuse_single_event(lambda sight: any("\t" in text or "\n" in text for text in sight.all_strings())),
    ),
    Fault(
        "escapes-refused",
        "Refuses text with escapes of Unicode.",
        "hand-written parsers forget them",
        "accept.text.escaped",
        _refuse_single_event(lambda sight: "\\u" in sight.body_text and "\\u0000" not in sight.body_text),
    ),
    Fault(
        "one-line-only",
        "Reads one line of JSON.",
        "bodies are split at line breaks",
        "accept.text.spread",
        _refuse_single_event(lambda sight: "\n" in sight.body_text.strip()),
    ),
    Fault(
        "old-events-refused",
        "Refuses events that are years old.",
        "imports of history are legitimate",
        "accept.timestamp.historical",
        _refuse_single_event(_timestamp_matches(lambda text: text < "2013")),
    ),
    Fault(
        "offsets-refused",
        "Refuses timestamps with an offset.",
        "official Python SDKs send nothing else",
        "accept.timestamp.offset sdk.*-python-*.accepted",
        refuse_accepted(_timestamp_matches(_OFFSET.search)),
        extra_operations=("batch",),
    ),
    Fault(
        "three-decimals-only",
        "Refuses timestamps with other than three decimals.",
        "some SDKs send microseconds",
        "accept.timestamp.fractional",
        _refuse_single_event(_timestamp_matches(lambda text: not re.search(r":\d\d\.\d{3}(\D|$)", text))),
    ),
    Fault(
        "time-crash",
        "Fails where an event has no timestamp.",
        "a date is parsed that is not there",
        "accept.timestamp.absent accept.event.minimal",
        crash_on(when=lambda sight: IS_EVENT(sight) and sight.is_accepted and not _has_field(sight, "timestamp")),
    ),
)
