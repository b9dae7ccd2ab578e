"""Faults that show only where two things come together: a gap in a guard, an error within the handling of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.pointers import has
from conformance.core.statuses import MULTI_STATUS
from conformance.profile.facts import Condition
from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import HAS_BATCHES, Fault, all_of, requires_refusals
from conformance.refserver.faults.response_overrides import (
    INTERNAL_ERROR,
    IS_EVENT_OR_BATCH,
    accept_refused,
    error_reply,
    refuse_accepted,
    success_reply,
)

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView


def _is_gzip(view: RequestView) -> bool:
    return IS_EVENT_OR_BATCH(view) and view.request.headers.get("content-encoding") == "gzip"


def _is_chunked(view: RequestView) -> bool:
    return IS_EVENT_OR_BATCH(view) and "transfer-encoding" in view.request.headers


def _is_local(view: RequestView) -> bool:
    return IS_EVENT_OR_BATCH(view) and view.request.headers.get("x-forwarded-for") == "127.0.0.1"


def _is_anonymous(view: RequestView) -> bool:
    """Whether the events name nobody but an anonymous user, or one of them does."""
    return IS_EVENT_OR_BATCH(view) and len(view.values_of("user")) < len(view.events)


def _is_text_in_chunks(view: RequestView) -> bool:
    return _is_chunked(view) and "charset" in view.request.headers.get("content-type", "")


def _crash_on_body_without_key(view: RequestView) -> ServerReply | None:
    """Fails on a body that is no JSON if there is no key."""
    is_bare = credentials.has_no_authorization(view) and credentials.body_key(view) is None
    return INTERNAL_ERROR if IS_EVENT_OR_BATCH(view) and is_bare and view.document is None else None


def _crash_on_form_in_gzip(view: RequestView) -> ServerReply | None:
    """Fails on corrupt gzip under the type of forms."""
    is_form = "form" in view.request.headers.get("content-type", "")
    return INTERNAL_ERROR if is_form and view.refusal_fact == "answers.encoding-invalid" else None


MANY_EVENTS, _PARTLY_BAD = 200, "answers.batch-partly-bad"


def _begins_well(view: RequestView) -> bool:
    """Whether the first event of a batch is an object, and its list has no text before others."""
    items = view.document.get("batch") if isinstance(view.document, dict) else None
    return isinstance(items, list) and bool(items) and isinstance(items[0], dict)


def _begins_badly(view: RequestView) -> bool:
    """Whether the first event of a batch names no user."""
    names = view.contract.profile.pointers
    return not any(pointer and has(view.events[0], pointer) for pointer in (names.user, names.anonymous))


def _answers_207(contract: Contract) -> bool:
    """Holds for contracts that answer a partly bad batch with 207."""
    return contract.has_fact(_PARTLY_BAD) and (
        contract.expected_response(Condition.BATCH_PARTLY_BAD).expect == (MULTI_STATUS,)
    )


def _keep_type(view: RequestView) -> ServerReply | None:
    """Refuses a request without a type after one of text on the same connection."""
    flags, media_type = view.request.connection.flags, view.request.headers.get("content-type", "")
    flags["text"] += media_type.startswith("text/plain")
    return error_reply(view, 400) if flags["text"] and not media_type and view.is_accepted else None


def _crash_after_gzip(view: RequestView) -> ServerReply | None:
    """Fails on plain bodies on a connection that began with gzip."""
    connection = view.request.connection
    flags = connection.flags
    flags["gzip"] += not connection.responses and _is_gzip(view)
    return INTERNAL_ERROR if flags["gzip"] and not _is_gzip(view) and IS_EVENT_OR_BATCH(view) else None


def _keep_key(view: RequestView) -> ServerReply | None:
    """Accepts an unknown key after a request that was accepted on the same connection."""
    flags = view.request.connection.flags
    flags["known"] += view.is_accepted
    is_other = view.refusal_fact == credentials.UNKNOWN and IS_EVENT_OR_BATCH(view)
    return success_reply(view) if flags["known"] and is_other else None


def _keep_wrong_key(view: RequestView) -> ServerReply | None:
    """Refuses acceptable requests on a connection that began with an unknown key."""
    connection = view.request.connection
    flags = connection.flags
    flags["unknown"] += not connection.responses and view.refusal_fact == credentials.UNKNOWN
    return error_reply(view, 401) if flags["unknown"] and view.is_accepted and IS_EVENT_OR_BATCH(view) else None


def _keep_user(view: RequestView) -> ServerReply | None:
    """Accepts an event without a user after one that was accepted on the same connection."""
    flags = view.request.connection.flags
    flags["user"] += view.is_accepted
    is_missing = view.refusal_fact == "answers.identity-missing"
    return success_reply(view) if flags["user"] and is_missing else None


FAULTS = (
    Fault(
        "no-key-needed-for-gzip",
        "Takes bodies in gzip from anybody.",
        "they have a route of their own, behind the guard",
        "combined.credentials.missing combined.key.unknown",
        accept_refused(credentials.MISSING, credentials.UNKNOWN, when=_is_gzip),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="credentials gzip",
    ),
    Fault(
        "no-key-needed-in-chunks",
        "Takes bodies in chunks from anybody.",
        "the guard reads a body that is not there yet",
        "combined.credentials.missing",
        accept_refused(credentials.MISSING, when=_is_chunked),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="credentials chunks",
    ),
    Fault(
        "no-key-needed-on-its-machine",
        "Takes events from anybody who claims to be on its own machine.",
        "a header that anybody may send is taken for the address of the sender",
        "combined.credentials.missing combined.key.unknown",
        accept_refused(credentials.MISSING, credentials.UNKNOWN, when=_is_local),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="X-Forwarded-For",
    ),
    Fault(
        "any-key-for-anonymous-users",
        "Takes events of anonymous users under any key.",
        "keys are looked up for known users",
        "combined.key.unknown",
        accept_refused(credentials.UNKNOWN, when=_is_anonymous),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="key no user",
    ),
    Fault(
        "chunks-with-charset-refused",
        "Refuses bodies in chunks whose type has a charset.",
        "text is decoded as it comes, and a character is cut",
        "combined.accepted.usual",
        refuse_accepted(_is_text_in_chunks),
        key_words="charset chunks refused",
    ),
    Fault(
        "no-key-no-json-crash",
        "Fails on a body that is no JSON if there is no key.",
        "the key is looked for in a body that is not there",
        "combined.credentials.with-refusals",
        _crash_on_body_without_key,
        key_words="no credentials JSON",
    ),
    Fault(
        "form-in-gzip-crash",
        "Fails on corrupt gzip under the type of forms.",
        "a parser of forms raises within the handler of errors",
        "combined.refusals.status",
        _crash_on_form_in_gzip,
        key_words="corrupt gzip type of forms",
    ),
    Fault(
        "first-event-alone-looked-at",
        "Takes any batch whose first event is well.",
        "a validator is called with the head of the list",
        "combined.position.no-object batch.events.*",
        accept_refused("answers.batch-event-not-object", when=_begins_well),
        all_of(HAS_BATCHES, requires_refusals("answers.batch-event-not-object")),
        extra_operations=("batch",),
        key_words="batch accepted",
    ),
    Fault(
        "two-hundred-events-looked-at",
        "Takes any batch whose first two hundred events are well.",
        "a loop has a limit",
        "combined.position.no-type",
        accept_refused("answers.batch-type-missing", when=lambda view: len(view.events) > MANY_EVENTS),
        all_of(HAS_BATCHES, requires_refusals("answers.batch-type-missing")),
        extra_operations=("batch",),
        key_words="batch event 201",
    ),
    Fault(
        "bad-beginning-refused-whole",
        "Refuses a batch whose first event names no user as if all were bad.",
        "an exception at the first event ends the loop",
        "combined.position.no-user",
        lambda view: error_reply(view, 400) if view.refusal_fact == _PARTLY_BAD and _begins_badly(view) else None,
        _answers_207,
        extra_operations=("batch",),
        key_words="batch first no user",
    ),
    Fault(
        "type-sticks",
        "Keeps the type of the first request on a connection.",
        "a parser is made once for each connection",
        "combined.connection.type",
        _keep_type,
        key_words="type connection",
    ),
    Fault(
        "coding-sticks",
        "Fails on what follows on a connection that began with gzip.",
        "a decompressor is put before the connection, and never taken away",
        "combined.connection.coding",
        _crash_after_gzip,
        collateral_reason="whatever else is sent over such a connection meets it",
        key_words="gzip connection",
    ),
    Fault(
        "right-key-sticks",
        "Takes any key after the right one on a connection.",
        "who a client is, is kept for the connection",
        "combined.connection.right-key",
        _keep_key,
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="right key connection",
    ),
    Fault(
        "wrong-key-sticks",
        "Refuses the right key on a connection that began with an unknown one.",
        "who a client is, is kept for the connection",
        "combined.connection.wrong-key",
        _keep_wrong_key,
        credentials.REFUSES_BAD_CREDENTIALS,
        collateral_reason="whatever else is sent over such a connection meets it",
        key_words="unknown key connection",
    ),
    Fault(
        "user-sticks",
        "Takes an event without a user after one with a user on the same connection.",
        "an object is filled anew for each request, and never emptied",
        "combined.connection.user",
        _keep_user,
        requires_refusals("answers.identity-missing"),
        key_words="user connection",
    ),
)
