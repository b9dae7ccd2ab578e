"""Refusals themselves: their bodies, what they give away, and that they are refusals and not crashes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import refusal, survives
from conformance.catalogue import BATCHES, ERROR_BODY, EVENTS, check
from conformance.errors import Silent
from conformance.model import Level
from conformance.payloads.credentials import basic
from conformance.payloads.spoils import (
    BAD_BATCH,
    BAD_HEADER,
    INVALID_JSON,
    NO_IDENTITY,
    NOT_OBJECT,
    NOT_UTF8,
    WRONG_BODY_KEY,
    WRONG_KEY,
    Spoil,
    oversized,
)
from conformance.profile.facts import Condition, Scheme

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.engine import Steps
    from conformance.payloads import Call, Draft


def _drafts(call: Call, spoils: Iterable[Spoil]) -> Iterator[tuple[str, Draft]]:
    """Spoilt requests with what they are; those that this dialect has no room for are left out."""
    for spoil in spoils:
        with contextlib.suppress(Silent):
            yield spoil.words, spoil.make(call)


OVERSIZED = Spoil("size", "a body over the limit", Condition.JSON_INVALID, oversized)
"""Its answer is the limit's own; no check asks for that of its condition."""

REFUSALS = (
    Spoil("json", "invalid JSON", Condition.JSON_INVALID, INVALID_JSON[0].make),
    Spoil("credentials", "missing credentials", Condition.CREDENTIALS_MISSING, BAD_HEADER[0].make),
    Spoil("key", "an unknown key", Condition.CREDENTIALS_UNKNOWN, WRONG_KEY[0].make),
    OVERSIZED,
)


@check("errors.body.{slug}", "The refusal of {words} has the documented body and type.",
       fact=ERROR_BODY, forms=REFUSALS)  # fmt: skip
def error_body(call: Call, spoil: Spoil) -> Steps:
    """SDKs and people read the error; a proxy's page in its place tells them nothing."""
    shape = call.contract.error_shape(call.operation)
    expect.body((yield from refusal(call, spoil.make(call))), shape, spoil.words)
    return None


@check("errors.body.identity", "The refusal of an event of nobody has the documented body and type.",
       fact=ERROR_BODY, kinds=EVENTS)  # fmt: skip
def identity_body(call: Call) -> Steps:
    """SDKs and people read the error; a proxy's page in its place tells them nothing."""
    return (yield from error_body(call, NO_IDENTITY))


TRACED = (*REFUSALS, NOT_OBJECT[0], NOT_UTF8[0])


@check("errors.trace.{slug}", "The answer to {words} shows no stack trace.",
       fact="rules.no-stack-trace", forms=TRACED)  # fmt: skip
def trace(call: Call, spoil: Spoil) -> Steps:
    """A stack trace tells strangers what the server is made of, and clients nothing."""
    expect.control((yield call.control()))
    expect.no_stack_trace((yield spoil.make(call).unanswered()), spoil.words)
    return None


@check("errors.trace.payload", "The answer to an event that names no user shows no stack trace.",
       fact="rules.no-stack-trace", kinds=EVENTS)  # fmt: skip
def payload_trace(call: Call) -> Steps:
    """A stack trace tells strangers what the server is made of, and clients nothing."""
    return (yield from trace(call, NO_IDENTITY))


@check("errors.trace.batch", "The answer to a bad batch shows no stack trace.",
       fact="rules.no-stack-trace", kinds=BATCHES)  # fmt: skip
def batch_trace(call: Call) -> Steps:
    """A stack trace tells strangers what the server is made of, and clients nothing."""
    expect.control((yield call.control()))
    for what, draft in _drafts(call, BAD_BATCH):
        expect.no_stack_trace((yield draft.unanswered()), what)
    return None


MARKUP = (
    (
        "invalid JSON with markup in it",
        lambda call: call.event().verbatim(f'{{"a": {expect.HTML_PROBE}'.encode()),
    ),
    (
        "an event of nobody with markup in it",
        lambda call: NO_IDENTITY.make(call).put(
            f"{call.type.open or ''}/conformance_text", expect.HTML_PROBE
        ),
    ),
    ("an event with markup as its type", lambda call: call.event().put("/type", expect.HTML_PROBE)),
    ("a key with markup in it", lambda call: call.event().by(basic(expect.HTML_PROBE))),
)


@check("errors.html.reflected", "Markup that a client sent does not come back as HTML.",
       fact="rules.no-html-reflection")  # fmt: skip
def html(call: Call) -> Steps:
    """An error page that repeats its input runs a stranger's script in the reader's browser."""
    expect.control((yield call.control()))
    for what, make in MARKUP:
        expect.no_html_reflection((yield make(call).unanswered()), what)
    return None


@check("errors.body.shape", "What a refusal looks like is reported.",
       fact="rules.undocumented", cap=Level.MAY, observes=True, once=True)  # fmt: skip
def shape(call: Call) -> Steps:
    """Who writes a client wants to know before the first refusal: the type, and the names in the JSON."""
    exchange = yield from refusal(call, INVALID_JSON[0].make(call))
    return f"{exchange.status} {expect.outward(exchange)}"


NO_5XX = "rules.no-server-error"


def _without(pointer: str) -> Spoil:
    """An event without one of its fields."""
    words = f"an event without {pointer}"
    return Spoil(pointer, words, Condition.IDENTITY_MISSING, lambda call: call.event().drop(pointer))


def _in_body(call: Call) -> tuple[Spoil, ...]:
    return WRONG_BODY_KEY if call.contract.states(f"credentials.{Scheme.BODY}") else ()


@check("errors.status.json", "No invalid JSON is answered as the server's own failure.", fact=NO_5XX)
def json_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same body again and again."""
    return (yield from survives(call, _drafts(call, (*INVALID_JSON, *NOT_OBJECT, *NOT_UTF8))))


@check(
    "errors.status.credentials", "No wrong credentials are answered as the server's own failure.", fact=NO_5XX
)
def credentials_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same events again and again."""
    return (yield from survives(call, _drafts(call, (*BAD_HEADER, *WRONG_KEY, *_in_body(call)))))


@check("errors.status.size", "No oversized body is answered as the server's own failure.", fact=NO_5XX)
def size_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same body again and again."""
    return (yield from survives(call, _drafts(call, (OVERSIZED,))))


@check("errors.status.payload", "No incomplete event is answered as the server's own failure.",
       fact=NO_5XX, kinds=EVENTS)  # fmt: skip
def payload_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same event again and again."""
    fields = [_without(pointer) for pointer in call.type.required]
    return (yield from survives(call, _drafts(call, (NO_IDENTITY, *fields))))


@check(
    "errors.status.batch", "No bad batch is answered as the server's own failure.", fact=NO_5XX, kinds=BATCHES
)
def batch_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the whole batch again and again."""
    return (yield from survives(call, _drafts(call, (*BAD_BATCH, NO_IDENTITY))))
