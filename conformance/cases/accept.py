"""Acceptable requests are accepted, whatever the documents allow in them.

Which status of success it has to be, the first few checks say; for the others any will do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import expect_all_accepted, expect_documented_success
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, Tier
from conformance.core.errors import NotApplicable
from conformance.core.model import ID_PREFIX, Level
from conformance.profile.facts import AuthScheme, ResponseKind
from conformance.requests.credentials import authorization

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.requests import Call
    from conformance.requests.steps import Steps

ACCEPTED = "answers.accepted"


@check(
    "accept.event.minimal",
    "The smallest documented request is accepted.",
    fact=ACCEPTED,
    ignores_preflight=True,
    tier=Tier.GENTLE,
)
def minimal_event(call: Call) -> Steps:
    """A user id and the required fields are all that the documents ask for."""
    return (yield from expect_documented_success(call, [("the smallest documented request", call.minimal_request())]))


@check("accept.event.full", "A request with every documented field is accepted.", fact=ACCEPTED, tier=Tier.GENTLE)
def full_event(call: Call) -> Steps:
    """Official SDKs fill in most fields; a server that chokes on one of them shuts them out."""
    return (
        yield from expect_documented_success(call, [("a request with every documented field", call.full_request())])
    )


@check("accept.event.example", "The documented example is accepted.", fact=ACCEPTED, tier=Tier.GENTLE)
def documented_example(call: Call) -> Steps:
    """The example is what everybody tries first."""
    return (yield from expect_documented_success(call, [("the documented example", call.example_request())]))


@check(
    "accept.event.user-only",
    "An event with a userId and no anonymousId is accepted.",
    fact=ACCEPTED,
    tier=Tier.GENTLE,
)
def user_only(call: Call) -> Steps:
    """One of the two ids is enough."""
    id_pointers = call.contract.identity_pointers(call.operation.event_type)
    if "user" not in id_pointers:
        raise NotApplicable(f"no document gives {call.operation.event_type} a userId")
    draft = (
        call.acceptable_request()
        .without_fields(*id_pointers.values())
        .with_field(id_pointers["user"], "conformance-user-alone")
    )
    return (yield from expect_all_accepted([("an event with a userId alone", draft)]))


@check(
    "accept.event.anonymous-only",
    "An event with an anonymousId and no userId is accepted.",
    fact=ACCEPTED,
    tier=Tier.GENTLE,
)
def anonymous_only(call: Call) -> Steps:
    """Visitors who have not signed in have no other id."""
    id_pointers = call.contract.identity_pointers(call.operation.event_type)
    if "anonymous" not in id_pointers:
        raise NotApplicable(f"no document gives {call.operation.event_type} an anonymousId")
    draft = (
        call.acceptable_request()
        .without_fields(*id_pointers.values())
        .with_field(id_pointers["anonymous"], "conformance-anonymous-alone")
    )
    return (yield from expect_all_accepted([("an event with an anonymousId alone", draft)]))


@check("accept.fields.unknown", "Fields that no document knows are accepted.", fact=ACCEPTED)
def unknown_fields(call: Call) -> Steps:
    """Clients add fields of their own; the documents' own examples do."""
    nested_pointer = f"{call.event_type.open_object or ''}/conformance_unknown"
    value: Json = {"list": [1, 2.5, "three", None, True], "object": {"deeper": {"still": False}}}
    drafts = [
        (
            "an event with an unknown field at its top level",
            call.acceptable_request().with_field("/conformance_unknown", "extra"),
        ),
        ("an event with an unknown nested field", call.acceptable_request().with_field(nested_pointer, value)),
    ]
    context = call.contract.profile.pointers.context
    if context is not None:
        context_draft = call.acceptable_request().with_field(f"{context}/conformance_unknown", value)
        drafts.append(("an event with an unknown field in its context", context_draft))
    return (yield from expect_all_accepted(drafts))


@check("accept.fields.optional-absent", "Every optional field may be left out.", fact=ACCEPTED)
def optional_absent(call: Call) -> Steps:
    """Optional means that nothing happens without it; each is left out of an otherwise full event."""
    drafts = [
        (f"a full event without {pointer}", call.full_request().without_fields(pointer))
        for pointer in call.optional_fields()
    ]
    return (yield from expect_all_accepted(drafts))


@dataclass(frozen=True, slots=True)
class TextSample:
    """A text that a server must take as it is."""

    slug: str
    description: str
    value: str


TEXT_SAMPLES = (
    TextSample("unicode", "text in many scripts", "Grüße, ¡señor! Привет, 日本語, العربية, हिन्दी, ﬁ, ẛ̣"),
    TextSample(
        "emoji",
        "emoji, joined and coloured ones too",
        "\U0001f600 \U0001f469\u200d\U0001f680 \U0001f44d\U0001f3fd \u2764\ufe0f",
    ),
    TextSample(
        "controls",
        "quotes, backslashes and line breaks",
        'a "quoted" \\path\\ with\nlines,\ttabs and \u2028 \b\f\r',
    ),
)


@check("accept.text.{slug}", "An event with {description} is accepted.", fact=ACCEPTED, parameters=TEXT_SAMPLES)
def text(call: Call, text_sample: TextSample) -> Steps:
    """Names and properties are people's own words."""
    text_pointer = f"{call.event_type.open_object or ''}/conformance_text"
    id_pointer = next(iter(call.contract.identity_pointers(call.operation.event_type).values()))
    drafts = [
        (
            f"a property of {text_sample.description}",
            call.acceptable_request().with_field(text_pointer, text_sample.value),
        ),
        (
            f"a property's name of {text_sample.description}",
            call.acceptable_request().with_field(f"{call.event_type.open_object or ''}/{text_sample.value}", 1),
        ),
        (
            f"an id of {text_sample.description}",
            call.acceptable_request().with_field(id_pointer, f"{ID_PREFIX} {text_sample.value}"),
        ),
    ]
    return (yield from expect_all_accepted(drafts))


@check("accept.text.escaped", "Text written with JSON escapes is accepted.", fact=ACCEPTED)
def escaped_text(call: Call) -> Steps:
    r"""Many JSON libraries write everything beyond ASCII as \uXXXX, and emoji as pairs of them."""
    text_pointer = f"{call.event_type.open_object or ''}/conformance_text"
    value = "".join(form.value for form in TEXT_SAMPLES)
    return (
        yield from expect_all_accepted(
            [
                (
                    "an event with escaped text",
                    call.acceptable_request().with_field(text_pointer, value).with_ascii_escapes(),
                )
            ]
        )
    )


def _add_whitespace(body: bytes) -> bytes:
    """The same JSON with white space wherever it may be, and after its end."""
    return b" \r\n" + json.dumps(json.loads(body), indent=4).encode() + b"\t\n"


@check("accept.text.spread", "JSON written over several lines is accepted.", fact=ACCEPTED)
def multiline_json(call: Call) -> Steps:
    """White space between JSON's tokens means nothing (RFC 8259 section 2)."""
    draft = call.full_request().with_json_bytes(_add_whitespace)
    return (yield from expect_all_accepted([("JSON written over several lines", draft)]))


@dataclass(frozen=True, slots=True)
class TimestampFormat:
    """A way to write timestamps."""

    slug: str
    description: str
    values: tuple[str, ...]


TIMESTAMP_FORMATS = (
    TimestampFormat(
        "historical",
        "a timestamp from years ago",
        ("2012-12-02T00:30:08.276Z", "1999-12-31T23:59:59.999Z"),
    ),
    TimestampFormat(
        "offset",
        "a timestamp with an offset from UTC",
        ("2024-03-01T09:30:00.000+00:00", "2024-03-01T11:30:00.000+02:00", "2024-03-01T01:30:00.000-08:00"),
    ),
    TimestampFormat(
        "fractional",
        "a timestamp with any number of decimals",
        ("2024-03-01T09:30:00Z", "2024-03-01T09:30:00.5Z", "2024-03-01T09:30:00.123456Z",
         "2024-03-01T09:30:00.123456+00:00"),
    ),
)  # fmt: skip


@check(
    "accept.timestamp.{slug}", "An event with {description} is accepted.", fact=ACCEPTED, parameters=TIMESTAMP_FORMATS
)
def timestamp(call: Call, timestamp_format: TimestampFormat) -> Steps:
    """All of these are ISO 8601, and official SDKs send them."""
    timestamp_pointer = _get_timestamp_pointer(call)
    drafts = [
        (f"the timestamp {value}", call.acceptable_request().with_field(timestamp_pointer, value))
        for value in timestamp_format.values
    ]
    return (yield from expect_all_accepted(drafts))


@check("accept.timestamp.absent", "An event without a timestamp is accepted.", fact=ACCEPTED)
def timestamp_absent(call: Call) -> Steps:
    """The server puts in its own time."""
    timestamp_pointer = _get_timestamp_pointer(call)
    if timestamp_pointer in {*call.event_type.required, *call.contract.profile.always_required}:
        raise NotApplicable("every event has a timestamp here")
    return (
        yield from expect_all_accepted(
            [("a full event without a timestamp", call.full_request().without_fields(timestamp_pointer))]
        )
    )


def _get_timestamp_pointer(call: Call) -> str:
    timestamp_pointer = call.contract.profile.pointers.timestamp
    if timestamp_pointer is None:
        raise NotApplicable("the profile does not say where a timestamp goes")
    return timestamp_pointer


@dataclass(frozen=True, slots=True)
class KeyPlacement:
    """A way to hand in the write key."""

    slug: str
    description: str
    scheme: AuthScheme

    @property
    def fact(self) -> str:
        """The fact that promises it."""
        return f"credentials.{self.scheme}"


KEY_PLACEMENTS = (
    KeyPlacement("basic", "HTTP Basic, the key as user and an empty password", AuthScheme.BASIC),
    KeyPlacement("without-colon", "HTTP Basic without the colon after the key", AuthScheme.BASIC_WITHOUT_COLON),
    KeyPlacement("body", "the body alone", AuthScheme.BODY),
    KeyPlacement("header", "a header of its own", AuthScheme.HEADER),
    KeyPlacement("bearer", "a bearer token, the key in the body", AuthScheme.BEARER),
)


@check(
    "accept.credentials.{slug}",
    "The key is taken from {description}.",
    fact=FACT_OF_PARAMETER,
    parameters=KEY_PLACEMENTS,
    tier=Tier.GENTLE,
)
def credentials(call: Call, key_placement: KeyPlacement) -> Steps:
    """A documented way to hand in the write key works on every path."""
    draft = call.acceptable_request().with_credentials(call.credentials(key_placement.scheme))
    return (yield from expect_documented_success(call, [(f"the right key in {key_placement.description}", draft)]))


@check("accept.credentials.example", "The documented example is accepted with no other key than its own.",
       fact="credentials.body", max_level=Level.SHOULD, tier=Tier.GENTLE)  # fmt: skip
def example_credentials(call: Call) -> Steps:
    """Some documents show the key inside every event of a batch, others beside the list."""
    draft = call.example_with_own_key()
    expect.control((yield call.example_request()), "the documented example with the usual credentials")
    return (yield from expect_all_accepted([("the documented example with its own key alone", draft)]))


@check(
    "accept.credentials.scheme-case",
    "The word Basic is taken in any case of letters.",
    fact="rules.scheme-case",
    needs="credentials.basic",
    tier=Tier.GENTLE,
)
def scheme_case(call: Call) -> Steps:
    """The name of a scheme is case-insensitive, and some clients write it in lower case."""
    right = call.credentials(AuthScheme.BASIC)
    expect.control((yield call.acceptable_request().with_credentials(right)))
    ((_, value),) = right.headers
    draft = call.acceptable_request().with_credentials(authorization(value.replace("Basic", "basic")))
    return (yield from expect_all_accepted([("the right key under the scheme basic", draft)]))


@check(
    "accept.answer.body",
    "The answer to success has the documented body and type.",
    fact="bodies.accepted",
    tier=Tier.GENTLE,
)
def answer_body(call: Call) -> Steps:
    """Clients look at the body or its type to tell success from a proxy's page."""
    exchange = yield call.acceptable_request()
    expect.control(exchange)
    expect.body(exchange, call.contract.response_body(ResponseKind.ACCEPTED), "an acceptable request")
    return None


@check("accept.answer.text", "The answer to success has the documented text.", fact="bodies.accepted-text",
       tier=Tier.GENTLE)  # fmt: skip
def answer_text(call: Call) -> Steps:
    """The documents show the text; its case does not matter."""
    exchange = yield call.acceptable_request()
    expect.control(exchange)
    expect.body(exchange, call.contract.response_body(ResponseKind.ACCEPTED_TEXT), "an acceptable request")
    return None
