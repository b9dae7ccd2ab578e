"""Refusals: their bodies, what they reveal, and that none of them is a server error."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from conformance.cases._refusals import lone_exchange, must_be_answered
from conformance.cases._steps import expect_no_server_error_to, expect_no_server_errors, get_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import (
    BATCHES,
    ERROR_BODY,
    EVENTS,
    EVENTS_AND_BATCHES,
    NO_SERVER_ERROR,
    UNDOCUMENTED,
    FirstPer,
)
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.core.statuses import CLIENT_ERROR
from conformance.core.text import truncate
from conformance.profile.facts import AuthScheme
from conformance.requests.credentials import basic
from conformance.requests.fields import free_form_pointer
from conformance.requests.invalid_cases import (
    INVALID_BATCH,
    NO_IDENTITY,
    UNREADABLE_BODIES,
    nameless_batch,
)
from conformance.requests.invalid_credentials import (
    DISABLED_KEY,
    INVALID_AUTHORIZATION,
    WRONG_BODY_KEY,
    WRONG_KEY,
)
from conformance.requests.refused_requests import REFUSALS, REFUSED_JSON, REFUSED_SIZE, STACK_TRACE_TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.requests import Call, Draft
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.refused_requests import RefusedRequest
    from conformance.requests.steps import Steps

NO_STACK_TRACE = "rules.no-stack-trace"
_TEXT_LENGTH = 80


@check("errors.body.{slug}", "The refusal of {description} has the documented body and type.",
       fact=ERROR_BODY, parameters=REFUSALS)  # fmt: skip
def error_body(call: Call, refused: RefusedRequest) -> Steps:
    """SDKs and people read the error; a proxy's page in its place tells them nothing."""
    return (yield from _expect_error_body(call, refused))


@check("errors.body.identity", "The refusal of an event that names no user has the documented body and type.",
       fact=ERROR_BODY, kinds=EVENTS)  # fmt: skip
def no_identity_body(call: Call) -> Steps:
    """SDKs and people read the error; a proxy's page in its place tells them nothing."""
    return (yield from _expect_error_body(call, NO_IDENTITY))


@check("errors.body.disabled", "The refusal of a source that is switched off has the documented body and type.",
       fact=ERROR_BODY, needs=DISABLED_KEY.fact, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def disabled_source_body(call: Call) -> Steps:
    """SDKs and people read the error; a proxy's page in its place tells them nothing."""
    return (yield from _expect_error_body(call, DISABLED_KEY))


def _expect_error_body(call: Call, case: InvalidCase | RefusedRequest) -> Steps:
    shape = call.contract.error_body(call.operation)
    expect.body((yield from get_refusal(call, case)), shape, case.description)
    return None


@check("errors.trace.{slug}", "The answer to {description} shows no stack trace.",
       fact=NO_STACK_TRACE, parameters=STACK_TRACE_TRIGGERS)  # fmt: skip
def stack_trace(call: Call, refused: RefusedRequest) -> Steps:
    """A stack trace tells attackers how the server is built, and tells clients nothing."""
    return (yield from _expect_no_stack_trace(call, refused))


@check("errors.trace.payload", "The answer to an event that names no user shows no stack trace.",
       fact=NO_STACK_TRACE, kinds=EVENTS)  # fmt: skip
def payload_stack_trace(call: Call) -> Steps:
    """A stack trace tells attackers how the server is built, and tells clients nothing."""
    return (yield from _expect_no_stack_trace(call, NO_IDENTITY))


@check("errors.trace.batch", "The answer to an invalid batch shows no stack trace.",
       fact=NO_STACK_TRACE, kinds=BATCHES)  # fmt: skip
def batch_stack_trace(call: Call) -> Steps:
    """A stack trace tells attackers how the server is built, and tells clients nothing."""
    expect.control((yield call.control_request()))
    for case in INVALID_BATCH:
        with contextlib.suppress(NotApplicable):
            expect.no_stack_trace((yield from lone_exchange(call, case)), case.description)
    return None


def _expect_no_stack_trace(call: Call, case: InvalidCase | RefusedRequest) -> Steps:
    expect.control((yield call.control_request()))
    expect.no_stack_trace((yield from lone_exchange(call, case)), case.description)
    return None


REFLECTION_PROBES = (
    (
        "invalid JSON with markup in it",
        lambda call: call.acceptable_request().with_body_bytes(f'{{"a": {expect.HTML_PROBE}'.encode()),
    ),
    (
        "an event with markup in it and without a user",
        lambda call: NO_IDENTITY.make_draft(call).with_field(
            free_form_pointer(call, "conformance_text"), expect.HTML_PROBE
        ),
    ),
    ("an event with markup as its type", lambda call: call.acceptable_request().with_field("/type", expect.HTML_PROBE)),
    ("a key with markup in it", lambda call: call.acceptable_request().with_credentials(basic(expect.HTML_PROBE))),
)


@check("errors.html.reflected", "Markup from a request is not returned as HTML.",
       fact="rules.no-html-reflection")  # fmt: skip
def reflected_html(call: Call) -> Steps:
    """An error page that repeats its input runs an attacker's script in the reader's browser."""
    expect.control((yield call.control_request()))
    for subject, make in REFLECTION_PROBES:
        expect.no_html_reflection((yield make(call).allowing_no_answer()), subject)
    return None


@check("errors.body.shape", "The body of a refusal is reported.",
       fact=UNDOCUMENTED, max_level=Level.MAY, observes=True, first_per=FirstPer.RUN)  # fmt: skip
def error_shape(call: Call) -> Steps:
    """Authors of clients want to know the type and the names in the JSON before they meet a refusal."""
    exchange = yield from get_refusal(call, REFUSED_JSON)
    return f"{exchange.status} {expect.describe_body(exchange)}"


@check("errors.body.texts", "The texts of refusals are reported.",
       fact=UNDOCUMENTED, max_level=Level.MAY, observes=True, first_per=FirstPer.RUN)  # fmt: skip
def error_texts(call: Call) -> Steps:
    """Some clients look for a word of the documents' examples; people look for the reason."""
    expect.control((yield call.control_request()))
    texts = []
    for case in (*REFUSALS, NO_IDENTITY):
        exchange = yield from lone_exchange(call, case, must_be_answered)
        if exchange.status >= CLIENT_ERROR and exchange.response:
            texts.append(f"{case.description}: {exchange.status} {truncate(exchange.response.text, _TEXT_LENGTH)!r}")
    return "; ".join(texts) or "nothing was refused"


@check("errors.status.json", "Invalid JSON causes no server error.", fact=NO_SERVER_ERROR)
def json_status(call: Call) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the same body again and again."""
    return (yield from expect_no_server_error_to(call, UNREADABLE_BODIES))


@check("errors.status.credentials", "Wrong credentials cause no server error.", fact=NO_SERVER_ERROR)
def credentials_status(call: Call) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the same events again and again."""
    body_keys = WRONG_BODY_KEY if call.contract.has_fact(f"credentials.{AuthScheme.BODY}") else ()
    cases = (*INVALID_AUTHORIZATION, *WRONG_KEY, *body_keys)
    return (yield from expect_no_server_error_to(call, cases))


@check("errors.status.size", "An oversized body causes no server error.", fact=NO_SERVER_ERROR)
def size_status(call: Call) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the same body again and again."""
    return (yield from expect_no_server_error_to(call, [REFUSED_SIZE]))


@check("errors.status.payload", "An incomplete event causes no server error.",
       fact=NO_SERVER_ERROR, kinds=EVENTS)  # fmt: skip
def payload_status(call: Call) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the same event again and again."""
    yield from expect_no_server_error_to(call, [NO_IDENTITY])
    return (yield from expect_no_server_errors(call, _incomplete_events(call)))


def _incomplete_events(call: Call) -> Iterator[tuple[str, Draft]]:
    """An event without each required field."""
    for pointer in call.event_type.required:
        yield f"an event without {pointer}", call.acceptable_request().without_fields(pointer)


@check("errors.status.batch", "An invalid batch causes no server error.", fact=NO_SERVER_ERROR, kinds=BATCHES)
def batch_status(call: Call) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the whole batch again and again."""
    yield from expect_no_server_error_to(call, (*INVALID_BATCH, NO_IDENTITY))
    nameless = ("a batch of nothing but events that name no user", nameless_batch(call))
    return (yield from expect_no_server_errors(call, [nameless]))
