"""Faults in what a server accepts: valid requests that it refuses, or answers otherwise than documented."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.pointers import Missing, get, has
from conformance.profile.facts import Scheme
from conformance.refserver.faults import keys
from conformance.refserver.faults.fault import Fault, states
from conformance.refserver.faults.twists import EVENT, PIXEL, WEBHOOK, crashing, posted, refusing

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.refserver.change import Sight, Twist
    from conformance.refserver.replies import Reply

_OFFSET = re.compile(r"[+-]\d\d:?\d\d$")


def _single(when: Callable[[Sight], bool], status: int = 400) -> Twist:
    """Refuses on the paths of single events."""
    return refusing(lambda sight: EVENT(sight) and when(sight), status)


def _times(test: Callable[[str], object]) -> Callable[[Sight], bool]:
    """Holds where a timestamp passes a test."""
    return lambda sight: any(
        isinstance(value, str) and test(value)
        for value in sight.each(sight.contract.profile.pointers.timestamp)
    )


def _top(sight: Sight, name: str) -> bool:
    """Whether a single event has one of the fields that the profile points at."""
    pointer = getattr(sight.contract.profile.pointers, name)
    return pointer is not None and has(sight.document, pointer)


def _only(name: str) -> Callable[[Sight], bool]:
    """Holds for events whose only id is the user's, or the anonymous one."""
    other = {"user": "anonymous", "anonymous": "user"}[name]
    return lambda sight: _top(sight, name) and not _top(sight, other)


def _unknown(sight: Sight) -> bool:
    """Whether an event has a top-level field that its schema does not know."""
    operation = sight.decision.operation
    if operation is None or not isinstance(sight.document, dict):
        return False
    properties = sight.contract.event_schema(operation.type).get("properties")
    profile = sight.contract.profile.pointers
    known = set(properties) if isinstance(properties, dict) else set()
    known |= {
        pointer.split("/")[1] for pointer in (profile.type, profile.user, profile.message_id) if pointer
    }
    return bool(set(sight.document) - known - {"writeKey", "integrations"})


def _example(sight: Sight) -> bool:
    """Whether an event is of the user of the documented example."""
    operation = sight.decision.operation
    found = sight.contract.event(operation.type).example if operation else None
    where = sight.contract.profile.pointers.user
    try:
        return found is not None and get(found.value, where) in sight.each(where)
    except Missing:
        return False


def _edited(status: int | None = None, media_type: str | None = None, body: bytes | None = None) -> Twist:
    """Changes parts of the answer to single events and batches that are accepted."""

    def twist(sight: Sight) -> Reply | None:
        if not sight.is_accepted or not posted(sight) or PIXEL(sight) or WEBHOOK(sight):
            return None
        reply = sight.reply()
        return replace(
            reply,
            status=status or reply.status,
            media_type=media_type or reply.media_type,
            body=reply.body if body is None else body,
        )

    return twist


def _own_header(sight: Sight) -> bool:
    """Whether the key is in the header that the documents name."""
    return sight.contract.credential_key(Scheme.HEADER).lower() in sight.incoming.headers


def _in_body(sight: Sight) -> bool:
    """Whether the key of a post is in its body alone."""
    return keys.is_bare(sight) and sight.incoming.method == "POST" and not WEBHOOK(sight)


def _says(contract: Contract) -> bool:
    """Fits where success has no content."""
    return contract.states("bodies.accepted") and not contract.states("bodies.accepted-text")


FAULTS = (
    Fault("created", "Answers 201 where another success is documented.",
          "frameworks answer 201 to a POST by themselves; an SDK that compares with 200 sends again",
          "accept.event.minimal accept.event.full accept.event.example accept.credentials.basic",
          _edited(status=201)),
    Fault("success-as-page", "Answers success with an HTML page.",
          "a proxy's page looks like success to whoever only looks at the status",
          "accept.answer.body accept.answer.text",
          _edited(media_type="text/html", body=b"<html><body>Thanks!</body></html>", status=200),
          states("bodies.accepted-text")),
    Fault("success-with-words", "Answers 200 with a text where success has no content.",
          "a client that expects nothing leaves the bytes on the connection",
          "accept.answer.body accept.event.minimal accept.event.full",
          _edited(media_type="text/plain", body=b"OK", status=200), _says),
    Fault("success-text-other", "Writes another text than the documented one.", "clients compare the text",
          "accept.answer.text", _edited(body=b"accepted"), states("bodies.accepted-text")),
    Fault("basic-refused", "Takes the key from the body alone, not from HTTP Basic.",
          "servers that grew out of a browser's endpoint know no headers", "accept.credentials.basic",
          refusing(lambda sight: keys.scheme(sight) == "Basic" and EVENT(sight), 401),
          states("credentials.body")),
    Fault("colon-needed", "Refuses a Basic token without the colon after the key.",
          "the documents' own example has none", "accept.credentials.without-colon",
          refusing(lambda sight: ":" not in (keys.pair(sight) or ":"), 401),
          states("credentials.basic-without-colon")),
    Fault("body-key-refused", "Looks for the key in a header alone.", "older SDKs send no header at all",
          "accept.credentials.body accept.credentials.example sdk.*-python-2-3-*.accepted "
          "sdk.*-mobile.accepted sdk.*-android-*.accepted", refusing(_in_body, 401),
          states("credentials.body"), also=("batch",)),
    Fault("bearer-refused", "Knows no access tokens.", "newer SDKs offer OAuth", "accept.credentials.bearer",
          refusing(lambda sight: keys.scheme(sight).lower() == "bearer", 401), states("credentials.bearer")),
    Fault("header-refused", "Ignores the key's own header.", "it is the documented way",
          "accept.credentials.header", refusing(_own_header, 401),
          states("credentials.header", "credentials.body")),
    Fault("scheme-case-sensitive", "Knows Basic by its capital letter alone.",
          "some clients write it in lower case", "accept.credentials.scheme-case",
          refusing(lambda sight: keys.scheme(sight) == "basic", 401)),
    Fault("timestamp-required", "Insists on a timestamp.", "only SDKs always send one",
          "accept.event.minimal accept.timestamp.absent accept.fields.optional-absent",
          _single(lambda sight: not _top(sight, "timestamp"))),
    Fault("anonymous-required", "Insists on an anonymousId.", "servers have no browser's id at hand",
          "accept.event.minimal accept.event.user-only", _single(_only("user"))),
    Fault("user-required", "Insists on a userId.", "visitors who have not signed in have none",
          "accept.event.anonymous-only", _single(_only("anonymous"))),
    Fault("integrations-refused", "Refuses events that choose their destinations.",
          "strict schemas forget the field", "accept.event.full payload.integrations.documented",
          _single(lambda sight: _top(sight, "integrations"))),
    Fault("example-refused", "Refuses the documents' own example.", "example users are blocked as test data",
          "accept.event.example", _single(_example)),
    Fault("unknown-fields-refused", "Refuses fields that it does not know.",
          "strict schemas shut out whoever adds a field, as the documents do", "accept.fields.unknown",
          _single(_unknown)),
    Fault("context-needs-integrations", "Refuses an event with a context and no integrations.",
          "two fields that SDKs send together are not one",
          "accept.fields.optional-absent payload.context.documented",
          _single(lambda sight: _top(sight, "context") and not _top(sight, "integrations"))),
    Fault("ascii-only", "Refuses text beyond ASCII.", "decoders are left at their default",
          "accept.text.unicode accept.text.emoji", _single(lambda sight: not sight.text.isascii())),
    Fault("emoji-crash", "Fails on characters of four bytes.", "tables in a three-byte character set",
          "accept.text.emoji accept.text.escaped",
          crashing(when=lambda sight: any(max(text, default="") > "\uffff" for text in sight.strings()))),
    Fault("control-characters-refused", "Refuses texts with quotes, tabs or line breaks in them.",
          "filters against injection catch people's own words", "accept.text.controls",
          _single(lambda sight: any("\t" in text or "\n" in text for text in sight.strings()))),
    Fault("escapes-refused", "Refuses text with escapes of Unicode.", "hand-written parsers forget them",
          "accept.text.escaped", _single(lambda sight: "\\u" in sight.text and "\\u0000" not in sight.text)),
    Fault("one-line-only", "Reads one line of JSON.", "bodies are split at line breaks", "accept.text.spread",
          _single(lambda sight: "\n" in sight.text.strip())),
    Fault("old-events-refused", "Refuses events that are years old.", "imports of history are legitimate",
          "accept.timestamp.historical", _single(_times(lambda text: text < "2013"))),
    Fault("offsets-refused", "Refuses timestamps with an offset.", "official Python SDKs send nothing else",
          "accept.timestamp.offset sdk.*-python-*.accepted", refusing(_times(_OFFSET.search)),
          also=("batch",)),
    Fault("three-decimals-only", "Refuses timestamps with other than three decimals.",
          "some SDKs send microseconds", "accept.timestamp.fractional",
          _single(_times(lambda text: not re.search(r":\d\d\.\d{3}(\D|$)", text)))),
    Fault("time-crash", "Fails where an event has no timestamp.", "a date is parsed that is not there",
          "accept.timestamp.absent accept.event.minimal",
          crashing(when=lambda sight: EVENT(sight) and sight.is_accepted and not _top(sight, "timestamp"))),
)  # fmt: skip
