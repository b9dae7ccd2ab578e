"""Acceptable requests are accepted, with everything that the documents allow in them.

The first checks require the documented status of success; the others allow any.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import expect_accepted, expect_all_accepted, expect_documented_success
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ACCEPTED, EVENTS, FACT_OF_PARAMETER, TIMESTAMP_OTHER, Tier
from conformance.contract import schemas
from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import ID_PREFIX, Parameter
from conformance.profile.facts import CUSTOMARY_FIELDS, ResponseKind, Rule
from conformance.requests.fields import (
    free_form_pointer,
    identity_pointer,
    request_with_ids,
    require_pointer,
)

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.requests import Call
    from conformance.requests.steps import Steps


@check("accept.event.minimal", "The smallest documented request is accepted.",
       fact=ACCEPTED, ignores_preflight=True, tier=Tier.GENTLE)  # fmt: skip
def minimal_event(call: Call) -> Steps:
    """The documents ask for nothing but a user id and the required fields."""
    subject = "the smallest documented request"
    return (yield from expect_documented_success(call, subject, call.minimal_request(), is_usual=True))


@check("accept.event.full", "A request with every documented field is accepted.", fact=ACCEPTED, tier=Tier.GENTLE)
def full_event(call: Call) -> Steps:
    """Official SDKs fill in most fields; a server that fails on one of them loses their events."""
    return (yield from expect_documented_success(call, "a request with every documented field", call.full_request()))


@check("accept.event.example", "The documented example is accepted.", fact=ACCEPTED, tier=Tier.GENTLE)
def documented_example(call: Call) -> Steps:
    """The example is the first request that most people try."""
    return (yield from expect_documented_success(call, "the documented example", call.example_request()))


@check("accept.event.user-only", "An event with a userId and no anonymousId is accepted.",
       fact=ACCEPTED, tier=Tier.GENTLE)  # fmt: skip
def user_only(call: Call) -> Steps:
    """One of the two ids is enough."""
    draft = request_with_ids(call, user="conformance-user-alone")
    return (yield from expect_accepted(call, "an event with a userId alone", draft))


@check("accept.event.anonymous-only", "An event with an anonymousId and no userId is accepted.",
       fact=ACCEPTED, tier=Tier.GENTLE)  # fmt: skip
def anonymous_only(call: Call) -> Steps:
    """Visitors who have not signed in have no other id."""
    draft = request_with_ids(call, anonymous="conformance-anonymous-alone")
    return (yield from expect_accepted(call, "an event with an anonymousId alone", draft))


@check("accept.event.further-examples", "Every further documented example is accepted.",
       fact=ACCEPTED, kinds=EVENTS, tier=Tier.GENTLE)  # fmt: skip
def further_examples(call: Call) -> Steps:
    """Documents show the same call with other fields or credentials, and people copy these, too."""
    examples = call.event_type.further_examples
    if not examples:
        raise NotApplicable(f"the profile has no further example of {call.operation}")
    drafts = [
        (f"the documented example {number} of this call", call.request_of_example(example))
        for number, example in enumerate(examples, 2)
    ]
    return (yield from expect_all_accepted(call, drafts))


@check("accept.fields.customary", "Fields that clients send though no document lists them are accepted.",
       fact=CUSTOMARY_FIELDS)  # fmt: skip
def customary_fields(call: Call) -> Steps:
    """Official SDKs fill in more of the context than the documents of their vendors list."""
    sample = schemas.full_sample(call.contract.event_schema(call.operation.event_type))
    drafts = [
        (f"an event with {pointer}", call.acceptable_request().with_field(pointer, pointers.get(sample, pointer)))
        for pointer in call.contract.customary_pointers
        if pointers.has(sample, pointer)
    ]
    return (yield from expect_all_accepted(call, drafts))


_UNKNOWN_VALUE: Json = {"list": [1, 2.5, "three", None, True], "object": {"deeper": {"still": False}}}


@check("accept.fields.free-form", "Any field is accepted where the documents allow any.", fact=ACCEPTED)
def free_form_fields(call: Call) -> Steps:
    """Traits and properties are the users' own; no server can know their names."""
    draft = call.acceptable_request().with_field(free_form_pointer(call, "conformance_unknown"), _UNKNOWN_VALUE)
    return (yield from expect_accepted(call, "an event with an unknown field in its free-form object", draft))


@check("accept.fields.unknown", "Undocumented fields are accepted.", fact=f"rules.{Rule.UNKNOWN_FIELDS}")
def unknown_fields(call: Call) -> Steps:
    """Clients add fields of their own; the documents' own examples do."""
    drafts = [
        (
            "an event with an unknown field at its top level",
            call.acceptable_request().with_field("/conformance_unknown", "extra"),
        ),
    ]
    context = call.contract.profile.pointers.context
    if context is not None:
        context_draft = call.acceptable_request().with_field(f"{context}/conformance_unknown", _UNKNOWN_VALUE)
        drafts.append(("an event with an unknown field in its context", context_draft))
    return (yield from expect_all_accepted(call, drafts))


@check("accept.fields.optional-absent", "An event without one of its optional fields is accepted.", fact=ACCEPTED)
def optional_absent(call: Call) -> Steps:
    """Clients leave out optional fields. The check removes each of them in turn from a full event."""
    drafts = [
        (f"a full event without {pointer}", call.full_request().without_fields(pointer))
        for pointer in call.optional_fields()
    ]
    return (yield from expect_all_accepted(call, drafts))


@dataclass(frozen=True, slots=True)
class TextSample(Parameter):
    """A text that a server must store unchanged."""

    value: str


TEXT_SAMPLES = (
    TextSample("unicode", "text in many scripts", "Grüße, ¡señor! Привет, 日本語, العربية, हिन्दी, ﬁ, ẛ̣"),
    TextSample("emoji", "emoji, joined or coloured",
               "\U0001f600 \U0001f469\u200d\U0001f680 \U0001f44d\U0001f3fd \u2764\ufe0f"),
    TextSample("controls", "quotes, backslashes and line breaks",
               'a "quoted" \\path\\ with\nlines,\ttabs and \u2028 \b\f\r'),
)  # fmt: skip


@check("accept.text.{slug}", "An event with {description} is accepted.", fact=ACCEPTED, parameters=TEXT_SAMPLES)
def text(call: Call, sample: TextSample) -> Steps:
    """Names and properties are written by people, in every language."""
    fields: tuple[tuple[str, str, Json], ...] = (
        ("a property", free_form_pointer(call, "conformance_text"), sample.value),
        ("a property name", free_form_pointer(call, sample.value), 1),
        ("an id", identity_pointer(call), f"{ID_PREFIX} {sample.value}"),
    )
    drafts = [
        (f"{field} with {sample.description}", call.acceptable_request().with_field(pointer, value))
        for field, pointer, value in fields
    ]
    return (yield from expect_all_accepted(call, drafts))


@check("accept.text.escaped", "Text written with JSON escapes is accepted.", fact=ACCEPTED)
def escaped_text(call: Call) -> Steps:
    r"""Many JSON libraries write everything beyond ASCII as \uXXXX, and emoji as pairs of them."""
    value = "".join(sample.value for sample in TEXT_SAMPLES)
    draft = call.acceptable_request().with_field(free_form_pointer(call, "conformance_text"), value)
    return (yield from expect_accepted(call, "an event with escaped text", draft.with_ascii_escapes()))


def _add_whitespace(body: bytes) -> bytes:
    """The same JSON with white space before, between and after its tokens."""
    return b" \r\n" + json.dumps(json.loads(body), indent=4).encode() + b"\t\n"


@check("accept.text.spread", "JSON written over several lines is accepted.", fact=ACCEPTED)
def multiline_json(call: Call) -> Steps:
    """White space between the tokens of JSON has no meaning (RFC 8259 section 2)."""
    draft = call.full_request().with_json_bytes(_add_whitespace)
    return (yield from expect_accepted(call, "JSON written over several lines", draft))


@dataclass(frozen=True, slots=True)
class TimestampFormat(Parameter):
    """A way to write timestamps."""

    values: tuple[str, ...]
    fact: str = TIMESTAMP_OTHER


TIMESTAMP_FORMATS = (
    TimestampFormat(
        "historical",
        "a timestamp from years ago",
        ("2012-12-02T00:30:08.276Z", "1999-12-31T23:59:59.999Z"),
        fact=ACCEPTED,
    ),
    TimestampFormat(
        "offset",
        "a UTC offset in its timestamp",
        (
            "2024-03-01T09:30:00.000+00:00",
            "2024-03-01T11:30:00.000+02:00",
            "2024-03-01T01:30:00.000-08:00",
            "2024-03-01T06:00:00.000-03:30",
        ),
    ),
    TimestampFormat(
        "fractional",
        "any number of decimals in its timestamp",
        (
            "2024-03-01T09:30:00Z",
            "2024-03-01T09:30:00.5Z",
            "2024-03-01T09:30:00.123456Z",
            "2024-03-01T09:30:00.123456789Z",
        ),
    ),
)  # fmt: skip


@check(
    "accept.timestamp.{slug}",
    "An event with {description} is accepted.",
    fact=FACT_OF_PARAMETER,
    parameters=TIMESTAMP_FORMATS,
)
def timestamp(call: Call, timestamp_format: TimestampFormat) -> Steps:
    """All of these are ISO 8601, and official SDKs send them. Some documents ask for one form of it."""
    pointer = _timestamp_pointer(call)
    drafts = [
        (f"the timestamp {value}", call.acceptable_request().with_field(pointer, value))
        for value in timestamp_format.values
    ]
    return (yield from expect_all_accepted(call, drafts))


@check("accept.timestamp.absent", "An event without a timestamp is accepted.", fact=ACCEPTED)
def timestamp_absent(call: Call) -> Steps:
    """The server uses the time of receipt."""
    pointer = _timestamp_pointer(call)
    if pointer in {*call.event_type.required, *call.contract.profile.always_required}:
        raise NotApplicable("every event must have a timestamp")
    draft = call.full_request().without_fields(pointer)
    return (yield from expect_accepted(call, "a full event without a timestamp", draft))


def _timestamp_pointer(call: Call) -> str:
    return require_pointer(call.contract.profile.pointers.timestamp, "a timestamp")


def _expect_success_body(call: Call, kind: ResponseKind) -> Steps:
    exchange = yield call.acceptable_request()
    expect.control(exchange)
    expect.body(exchange, call.contract.response_body(kind), "an acceptable request")
    return None


@check("accept.answer.body", "The answer to an accepted request has the documented body and type.",
       fact="bodies.accepted", tier=Tier.GENTLE)  # fmt: skip
def answer_body(call: Call) -> Steps:
    """Clients look at the body or its type to tell a success from a proxy's page."""
    return (yield from _expect_success_body(call, ResponseKind.ACCEPTED))


@check("accept.answer.text", "The answer to an accepted request has the documented text.",
       fact="bodies.accepted-text", tier=Tier.GENTLE)  # fmt: skip
def answer_text(call: Call) -> Steps:
    """Clients compare the text with the one in the documents; upper and lower case count as equal."""
    return (yield from _expect_success_body(call, ResponseKind.ACCEPTED_TEXT))
