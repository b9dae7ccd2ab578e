"""Refusals themselves: their bodies, what they give away, and that they are refusals and not crashes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from conformance.cases._steps import expect_no_server_errors, get_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, ERROR_BODY, EVENTS
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.profile.facts import AuthScheme, Condition
from conformance.requests.credentials import basic
from conformance.requests.invalid_cases import (
    INVALID_AUTHORIZATION,
    INVALID_BATCH,
    INVALID_JSON,
    NO_IDENTITY,
    NOT_OBJECT,
    NOT_UTF8,
    WRONG_BODY_KEY,
    WRONG_KEY,
    InvalidCase,
    oversized_request,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps


def _applicable_drafts(call: Call, invalid_cases: Iterable[InvalidCase]) -> Iterator[tuple[str, Draft]]:
    """Spoilt requests with what they are; those that this dialect has no room for are left out."""
    for invalid_case in invalid_cases:
        with contextlib.suppress(NotApplicable):
            yield invalid_case.description, invalid_case.make_draft(call)


OVERSIZED = InvalidCase("size", "a body over the limit", Condition.JSON_INVALID, oversized_request)
"""Its answer is the limit's own; no check asks for that of its condition."""

REFUSALS = (
    InvalidCase("json", "invalid JSON", Condition.JSON_INVALID, INVALID_JSON[0].make_draft),
    InvalidCase(
        "credentials", "missing credentials", Condition.CREDENTIALS_MISSING, INVALID_AUTHORIZATION[0].make_draft
    ),
    InvalidCase("key", "an unknown key", Condition.CREDENTIALS_UNKNOWN, WRONG_KEY[0].make_draft),
    OVERSIZED,
)


@check("errors.body.{slug}", "The refusal of {description} has the documented body and type.",
       fact=ERROR_BODY, parameters=REFUSALS)  # fmt: skip
def error_body(call: Call, invalid_case: InvalidCase) -> Steps:
    """SDKs and people read the error; a proxy's page in its place tells them nothing."""
    shape = call.contract.error_body(call.operation)
    expect.body((yield from get_refusal(call, invalid_case.make_draft(call))), shape, invalid_case.description)
    return None


@check("errors.body.identity", "The refusal of an event of nobody has the documented body and type.",
       fact=ERROR_BODY, kinds=EVENTS)  # fmt: skip
def no_identity_body(call: Call) -> Steps:
    """SDKs and people read the error; a proxy's page in its place tells them nothing."""
    return (yield from error_body(call, NO_IDENTITY))


STACK_TRACE_TRIGGERS = (*REFUSALS, NOT_OBJECT[0], NOT_UTF8[0])


@check("errors.trace.{slug}", "The answer to {description} shows no stack trace.",
       fact="rules.no-stack-trace", parameters=STACK_TRACE_TRIGGERS)  # fmt: skip
def stack_trace(call: Call, invalid_case: InvalidCase) -> Steps:
    """A stack trace tells strangers what the server is made of, and clients nothing."""
    expect.control((yield call.control_request()))
    expect.no_stack_trace((yield invalid_case.make_draft(call).allowing_no_answer()), invalid_case.description)
    return None


@check("errors.trace.payload", "The answer to an event that names no user shows no stack trace.",
       fact="rules.no-stack-trace", kinds=EVENTS)  # fmt: skip
def payload_stack_trace(call: Call) -> Steps:
    """A stack trace tells strangers what the server is made of, and clients nothing."""
    return (yield from stack_trace(call, NO_IDENTITY))


@check("errors.trace.batch", "The answer to a bad batch shows no stack trace.",
       fact="rules.no-stack-trace", kinds=BATCHES)  # fmt: skip
def batch_stack_trace(call: Call) -> Steps:
    """A stack trace tells strangers what the server is made of, and clients nothing."""
    expect.control((yield call.control_request()))
    for subject, draft in _applicable_drafts(call, INVALID_BATCH):
        expect.no_stack_trace((yield draft.allowing_no_answer()), subject)
    return None


REFLECTION_PROBES = (
    (
        "invalid JSON with markup in it",
        lambda call: call.acceptable_request().with_body_bytes(f'{{"a": {expect.HTML_PROBE}'.encode()),
    ),
    (
        "an event of nobody with markup in it",
        lambda call: NO_IDENTITY.make_draft(call).with_field(
            f"{call.event_type.open_object or ''}/conformance_text", expect.HTML_PROBE
        ),
    ),
    ("an event with markup as its type", lambda call: call.acceptable_request().with_field("/type", expect.HTML_PROBE)),
    ("a key with markup in it", lambda call: call.acceptable_request().with_credentials(basic(expect.HTML_PROBE))),
)


@check("errors.html.reflected", "Markup that a client sent does not come back as HTML.",
       fact="rules.no-html-reflection")  # fmt: skip
def reflected_html(call: Call) -> Steps:
    """An error page that repeats its input runs a stranger's script in the reader's browser."""
    expect.control((yield call.control_request()))
    for subject, make in REFLECTION_PROBES:
        expect.no_html_reflection((yield make(call).allowing_no_answer()), subject)
    return None


@check("errors.body.shape", "What a refusal looks like is reported.",
       fact="rules.undocumented", max_level=Level.MAY, observes=True, first_operation_only=True)  # fmt: skip
def error_shape(call: Call) -> Steps:
    """Who writes a client wants to know before the first refusal: the type, and the names in the JSON."""
    exchange = yield from get_refusal(call, INVALID_JSON[0].make_draft(call))
    return f"{exchange.status} {expect.describe_body(exchange)}"


NO_5XX = "rules.no-server-error"


def _event_without(pointer: str) -> InvalidCase:
    """An event without one of its fields."""
    description = f"an event without {pointer}"
    return InvalidCase(
        pointer, description, Condition.IDENTITY_MISSING, lambda call: call.acceptable_request().without_fields(pointer)
    )


def _wrong_body_keys(call: Call) -> tuple[InvalidCase, ...]:
    return WRONG_BODY_KEY if call.contract.has_fact(f"credentials.{AuthScheme.BODY}") else ()


@check("errors.status.json", "No invalid JSON is answered as the server's own failure.", fact=NO_5XX)
def json_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same body again and again."""
    return (yield from expect_no_server_errors(call, _applicable_drafts(call, (*INVALID_JSON, *NOT_OBJECT, *NOT_UTF8))))


@check("errors.status.credentials", "No wrong credentials are answered as the server's own failure.", fact=NO_5XX)
def credentials_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same events again and again."""
    return (
        yield from expect_no_server_errors(
            call, _applicable_drafts(call, (*INVALID_AUTHORIZATION, *WRONG_KEY, *_wrong_body_keys(call)))
        )
    )


@check("errors.status.size", "No oversized body is answered as the server's own failure.", fact=NO_5XX)
def size_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same body again and again."""
    return (yield from expect_no_server_errors(call, _applicable_drafts(call, (OVERSIZED,))))


@check("errors.status.payload", "No incomplete event is answered as the server's own failure.",
       fact=NO_5XX, kinds=EVENTS)  # fmt: skip
def payload_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same event again and again."""
    fields = [_event_without(pointer) for pointer in call.event_type.required]
    return (yield from expect_no_server_errors(call, _applicable_drafts(call, (NO_IDENTITY, *fields))))


@check("errors.status.batch", "No bad batch is answered as the server's own failure.", fact=NO_5XX, kinds=BATCHES)
def batch_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the whole batch again and again."""
    return (yield from expect_no_server_errors(call, _applicable_drafts(call, (*INVALID_BATCH, NO_IDENTITY))))
