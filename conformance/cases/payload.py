"""Payloads: the fields that an event must have, and those that it may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import (
    describe_outcomes,
    expect_accepted,
    expect_all_accepted,
    expect_documented_refusal,
    expect_required_fields,
    get_lone_answer,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ACCEPTED, EVENTS, REQUIRED_FIELDS, UNDOCUMENTED
from conformance.contract import schemas
from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Level, Parameter
from conformance.profile.facts import Condition
from conformance.requests.fields import (
    free_form_pointer,
    request_with_every_id,
    request_with_ids,
    require_pointer,
)
from conformance.requests.invalid_cases import NO_IDENTITY

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.requests import Call
    from conformance.requests.steps import Steps

IDENTITY_MISSING = f"answers.{Condition.IDENTITY_MISSING}"
NULL_OPTIONAL = "rules.null-optional"


@check("payload.identity.missing", "An event that names no user is answered as documented.",
       fact=IDENTITY_MISSING, kinds=EVENTS)  # fmt: skip
def identity_missing(call: Call) -> Steps:
    """Without a user id and an anonymous id, an event can't be attributed to anybody."""
    return (yield from expect_documented_refusal(call, NO_IDENTITY))


@check("payload.identity.both", "An event with both a userId and an anonymousId is accepted.", fact=ACCEPTED)
def identity_both(call: Call) -> Steps:
    """SDKs know both when a visitor signs in."""
    draft = request_with_ids(call, user="conformance-user", anonymous="conformance-anonymous")
    return (yield from expect_accepted(call, "an event with both ids", draft))


@check("payload.identity.null", "An event whose ids are all null is answered like one that names no user.",
       fact=IDENTITY_MISSING, kinds=EVENTS, max_level=Level.SHOULD)  # fmt: skip
def identity_null(call: Call) -> Steps:
    """Many languages write a missing value as null."""
    expect.control((yield call.control_request()))
    answer = yield from get_lone_answer(call, NO_IDENTITY)
    return expect.status(
        (yield call.with_run_tag(request_with_every_id(call, None))), answer, "an event whose ids are all null"
    )


@check("payload.identity.empty", "The answer to an event whose ids are all empty is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def identity_empty(call: Call) -> Steps:
    """An empty id is present but names no user; no document decides."""
    expect.control((yield call.control_request()))
    return (yield from describe_outcomes([("empty ids", call.with_run_tag(request_with_every_id(call, "")))]))


@check("payload.identity.blank", "The answer to an event whose ids are all white space is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def identity_blank(call: Call) -> Steps:
    """Some servers trim the id, others store white space as a user of its own."""
    expect.control((yield call.control_request()))
    draft = call.with_run_tag(request_with_every_id(call, " \t "))
    return (yield from describe_outcomes([("ids of white space", draft)]))


@check("payload.identity.null-other", "An event with a userId and a null anonymousId is accepted.", fact=NULL_OPTIONAL)
def identity_one_null(call: Call) -> Steps:
    """Official SDKs write a missing id as null."""
    draft = request_with_ids(call, user="conformance-user", anonymous=None)
    return (yield from expect_accepted(call, "an event with a userId and a null anonymousId", draft))


@check("payload.identity.empty-other", "The answer to an event with an empty userId and an anonymousId is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def identity_one_empty(call: Call) -> Steps:
    """Clients that always send both ids leave the unknown one empty."""
    expect.control((yield call.control_request()))
    draft = request_with_ids(call, user="", anonymous="conformance-anonymous")
    return (yield from describe_outcomes([("an empty userId beside an anonymousId", draft)]))


@check("payload.optional.null", "The answers to optional fields that are null are reported.",
       fact=NULL_OPTIONAL, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def optional_null(call: Call) -> Steps:
    """Serializers write null for a missing value; a server that takes null as a value refuses the event."""
    expect.control((yield call.control_request()))
    drafts = ((f"{pointer} null", call.full_request().with_field(pointer, None)) for pointer in call.optional_fields())
    return (yield from describe_outcomes(drafts))


@check("payload.required.missing", "An event without a required field is answered as documented.",
       fact=REQUIRED_FIELDS, kinds=EVENTS)  # fmt: skip
def required_missing(call: Call) -> Steps:
    """Nothing downstream can use a track without its event, or a group without its id."""
    return (yield from expect_required_fields(call))


@check("payload.required.empty", "The answers to required fields that are empty or null are reported.",
       fact=REQUIRED_FIELDS, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def required_empty(call: Call) -> Steps:
    """An empty field is present but has no content; no document decides."""
    expect.control((yield call.control_request()))
    values: tuple[tuple[str, Json], ...] = (("empty", ""), ("null", None))
    return (
        yield from describe_outcomes(
            (f"{pointer} {value_name}", call.acceptable_request().with_field(pointer, value))
            for pointer in call.event_type.required
            for value_name, value in values
        )
    )


@check("payload.required.either", "The answers to events without a field that only some sources require are reported.",
       fact=REQUIRED_FIELDS, kinds=EVENTS, max_level=Level.MAY, observes=True)  # fmt: skip
def required_disputed(call: Call) -> Steps:
    """Where a vendor's sources contradict each other, servers differ."""
    expect.control((yield call.control_request()))
    disputed_pointers = [
        pointer for pointer, answer in call.event_type.required.items() if _allows_both(answer.statuses)
    ]
    if not disputed_pointers:
        raise NotApplicable("the sources agree on what is required")
    drafts = (
        (f"without {pointer}", call.acceptable_request().without_fields(pointer)) for pointer in disputed_pointers
    )
    return (yield from describe_outcomes(drafts))


def _allows_both(statuses: tuple[int, ...]) -> bool:
    """Whether both a success and a refusal are allowed."""
    return min(statuses) < 300 and max(statuses) >= 400


@dataclass(frozen=True, slots=True)
class PropertyShape(Parameter):
    """A shape of free-form properties, within every limit."""

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
    PropertyShape("numbers", "with zero, negative, fractional and large numbers",
                  {"zero": 0, "negative": -1.5, "small": 1e-7, "large": 9_007_199_254_740_991, "e": 1.5e300}),
)  # fmt: skip


@check("payload.properties.{slug}", "Free-form properties {description} are accepted.", fact=ACCEPTED,
       max_level=Level.SHOULD, parameters=PROPERTY_SHAPES)  # fmt: skip
def free_form_properties(call: Call, property_shape: PropertyShape) -> Steps:
    """Any JSON object is allowed as free-form properties, and users nest objects and lists in it."""
    pointer = free_form_pointer(call, f"conformance_{property_shape.slug}")
    draft = call.acceptable_request().with_field(pointer, property_shape.value)
    return (yield from expect_accepted(call, f"an event with properties {property_shape.description}", draft))


@check("payload.properties.empty", "Empty free-form properties are accepted.", fact=ACCEPTED)
def properties_empty(call: Call) -> Steps:
    """SDKs send an empty object when the caller gives none."""
    open_pointer = call.event_type.open_object
    if open_pointer is None or pointers.has(call.baseline_event(call.operation.event_type), open_pointer):
        raise NotApplicable(f"no document gives {call.operation.event_type} a free-form object that may be empty")
    draft = call.acceptable_request().with_field(open_pointer, {})
    return (yield from expect_accepted(call, "empty properties", draft))


@check("payload.context.documented", "An event with the documented context is accepted.", fact=ACCEPTED)
def documented_context(call: Call) -> Steps:
    """SDKs fill in the context by themselves: address, page, library, locale."""
    context_pointer = require_pointer(call.contract.profile.pointers.context, "a context")
    sample_context = schemas.full_sample(
        schemas.subschema(call.contract.documented_schema(call.operation.event_type), context_pointer)
    )
    drafts = [
        ("an event with the documented context", call.acceptable_request().with_field(context_pointer, sample_context)),
        ("an event with an empty context", call.acceptable_request().with_field(context_pointer, {})),
    ]
    return (yield from expect_all_accepted(call, drafts))


INTEGRATIONS: tuple[tuple[str, Json], ...] = (
    ("all on", {"All": True}),
    ("all off but one", {"All": False, "Conformance": True}),
    ("a name of two words", {"All": False, "Conformance Checker": True}),
    ("options for one", {"All": True, "Conformance": {"option": "value", "list": [1]}}),
    ("none at all", {}),
)


@check("payload.integrations.documented", "An event that chooses its destinations is accepted.", fact=ACCEPTED)
def documented_integrations(call: Call) -> Steps:
    """Each event may switch destinations on and off, or give them options."""
    integrations_pointer = require_pointer(call.contract.profile.pointers.integrations, "the integrations object")
    drafts = [
        (f"integrations with {description}", call.acceptable_request().with_field(integrations_pointer, value))
        for description, value in INTEGRATIONS
    ]
    return (yield from expect_all_accepted(call, drafts))
