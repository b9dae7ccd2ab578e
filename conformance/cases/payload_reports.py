"""Payloads that the documents rule out without an answer: what a server makes of them is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import describe_outcomes
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, UNDOCUMENTED, CheckOptions, FirstPer
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.requests import wrong_types
from conformance.requests.fields import identity_pointers, require_pointer

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.requests import Call
    from conformance.requests.steps import Steps

_REPORT: CheckOptions = {"max_level": Level.MAY, "observes": True, "first_per": FirstPer.TYPE}
NOT_ISO_TIMES: tuple[tuple[str, Json], ...] = (
    ("a word", "yesterday"),
    ("an impossible date", "2024-02-30T25:61:00Z"),
    ("a date alone", "2024-03-01"),
    ("no time zone", "2024-03-01T09:30:00"),
    ("the date of an email", "Fri, 01 Mar 2024 09:30:00 GMT"),
    ("seconds as a number", 1_709_285_400),
    ("milliseconds as a number", 1_709_285_400_000),
    ("an empty text", ""),
    ("null", None),
)


@check("payload.timestamp.other", "The answers to timestamps that are not in the documented form are reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, **_REPORT)  # fmt: skip
def other_timestamps(call: Call) -> Steps:
    """The documents ask for ISO 8601 and do not say what becomes of anything else; clients send all of these."""
    pointer = require_pointer(call.contract.profile.pointers.timestamp, "a timestamp")
    expect.control((yield call.control_request()))
    drafts = ((name, call.acceptable_request().with_field(pointer, value)) for name, value in NOT_ISO_TIMES)
    return (yield from describe_outcomes(drafts))


@check("payload.types.wrong", "The answers to documented fields of a wrong type are reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, **_REPORT)  # fmt: skip
def types_of_fields(call: Call) -> Steps:
    """The documents give each field a type; who moves to another server wants to know which ones it insists on."""
    expect.control((yield call.control_request()))
    return (yield from describe_outcomes(wrong_types.one_in_each_field(call)))


@check("payload.identity.stand-in", "The answer to an event that another id names than its documents list is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, **_REPORT)  # fmt: skip
def stand_in_identity(call: Call) -> Steps:
    """Some documents want a userId only where there is no anonymousId, and list no anonymousId for the call."""
    anonymous = require_pointer(call.contract.profile.pointers.anonymous, "an anonymousId")
    listed = identity_pointers(call)
    if anonymous in listed.values():
        raise NotApplicable(f"the documents list an anonymousId for {call.operation.event_type}")
    expect.control((yield call.control_request()))
    draft = call.acceptable_request().without_fields(*listed.values())
    draft = draft.with_field(anonymous, "conformance-anonymous-alone")
    return (yield from describe_outcomes([("an anonymousId alone", draft)]))


@check("payload.readings.other", "The answers to events that only one reading of the documents allows are reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, **_REPORT)  # fmt: skip
def other_readings(call: Call) -> Steps:
    """A table and its example contradict each other; servers follow the one or the other."""
    examples = call.event_type.disputed_examples
    if not examples:
        raise NotApplicable(f"the documents do not contradict themselves about {call.operation.event_type}")
    expect.control((yield call.control_request()))
    drafts = ((example.sources[0].says, call.request_of_example(example)) for example in examples)
    return (yield from describe_outcomes(drafts))
