"""Faults in refusals themselves: pages for messages, stack traces, markup that comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.profile.facts import Condition
from conformance.refserver.faults.fault import (
    HAS_BATCHES,
    Fault,
    all_of,
    requires_facts,
    requires_refusals,
)
from conformance.refserver.faults.response_overrides import IS_EVENT, IS_EVENT_OR_BATCH, edit_reply, show_stack_trace

if TYPE_CHECKING:
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

_STATES_ERROR_BODY = requires_facts("bodies.error")
_MARKUP = "<script>"
_CREDENTIAL_FACTS = "answers.credentials-*"
_BODY_CHECKS = (
    "errors.body.json errors.body.credentials errors.body.key errors.body.size errors.body.identity errors.body.shape"
)
_TRACE_CHECKS = (
    "errors.trace.json errors.trace.array errors.trace.invalid-utf8 errors.trace.size "
    "errors.trace.credentials errors.trace.key"
)


def _as_html_page(reply: ServerReply) -> ServerReply:
    return replace(reply, media_type="text/html", body=b"<html><body><h1>Bad Request</h1></body></html>")


def _without_body(reply: ServerReply) -> ServerReply:
    return replace(reply, media_type=None, body=b"")


def _as_problem_json(reply: ServerReply) -> ServerReply:
    return replace(reply, media_type="application/problem+json", body=b'{"title": "Bad Request", "status": 400}')


def _is_refused_event_or_batch(view: RequestView) -> bool:
    """Whether it is an event or a batch that is refused, and not with a success."""
    return (
        not view.is_accepted
        and IS_EVENT_OR_BATCH(view)
        and view.refusal_fact != f"answers.{Condition.BATCH_PARTLY_BAD}"
    )


def _reflect_body(view: RequestView) -> ServerReply | None:
    """The refused body in a page, as it came."""
    if not _is_refused_event_or_batch(view) or _MARKUP not in view.body_text:
        return None
    return replace(view.correct_reply(), media_type="text/html", body=f"<p>Can't read {view.body_text}</p>".encode())


FAULTS = (
    Fault(
        "errors-as-pages",
        "Answers errors with a proxy's HTML page.",
        "SDKs and people read the error",
        _BODY_CHECKS,
        edit_reply(_as_html_page, when=_is_refused_event_or_batch),
        _STATES_ERROR_BODY,
        key_words="text/html",
    ),
    Fault(
        "errors-without-words",
        "Answers errors with an empty body.",
        "nobody learns what was wrong",
        _BODY_CHECKS,
        edit_reply(_without_body, when=_is_refused_event_or_batch),
        _STATES_ERROR_BODY,
        key_words="no Content-Type",
    ),
    Fault(
        "errors-of-a-framework",
        "Answers errors in its framework's shape, not the documented one.",
        "SDKs look for the documented names",
        _BODY_CHECKS,
        edit_reply(_as_problem_json, when=_is_refused_event_or_batch),
        lambda contract: contract.has_fact("bodies.error") and contract.has_fact("bodies.error-batch"),
        key_words="problem+json",
    ),
    Fault(
        "key-errors-as-pages",
        "Answers wrong keys with a login page.",
        "a gateway in front of the server",
        "errors.body.credentials errors.body.key",
        edit_reply(_as_html_page, _CREDENTIAL_FACTS, when=_is_refused_event_or_batch),
        all_of(_STATES_ERROR_BODY, requires_refusals("answers.credentials-unknown")),
        key_words="credentials text/html",
    ),
    Fault(
        "size-errors-as-pages",
        "Answers what is too large with a proxy's page.",
        "the proxy answers first",
        "errors.body.size",
        edit_reply(_as_html_page, "limits.*"),
        _STATES_ERROR_BODY,
        key_words="over the limit text/html",
    ),
    Fault(
        "identity-errors-without-words",
        "Answers an event without a user with an empty body.",
        "a status and no word",
        "errors.body.identity",
        edit_reply(_without_body, "answers.identity-missing", when=IS_EVENT),
        all_of(_STATES_ERROR_BODY, requires_refusals("answers.identity-missing")),
        key_words="no user no Content-Type",
    ),
    Fault(
        "error-shape-other",
        "Writes refusals in another shape.",
        "authors of clients want to know the shape",
        "errors.body.shape",
        edit_reply(lambda reply: replace(reply, media_type="text/plain", body=b"400"), "answers.json-invalid"),
        key_words="shape",
    ),
    Fault(
        "traces",
        "Shows a stack trace in every refusal.",
        "debug mode is left on",
        _TRACE_CHECKS,
        show_stack_trace(when=lambda view: not view.is_accepted and IS_EVENT_OR_BATCH(view)),
        lambda contract: not contract.has_fact("bodies.error"),
        key_words="stack trace",
    ),
    Fault(
        "traces-in-json-errors",
        "Shows a stack trace where JSON is invalid.",
        "debug mode is left on",
        "errors.trace.json",
        show_stack_trace("answers.json-invalid", when=IS_EVENT),
        key_words="stack trace JSON",
    ),
    Fault(
        "traces-in-type-errors",
        "Shows a stack trace where JSON is no object.",
        "nobody expected it",
        "errors.trace.array",
        show_stack_trace("answers.json-not-object"),
        key_words="stack trace",
    ),
    Fault(
        "traces-in-decoding-errors",
        "Shows a stack trace where bytes are not UTF-8.",
        "nobody expected it",
        "errors.trace.invalid-utf8",
        show_stack_trace("answers.json-not-utf8"),
        key_words="UTF-8 stack trace",
    ),
    Fault(
        "traces-in-size-errors",
        "Shows a stack trace where a body is too large.",
        "nobody expected it",
        "errors.trace.size",
        show_stack_trace("limits.*"),
        key_words="stack trace over the limit",
    ),
    Fault(
        "traces-in-key-errors",
        "Shows a stack trace where the key is wrong or missing.",
        "nobody expected it",
        "errors.trace.credentials errors.trace.key",
        show_stack_trace(_CREDENTIAL_FACTS, when=_is_refused_event_or_batch),
        requires_refusals("answers.credentials-unknown"),
        key_words="stack trace credentials",
    ),
    Fault(
        "traces-in-payload-errors",
        "Shows a stack trace where an event is incomplete.",
        "nobody expected it",
        "errors.trace.payload",
        show_stack_trace("answers.identity-missing", when=IS_EVENT),
        requires_refusals("answers.identity-missing"),
        key_words="stack trace",
    ),
    Fault(
        "traces-in-batch-errors",
        "Shows a stack trace where a batch is none.",
        "nobody expected it",
        "errors.trace.batch",
        show_stack_trace("answers.batch-not-array", "answers.batch-missing"),
        HAS_BATCHES,
        key_words="stack trace batch",
    ),
    Fault(
        "markup-reflected",
        "Repeats what it could not read in an HTML page.",
        "an attacker's script runs in the browser of the reader",
        "errors.html.reflected",
        _reflect_body,
        key_words="markup",
    ),
)
