"""What an event must contain, and what it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import describe_outcomes, expect_all_accepted, expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, REQUIRED_FIELDS
from conformance.contract import schemas
from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.profile.facts import Condition
from conformance.requests.invalid_cases import NO_IDENTITY

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps

ACCEPTED = "answers.accepted"
IDENTITY_MISSING = "answers.identity-missing"
NULL_OPTIONAL = "rules.null-optional"
UNDOCUMENTED = "rules.undocumented"


@check("payload.identity.missing", "An event with neither userId nor anonymousId is answered as documented.",
       fact=IDENTITY_MISSING, kinds=EVENTS)  # fmt: skip
def identity_missing(call: Call) -> Steps:
    """An event of nobody can't be attributed to anybody."""
    return (yield from expect_documented_refusal(call, NO_IDENTITY))


def _event_with_ids(call: Call, **values: Json) -> Draft:
    """An event with these ids and no others. Raises Silent where a document gives it no such id."""
    id_pointers = call.contract.identity_pointers(call.operation.event_type)
    missing = [name for name in values if name not in id_pointers]
    if missing:
        raise NotApplicable(f"no document gives {call.operation.event_type} the id of a {missing[0]}")
    draft = call.acceptable_request().without_fields(*id_pointers.values())
    for name, value in values.items():
        draft = draft.with_field(id_pointers[name], value)
    return draft


def _event_with_every_id(call: Call, value: Json) -> Draft:
    """An event whose every id has the same value."""
    return _event_with_ids(call, **dict.fromkeys(call.contract.identity_pointers(call.operation.event_type), value))


@check("payload.identity.both", "An event with both a userId and an anonymousId is accepted.", fact=ACCEPTED)
def identity_both(call: Call) -> Steps:
    """The moment of signing in is when both are known."""
    draft = _event_with_ids(call, user="conformance-user", anonymous="conformance-anonymous")
    return (yield from expect_all_accepted([("an event with both ids", draft)]))


@check("payload.identity.null", "An event whose ids are all null is answered as one without ids.",
       fact=IDENTITY_MISSING, kinds=EVENTS, max_level=Level.SHOULD)  # fmt: skip
def identity_null(call: Call) -> Steps:
    """Null is how many languages write what is not there."""
    expect.control((yield call.control_request()))
    answer = call.contract.expected_response(Condition.IDENTITY_MISSING)
    return expect.status(
        (yield call.with_run_tag(_event_with_every_id(call, None))), answer, "an event whose ids are null"
    )


@check("payload.identity.empty", "What happens to an event whose ids are all empty is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def identity_empty(call: Call) -> Steps:
    """An empty text names nobody, and yet is there; no document decides."""
    expect.control((yield call.control_request()))
    return (yield from describe_outcomes([("empty ids", call.with_run_tag(_event_with_every_id(call, "")))]))


@check("payload.identity.blank", "What happens to an event whose ids are white space is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def identity_blank(call: Call) -> Steps:
    """Some servers trim, others store the blank as a user of its own."""
    expect.control((yield call.control_request()))
    return (
        yield from describe_outcomes([("ids of white space", call.with_run_tag(_event_with_every_id(call, " \t ")))])
    )


@check("payload.identity.null-other", "A null id beside a real one is accepted.", fact=NULL_OPTIONAL)
def identity_one_null(call: Call) -> Steps:
    """Official SDKs write the id that they don't have as null."""
    drafts = [("an event with a userId and anonymousId null",
               _event_with_ids(call, user="conformance-user", anonymous=None))]  # fmt: skip
    return (yield from expect_all_accepted(drafts))


@check("payload.identity.empty-other", "What happens to an empty id beside a real one is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def identity_one_empty(call: Call) -> Steps:
    """Clients that always send both ids leave the one that they don't have empty."""
    expect.control((yield call.control_request()))
    draft = _event_with_ids(call, user="", anonymous="conformance-anonymous")
    return (yield from describe_outcomes([("an empty userId beside an anonymousId", draft)]))


@check("payload.optional.null", "What happens to optional fields that are null is reported.",
       fact=NULL_OPTIONAL, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def optional_null(call: Call) -> Steps:
    """Serializers write null for what is not set; a server that takes it as a value refuses the event."""
    expect.control((yield call.control_request()))
    drafts = ((f"{pointer} null", call.full_request().with_field(pointer, None)) for pointer in call.optional_fields())
    return (yield from describe_outcomes(drafts))


@check("payload.required.missing", "An event without a required field is answered as documented.",
       fact=REQUIRED_FIELDS, kinds=EVENTS)  # fmt: skip
def required_missing(call: Call) -> Steps:
    """A track without its event, a group without its id: nothing downstream can use them."""
    expect.control((yield call.control_request()))
    note = None
    for pointer, answer in call.event_type.required.items():
        exchange = yield call.acceptable_request().without_fields(pointer)
        note = expect.status(exchange, answer, f"an event without {pointer}") or note
    return note


@check("payload.required.empty", "What happens to a required field that is empty or null is reported.",
       fact=REQUIRED_FIELDS, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def required_empty(call: Call) -> Steps:
    """An empty name is there and says nothing; no document decides."""
    expect.control((yield call.control_request()))
    values: tuple[tuple[str, Json], ...] = (("empty", ""), ("null", None))
    return (
        yield from describe_outcomes(
            (f"{pointer} {value_name}", call.acceptable_request().with_field(pointer, value))
            for pointer in call.event_type.required
            for value_name, value in values
        )
    )


@check("payload.required.either", "Whether a field that sources disagree on is required is reported.",
       fact=REQUIRED_FIELDS, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def required_disputed(call: Call) -> Steps:
    """Where a vendor's sources contradict each other, servers differ."""
    expect.control((yield call.control_request()))
    disputed_pointers = [
        pointer for pointer, answer in call.event_type.required.items() if _allows_both(answer.statuses)
    ]
    if not disputed_pointers:
        raise NotApplicable("the sources agree on what is required")
    return (
        yield from describe_outcomes(
            (f"without {name}", call.acceptable_request().without_fields(name)) for name in disputed_pointers
        )
    )


def _allows_both(statuses: tuple[int, ...]) -> bool:
    """Whether both a success and a refusal are allowed."""
    return min(statuses) < 300 and max(statuses) >= 400


@dataclass(frozen=True, slots=True)
class PropertyShape:
    """Free-form properties of some shape, within every limit."""

    slug: str
    description: str
    value: Json


def _nested_object(depth: int) -> Json:
    value: Json = "deep"
    for number in range(depth, 0, -1):
        value = {f"level_{number}": value}
    return value


PROPERTY_SHAPES = (
    PropertyShape("deep", "nested twenty levels deep", _nested_object(20)),
    PropertyShape("wide", "with two hundred keys", {f"key_{number}": number for number in range(200)}),
    PropertyShape("lists", "with lists of lists and objects", [[1, [2, []]], {"in": [{}]}, None, True]),
    PropertyShape("numbers", "with numbers of every usual kind",
               {"zero": 0, "negative": -1.5, "small": 1e-7, "large": 9_007_199_254_740_991, "e": 1.5e300}),
)  # fmt: skip


@check("payload.properties.{slug}", "Free-form properties {description} are accepted.", fact=ACCEPTED,
       max_level=Level.SHOULD, parameters=PROPERTY_SHAPES)  # fmt: skip
def free_form_properties(call: Call, property_shape: PropertyShape) -> Steps:
    """Free-form means any JSON object; people nest and list what they like."""
    draft = call.acceptable_request().with_field(
        f"{call.event_type.open_object or ''}/conformance_{property_shape.slug}", property_shape.value
    )
    return (yield from expect_all_accepted([(f"properties {property_shape.description}", draft)]))


@check("payload.properties.empty", "Empty free-form properties are accepted.", fact=ACCEPTED)
def properties_empty(call: Call) -> Steps:
    """SDKs send an empty object when the caller gives none."""
    open_pointer = call.event_type.open_object
    if open_pointer is None or pointers.has(call.baseline_event(call.operation.event_type), open_pointer):
        raise NotApplicable(f"no document gives {call.operation.event_type} a free-form object that may be empty")
    return (
        yield from expect_all_accepted([("empty properties", call.acceptable_request().with_field(open_pointer, {}))])
    )


@check("payload.context.documented", "An event with the documented context is accepted.", fact=ACCEPTED)
def documented_context(call: Call) -> Steps:
    """SDKs fill it in by themselves: address, page, library, locale."""
    context_pointer = call.contract.profile.pointers.context
    if context_pointer is None:
        raise NotApplicable("the profile does not say where a context goes")
    sample_context = schemas.full_sample(
        schemas.subschema(call.contract.event_schema(call.operation.event_type), context_pointer)
    )
    drafts = [
        ("an event with the documented context", call.acceptable_request().with_field(context_pointer, sample_context)),
        ("an event with an empty context", call.acceptable_request().with_field(context_pointer, {})),
    ]
    return (yield from expect_all_accepted(drafts))


INTEGRATIONS: tuple[tuple[str, Json], ...] = (
    ("all on", {"All": True}),
    ("all off but one", {"All": False, "Conformance": True}),
    ("options for one", {"All": True, "Conformance": {"option": "value", "list": [1]}}),
    ("none at all", {}),
)


@check("payload.integrations.documented", "An event that chooses its destinations is accepted.", fact=ACCEPTED)
def documented_integrations(call: Call) -> Steps:
    """Destinations are switched on and off, or given options, event by event."""
    integrations_pointer = call.contract.profile.pointers.integrations
    if integrations_pointer is None:
        raise NotApplicable("the profile does not say where integrations go")
    drafts = [
        (f"integrations with {description}", call.acceptable_request().with_field(integrations_pointer, value))
        for description, value in INTEGRATIONS
    ]
    return (yield from expect_all_accepted(drafts))
