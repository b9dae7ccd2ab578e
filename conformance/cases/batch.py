"""Batches: their event types, their number of events, and the answers to invalid ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.cases._steps import expect_accepted, expect_all_accepted, expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ACCEPTED, BATCHES, FACT_OF_PARAMETER
from conformance.contract import schemas
from conformance.core import pointers
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.foreign_json import read_body
from conformance.core.model import Level, OperationKind
from conformance.profile.facts import MAX_EVENTS_FACT, Condition, ResponseKind
from conformance.requests.invalid_cases import INVALID_BATCH, NO_IDENTITY, nameless_batch, nameless_event

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from conformance.core.model import Exchange, Json
    from conformance.requests import Call, Draft
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps

EVENT_COUNTS = (2, 20, 101, 300)


def _control_then_expect_accepted(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """The control is accepted, and so is every draft."""
    expect.control((yield call.control_request()))
    return (yield from expect_all_accepted(call, drafts))


@check("batch.types.each", "A batch of each documented type is accepted.", fact=ACCEPTED, kinds=BATCHES)
def each_type(call: Call) -> Steps:
    """There is one batch for each type, so that the message names a type that the batch path does not know."""
    drafts = [(f"a batch with a {name} event", call.acceptable_request(name)) for name in call.contract.batch_types()]
    return (yield from _control_then_expect_accepted(call, drafts))


@check("batch.types.undocumented", "A batch of a type that is documented only outside batches is accepted.",
       fact=ACCEPTED, kinds=BATCHES, max_level=Level.MAY)  # fmt: skip
def other_type(call: Call) -> Steps:
    """The documents' list for batches leaves out some types, and clients send them in batches nevertheless."""
    documented = call.contract.batch_types()
    undocumented = [name for name in call.contract.profile.events if name not in documented]
    if not undocumented:
        raise NotApplicable("every event type is documented for batches")
    drafts = [(f"a batch with a {name} event", call.acceptable_request(name)) for name in undocumented]
    return (yield from _control_then_expect_accepted(call, drafts))


@check("batch.types.mixed", "A batch of all documented types is accepted.", fact=ACCEPTED, kinds=BATCHES)
def mixed_types(call: Call) -> Steps:
    """SDKs put all pending events into the same batch, whatever their types are."""
    draft = call.full_request(*call.contract.batch_types())
    return (yield from _control_then_expect_accepted(call, [("a batch of all documented types", draft)]))


@check("batch.count.one", "A batch of one event is accepted.", fact=ACCEPTED, kinds=BATCHES, ignores_preflight=True)
def one_event(call: Call) -> Steps:
    """An SDK that is flushed early sends its only event as a batch."""
    return (yield from expect_accepted(call, "a batch of one event", call.batch_of(1), is_usual=True))


@check("batch.count.many", "A batch of several hundred events is accepted.", fact=ACCEPTED, kinds=BATCHES)
def many_events(call: Call) -> Steps:
    """The documents limit bytes, not events."""
    drafts = [call.batch_of_at_most(count) for count in EVENT_COUNTS]
    described = [(f"a batch of {len(draft.events)} events", draft) for draft in drafts]
    return (yield from _control_then_expect_accepted(call, described))


@check("batch.count.most", "A batch of as many events as documented is accepted.", fact=MAX_EVENTS_FACT,
       kinds=BATCHES)  # fmt: skip
def max_events(call: Call) -> Steps:
    """SDKs fill their batches up to the documented number."""
    draft = call.batch_of_at_most(call.contract.max_events)
    return (yield from _control_then_expect_accepted(call, [(f"a batch of {len(draft.events):,} events", draft)]))


@check("batch.count.over", "A batch of one event too many is refused.", fact=MAX_EVENTS_FACT, kinds=BATCHES)
def too_many_events(call: Call) -> Steps:
    """A server that accepts more events than it stores loses the rest silently."""
    limit = call.contract.max_events
    draft = call.batch_beyond_limit(limit + 1)
    if len(call.batch_of_at_most(limit).events) < limit:
        raise NotApplicable(f"the size limit of a batch has no room for {limit:,} events")
    expect.control((yield call.control_request()))
    answer = call.contract.max_events_fact
    return expect.status((yield draft), answer, f"a batch of {limit + 1:,} events")


@check("batch.context.own", "A batch whose event has its own context is accepted.", fact=ACCEPTED, kinds=BATCHES)
def own_context(call: Call) -> Steps:
    """Each event may have its own context and choose its own integrations."""
    where = call.contract.profile.pointers
    drafts = [
        (f"a batch whose event has {pointer}", call.batch_of(2).with_field(pointer, _full_sample(call, pointer)))
        for pointer in (where.context, where.integrations)
        if pointer is not None
    ]
    return (yield from _control_then_expect_accepted(call, drafts))


@check("batch.context.shared", "A batch with fields that all its events share is accepted.",
       fact=ACCEPTED, kinds=BATCHES)  # fmt: skip
def shared_context(call: Call) -> Steps:
    """The documents allow some fields beside the list, for every event in it."""
    shared = call.contract.profile.batch.shared
    if not shared:
        raise NotApplicable("no document allows a field beside the list")
    shared_drafts = {
        pointer: call.batch_of(2).with_shared_field(pointer, _full_sample(call, pointer)) for pointer in shared
    }
    first, first_draft = next(iter(shared_drafts.items()))
    drafts = [
        *((f"a batch with {pointer} beside its list", draft) for pointer, draft in shared_drafts.items()),
        (
            f"a batch with {first} beside its list and in an event",
            first_draft.with_field(first, _full_sample(call, first)),
        ),
    ]
    return (yield from _control_then_expect_accepted(call, drafts))


def _full_sample(call: Call, pointer: str) -> Json:
    """A value of a field of an event, with all that is documented in it."""
    return schemas.full_sample(schemas.subschema(call.contract.event_schema(call.operation.event_type), pointer))


@check(
    "batch.{slug}",
    "{description} is answered as documented.",
    kinds=BATCHES,
    fact=FACT_OF_PARAMETER,
    parameters=INVALID_BATCH,
)
def invalid_batch(call: Call, invalid_case: InvalidCase) -> Steps:
    """A server that ignores such a mistake loses events without telling the client."""
    return (yield from expect_documented_refusal(call, invalid_case))


PARTLY_BAD = "a batch with one event that names no user"


def _partly_bad_draft(call: Call) -> Draft:
    """A batch of three events, of which the second names no user."""
    good, last = (call.baseline_event(call.operation.event_type) for _ in range(2))
    return call.acceptable_request().with_events(good, nameless_event(call), last)


@check("batch.partly-bad.status", "A batch with one event that names no user is answered as documented.",
       fact=f"answers.{Condition.BATCH_PARTLY_BAD}", kinds=BATCHES)  # fmt: skip
def partly_bad(call: Call) -> Steps:
    """After a wrong answer, a client sends stored events again, or drops events that were not stored."""
    expect.control((yield call.batch_of(3)))
    answer = call.contract.expected_response(Condition.BATCH_PARTLY_BAD)
    return expect.status((yield _partly_bad_draft(call)), answer, PARTLY_BAD)


@check("batch.partly-bad.body", "The answer to a partly bad batch has the documented body.",
       fact=f"bodies.{ResponseKind.PARTLY_BAD}", kinds=BATCHES)  # fmt: skip
def partly_bad_body(call: Call) -> Steps:
    """A client can act on a partial success only if the body lists the events that failed."""
    expect.control((yield call.batch_of(3)))
    yield from _expect_partly_bad_body(call, _partly_bad_draft(call), PARTLY_BAD)
    return None


def _expect_partly_bad_body(call: Call, draft: Draft, subject: str) -> Generator[Draft, Exchange, Exchange]:
    """The answer to a partly bad batch, with the documented body. Raises NotApplicable if its status is wrong."""
    exchange = yield draft
    if exchange.status not in call.contract.expected_response(Condition.BATCH_PARTLY_BAD).statuses:
        raise NotApplicable(f"the status is already wrong: {exchange.summary}")
    expect.body(exchange, call.contract.response_body(ResponseKind.PARTLY_BAD), subject)
    return exchange


@check("batch.partly-bad.required", "A batch with one event that lacks a required field is answered as documented.",
       fact=f"answers.{Condition.BATCH_PARTLY_BAD}", kinds=BATCHES, max_level=Level.SHOULD)  # fmt: skip
def partly_bad_required(call: Call) -> Steps:
    """The event is lost without it, and nobody is told; judged where one such event alone is refused."""
    expect.control((yield call.batch_of(3)))
    answer, note, is_any_refused = call.contract.expected_response(Condition.BATCH_PARTLY_BAD), None, False
    for type_name in call.contract.profile.batch.types:
        if (single := _on_single_path(call, type_name)) is None:
            continue
        for pointer in call.contract.event_type(type_name).required:
            if not (yield from _is_refused_without(single, pointer)):
                continue
            is_any_refused = True
            own = call.labelled(f"{call.label}, {type_name} without {pointer}")  # its bytes depend on nothing else
            good, last = (own.baseline_event(call.operation.event_type) for _ in range(2))
            bad = pointers.remove(own.baseline_event(type_name), pointer)
            exchange = yield own.acceptable_request().with_events(good, bad, last)
            note = expect.status(exchange, answer, f"a batch with one {type_name} without {pointer}") or note
    if not is_any_refused:
        raise NotApplicable("no single event is refused for a required field")
    return note


def _on_single_path(call: Call, type_name: str) -> Call | None:
    """The same call on the first path that takes one event of a type; None if there is none."""
    for operation in call.contract.operations:
        if operation.kind is OperationKind.EVENT and operation.event_type == type_name:
            return replace(call, operation=operation)
    return None


def _is_refused_without(call: Call, pointer: str) -> Generator[Draft, Exchange, bool]:
    """Whether a single event is refused without a field."""
    expect.control((yield call.control_request()))
    return not expect.is_accepted((yield call.acceptable_request().without_fields(pointer)))


@check("batch.identity.all-missing", "A batch of nothing but events that name no user is refused like one such event.",
       fact=f"answers.{Condition.IDENTITY_MISSING}", kinds=BATCHES, max_level=Level.SHOULD)  # fmt: skip
def all_without_identity(call: Call) -> Steps:
    """A success for a batch of which nothing can be kept tells the client to throw its events away."""
    expect.control((yield call.batch_of(3)))
    if expect.is_accepted((yield NO_IDENTITY.make_draft(call))):  # the batch of one may have the same fault
        if (single := _on_single_path(call, call.operation.event_type)) is None:
            raise NotApplicable("no path takes one such event")
        expect.control((yield single.control_request()))
        expect.require_refused((yield NO_IDENTITY.make_draft(single)))
    exchange = yield nameless_batch(call)
    subject = "a batch of nothing but events that name no user"
    expect.no_server_error(exchange, subject)
    if expect.is_accepted(exchange):
        raise Deviation(
            f"{subject} must not be accepted",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a refusal, as for one such event",
        )
    return None


@check("batch.partly-bad.every-error", "The answer to a batch with two bad events lists two errors.",
       fact=f"bodies.{ResponseKind.PARTLY_BAD}", kinds=BATCHES)  # fmt: skip
def every_error(call: Call) -> Steps:
    """A client that learns of the first bad event only can't tell which of the others were stored."""
    schema: Any = call.contract.response_body(ResponseKind.PARTLY_BAD).schema or {}
    properties = schema.get("properties", {})
    name = next((name for name, item in properties.items() if item.get(EACH_ERROR_MARK)), None)
    if name is None:
        raise NotApplicable("no document promises one entry for each bad event")
    expect.control((yield call.batch_of(3)))
    good, bad = call.baseline_event(call.operation.event_type), nameless_event(call)
    draft = call.acceptable_request().with_events(bad, good, bad, good)
    subject = "a batch of four events, of which two name no user"
    exchange = yield from _expect_partly_bad_body(call, draft, subject)
    body = read_body(exchange.response) if exchange.response else None
    items = body.get(name) if isinstance(body, dict) else None
    listed = len(items) if isinstance(items, list) else 0
    if listed < BAD_EVENTS:
        raise Deviation(
            f"the answer to {subject}, must list {BAD_EVENTS} errors",
            f"lists {listed}",
            exchange=exchange,
            expected=f"{BAD_EVENTS} errors in the list",
            received=f"{exchange.status} with {listed} in the list",
        )
    return None


BAD_EVENTS = 2
EACH_ERROR_MARK = "x-each-error"
"""In a schema of a body it marks the list that has an entry for each bad event."""
