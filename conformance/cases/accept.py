"""Acceptable requests are accepted, whatever the documents allow in them.

Which status of success it has to be, the first few checks say; for the others any will do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import accepted, succeeds
from conformance.catalogue import OF_FORM, Tier, check
from conformance.errors import Silent
from conformance.model import PREFIX, Level
from conformance.payloads.credentials import authorization
from conformance.profile.facts import Scheme, Shape

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.model import Json
    from conformance.payloads import Call

ACCEPTED = "answers.accepted"


@check(
    "accept.event.minimal",
    "The smallest documented request is accepted.",
    fact=ACCEPTED,
    opens=True,
    tier=Tier.GENTLE,
)
def minimal(call: Call) -> Steps:
    """A user id and the required fields are all that the documents ask for."""
    return (yield from succeeds(call, [("the smallest documented request", call.minimal())]))


@check(
    "accept.event.full", "A request with every documented field is accepted.", fact=ACCEPTED, tier=Tier.GENTLE
)
def full(call: Call) -> Steps:
    """Official SDKs fill in most fields; a server that chokes on one of them shuts them out."""
    return (yield from succeeds(call, [("a request with every documented field", call.full())]))


@check("accept.event.example", "The documented example is accepted.", fact=ACCEPTED, tier=Tier.GENTLE)
def example(call: Call) -> Steps:
    """The example is what everybody tries first."""
    return (yield from succeeds(call, [("the documented example", call.example())]))


@check(
    "accept.event.user-only",
    "An event with a userId and no anonymousId is accepted.",
    fact=ACCEPTED,
    tier=Tier.GENTLE,
)
def user_only(call: Call) -> Steps:
    """One of the two ids is enough."""
    where = call.contract.identities(call.operation.type)
    if "user" not in where:
        raise Silent(f"no document gives {call.operation.type} a userId")
    draft = call.event().drop(*where.values()).put(where["user"], "conformance-user-alone")
    return (yield from accepted([("an event with a userId alone", draft)]))


@check(
    "accept.event.anonymous-only",
    "An event with an anonymousId and no userId is accepted.",
    fact=ACCEPTED,
    tier=Tier.GENTLE,
)
def anonymous_only(call: Call) -> Steps:
    """Visitors who have not signed in have no other id."""
    where = call.contract.identities(call.operation.type)
    if "anonymous" not in where:
        raise Silent(f"no document gives {call.operation.type} an anonymousId")
    draft = call.event().drop(*where.values()).put(where["anonymous"], "conformance-anonymous-alone")
    return (yield from accepted([("an event with an anonymousId alone", draft)]))


@check("accept.fields.unknown", "Fields that no document knows are accepted.", fact=ACCEPTED)
def unknown_fields(call: Call) -> Steps:
    """Clients add fields of their own; the documents' own examples do."""
    inner = f"{call.type.open or ''}/conformance_unknown"
    value: Json = {"list": [1, 2.5, "three", None, True], "object": {"deeper": {"still": False}}}
    drafts = [
        (
            "an event with an unknown field at its top level",
            call.event().put("/conformance_unknown", "extra"),
        ),
        ("an event with an unknown nested field", call.event().put(inner, value)),
    ]
    context = call.contract.profile.pointers.context
    if context is not None:
        inside = call.event().put(f"{context}/conformance_unknown", value)
        drafts.append(("an event with an unknown field in its context", inside))
    return (yield from accepted(drafts))


@check("accept.fields.optional-absent", "Every optional field may be left out.", fact=ACCEPTED)
def optional_absent(call: Call) -> Steps:
    """Optional means that nothing happens without it; each is left out of an otherwise full event."""
    drafts = [(f"a full event without {pointer}", call.full().drop(pointer)) for pointer in call.optional()]
    return (yield from accepted(drafts))


@dataclass(frozen=True, slots=True)
class Text:
    """A text that a server must take as it is."""

    slug: str
    words: str
    value: str


TEXTS = (
    Text("unicode", "text in many scripts", "Grüße, ¡señor! Привет, 日本語, العربية, हिन्दी, ﬁ, ẛ̣"),
    Text(
        "emoji",
        "emoji, joined and coloured ones too",
        "\U0001f600 \U0001f469\u200d\U0001f680 \U0001f44d\U0001f3fd \u2764\ufe0f",
    ),
    Text(
        "controls",
        "quotes, backslashes and line breaks",
        'a "quoted" \\path\\ with\nlines,\ttabs and \u2028 \b\f\r',
    ),
)


@check("accept.text.{slug}", "An event with {words} is accepted.", fact=ACCEPTED, forms=TEXTS)
def text(call: Call, form: Text) -> Steps:
    """Names and properties are people's own words."""
    where = f"{call.type.open or ''}/conformance_text"
    identity = next(iter(call.contract.identities(call.operation.type).values()))
    drafts = [
        (f"a property of {form.words}", call.event().put(where, form.value)),
        (f"a property's name of {form.words}", call.event().put(f"{call.type.open or ''}/{form.value}", 1)),
        (f"an id of {form.words}", call.event().put(identity, f"{PREFIX} {form.value}")),
    ]
    return (yield from accepted(drafts))


@check("accept.text.escaped", "Text written with JSON escapes is accepted.", fact=ACCEPTED)
def escaped(call: Call) -> Steps:
    r"""Many JSON libraries write everything beyond ASCII as \uXXXX, and emoji as pairs of them."""
    where = f"{call.type.open or ''}/conformance_text"
    value = "".join(form.value for form in TEXTS)
    return (yield from accepted([("an event with escaped text", call.event().put(where, value).escaped())]))


def _spread(body: bytes) -> bytes:
    """The same JSON with white space wherever it may be, and after its end."""
    return b" \r\n" + json.dumps(json.loads(body), indent=4).encode() + b"\t\n"


@check("accept.text.spread", "JSON written over several lines is accepted.", fact=ACCEPTED)
def spread(call: Call) -> Steps:
    """White space between JSON's tokens means nothing (RFC 8259 section 2)."""
    draft = call.full().spelled(_spread)
    return (yield from accepted([("JSON written over several lines", draft)]))


@dataclass(frozen=True, slots=True)
class Timestamps:
    """A way to write timestamps."""

    slug: str
    words: str
    values: tuple[str, ...]


TIMESTAMPS = (
    Timestamps(
        "historical",
        "a timestamp from years ago",
        ("2012-12-02T00:30:08.276Z", "1999-12-31T23:59:59.999Z"),
    ),
    Timestamps(
        "offset",
        "a timestamp with an offset from UTC",
        ("2024-03-01T09:30:00.000+00:00", "2024-03-01T11:30:00.000+02:00", "2024-03-01T01:30:00.000-08:00"),
    ),
    Timestamps(
        "fractional",
        "a timestamp with any number of decimals",
        ("2024-03-01T09:30:00Z", "2024-03-01T09:30:00.5Z", "2024-03-01T09:30:00.123456Z",
         "2024-03-01T09:30:00.123456+00:00"),
    ),
)  # fmt: skip


@check("accept.timestamp.{slug}", "An event with {words} is accepted.", fact=ACCEPTED, forms=TIMESTAMPS)
def timestamp(call: Call, form: Timestamps) -> Steps:
    """All of these are ISO 8601, and official SDKs send them."""
    where = _timestamp(call)
    drafts = [(f"the timestamp {value}", call.event().put(where, value)) for value in form.values]
    return (yield from accepted(drafts))


@check("accept.timestamp.absent", "An event without a timestamp is accepted.", fact=ACCEPTED)
def timestamp_absent(call: Call) -> Steps:
    """The server puts in its own time."""
    where = _timestamp(call)
    if where in {*call.type.required, *call.contract.profile.always}:
        raise Silent("every event has a timestamp here")
    return (yield from accepted([("a full event without a timestamp", call.full().drop(where))]))


def _timestamp(call: Call) -> str:
    where = call.contract.profile.pointers.timestamp
    if where is None:
        raise Silent("the profile does not say where a timestamp goes")
    return where


@dataclass(frozen=True, slots=True)
class Way:
    """A way to hand in the write key."""

    slug: str
    words: str
    scheme: Scheme

    @property
    def fact(self) -> str:
        """The fact that promises it."""
        return f"credentials.{self.scheme}"


WAYS = (
    Way("basic", "HTTP Basic, the key as user and an empty password", Scheme.BASIC),
    Way("without-colon", "HTTP Basic without the colon after the key", Scheme.BASIC_WITHOUT_COLON),
    Way("body", "the body alone", Scheme.BODY),
    Way("header", "a header of its own", Scheme.HEADER),
    Way("bearer", "a bearer token, the key in the body", Scheme.BEARER),
)


@check(
    "accept.credentials.{slug}", "The key is taken from {words}.", fact=OF_FORM, forms=WAYS, tier=Tier.GENTLE
)
def credentials(call: Call, way: Way) -> Steps:
    """A documented way to hand in the write key works on every path."""
    draft = call.event().by(call.credentials(way.scheme))
    return (yield from succeeds(call, [(f"the right key in {way.words}", draft)]))


@check("accept.credentials.example", "The documented example is accepted with no other key than its own.",
       fact="credentials.body", cap=Level.SHOULD, tier=Tier.GENTLE)  # fmt: skip
def example_credentials(call: Call) -> Steps:
    """Some documents show the key inside every event of a batch, others beside the list."""
    draft = call.keyed_example()
    expect.control((yield call.example()), "the documented example with the usual credentials")
    return (yield from accepted([("the documented example with its own key alone", draft)]))


@check(
    "accept.credentials.scheme-case",
    "The word Basic is taken in any case of letters.",
    fact="rules.scheme-case",
    needs="credentials.basic",
    tier=Tier.GENTLE,
)
def scheme_case(call: Call) -> Steps:
    """The name of a scheme is case-insensitive, and some clients write it in lower case."""
    right = call.credentials(Scheme.BASIC)
    expect.control((yield call.event().by(right)))
    ((_, value),) = right.headers
    draft = call.event().by(authorization(value.replace("Basic", "basic")))
    return (yield from accepted([("the right key under the scheme basic", draft)]))


@check(
    "accept.answer.body",
    "The answer to success has the documented body and type.",
    fact="bodies.accepted",
    tier=Tier.GENTLE,
)
def answer_body(call: Call) -> Steps:
    """Clients look at the body or its type to tell success from a proxy's page."""
    exchange = yield call.event()
    expect.control(exchange)
    expect.body(exchange, call.contract.shape(Shape.ACCEPTED), "an acceptable request")
    return None


@check("accept.answer.text", "The answer to success has the documented text.", fact="bodies.accepted-text",
       tier=Tier.GENTLE)  # fmt: skip
def answer_text(call: Call) -> Steps:
    """The documents show the text; its case does not matter."""
    exchange = yield call.event()
    expect.control(exchange)
    expect.body(exchange, call.contract.shape(Shape.ACCEPTED_TEXT), "an acceptable request")
    return None
