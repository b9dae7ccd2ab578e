"""Batches: what they may carry, how many, and what a bad one is answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import expect_all_accepted, expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, FACT_OF_PARAMETER
from conformance.contract import schemas
from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.profile.facts import MAX_EVENTS_FACT, Condition, ResponseKind
from conformance.requests.invalid_cases import INVALID_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps

ACCEPTED = "answers.accepted"
LARGE_COUNT = 300


def _control_then_expect_accepted(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """The smallest request is accepted, and so is every draft."""
    expect.control((yield call.control_request()))
    return (yield from expect_all_accepted(drafts))


@check("batch.types.each", "A batch of every documented type is accepted.", fact=ACCEPTED, kinds=BATCHES)
def each_type(call: Call) -> Steps:
    """One batch for each type, so that a type that the batch path forgot is named."""
    drafts = [(f"a batch with a {name} event", call.acceptable_request(name)) for name in call.contract.batch_types()]
    return (yield from _control_then_expect_accepted(call, drafts))


@check(
    "batch.types.undocumented",
    "A batch of a type that the documents name only elsewhere is accepted.",
    fact=ACCEPTED,
    kinds=BATCHES,
    max_level=Level.MAY,
)
def other_type(call: Call) -> Steps:
    """Some types have no place in the documents' list for batches, and clients send them there."""
    documented = call.contract.batch_types()
    undocumented = [name for name in call.contract.profile.events if name not in documented]
    if not undocumented:
        raise NotApplicable("every event type is documented for batches")
    drafts = [(f"a batch with a {name} event", call.acceptable_request(name)) for name in undocumented]
    return (yield from _control_then_expect_accepted(call, drafts))


@check("batch.types.mixed", "A batch of all documented types at once is accepted.", fact=ACCEPTED, kinds=BATCHES)
def mixed_types(call: Call) -> Steps:
    """SDKs put whatever was called into the same batch."""
    return (
        yield from _control_then_expect_accepted(
            call, [("a batch of every type at once", call.full_request(*call.contract.batch_types()))]
        )
    )


@check("batch.count.one", "A batch of one event is accepted.", fact=ACCEPTED, kinds=BATCHES, ignores_preflight=True)
def one_event(call: Call) -> Steps:
    """An SDK that is flushed early sends its only event as a batch."""
    return (yield from expect_all_accepted([("a batch of one event", call.batch_of(1))]))


@check("batch.count.many", "A batch of several hundred events is accepted.", fact=ACCEPTED, kinds=BATCHES)
def many_events(call: Call) -> Steps:
    """The documents limit bytes, not events."""
    drafts = [call.batch_of_at_most(count) for count in (2, 20, 101, LARGE_COUNT)]
    return (
        yield from _control_then_expect_accepted(
            call, [(f"a batch of {len(draft.events)} events", draft) for draft in drafts]
        )
    )


@check("batch.count.most", "A batch of as many events as documented is accepted.", fact=MAX_EVENTS_FACT,
       kinds=BATCHES)  # fmt: skip
def max_events(call: Call) -> Steps:
    """SDKs fill their batches up to the documented number."""
    draft = call.batch_of_at_most(call.contract.max_events)
    return (yield from _control_then_expect_accepted(call, [(f"a batch of {len(draft.events):,} events", draft)]))


@check("batch.count.over", "A batch of one event too many is refused.", fact=MAX_EVENTS_FACT, kinds=BATCHES)
def too_many_events(call: Call) -> Steps:
    """A server that takes more and stores no more loses the rest without a word."""
    limit = call.contract.max_events
    draft = call.batch_beyond_limit(limit + 1)
    if len(call.batch_of_at_most(limit).events) < limit:
        raise NotApplicable(f"the limit of a batch's size has no room for {limit:,} events")
    expect.control((yield call.control_request()))
    answer = call.contract.max_events_fact
    return expect.status((yield draft), answer, f"a batch of {limit + 1:,} events")


@check("batch.context.own", "Events with a context of their own are accepted.", fact=ACCEPTED, kinds=BATCHES)
def own_context(call: Call) -> Steps:
    """Each event may say where it came from and where it goes."""
    return (
        yield from _control_then_expect_accepted(
            call, [("a batch whose event has context and integrations", _with_context(call))]
        )
    )


@check(
    "batch.context.shared",
    "Fields shared by all events of a batch are accepted.",
    fact=ACCEPTED,
    kinds=BATCHES,
)
def shared_context(call: Call) -> Steps:
    """The documents let some fields stand beside the list, for every event in it."""
    shared = call.contract.profile.batch.shared
    if not shared:
        raise NotApplicable("no document lets a field stand beside the list")
    schema = call.contract.event_schema(call.operation.event_type)
    draft = call.batch_of(2)
    for pointer in shared:
        draft = draft.with_shared_field(pointer, schemas.full_sample(schemas.subschema(schema, pointer)))
    shared_and_own = _with_context(call).with_shared_field(
        shared[0], schemas.full_sample(schemas.subschema(schema, shared[0]))
    )
    drafts = [(f"a batch with {', '.join(shared)} beside its list", draft), ("a batch with both", shared_and_own)]
    return (yield from _control_then_expect_accepted(call, drafts))


def _with_context(call: Call) -> Draft:
    """A batch whose first event has a context and integrations."""
    known_pointers = call.contract.profile.pointers
    schema = call.contract.event_schema(call.operation.event_type)
    draft = call.batch_of(2)
    for pointer in (known_pointers.context, known_pointers.integrations):
        if pointer is not None:
            draft = draft.with_field(pointer, schemas.full_sample(schemas.subschema(schema, pointer)))
    return draft


@check(
    "batch.{slug}",
    "{description} is answered as documented.",
    kinds=BATCHES,
    fact=FACT_OF_PARAMETER,
    parameters=INVALID_BATCH,
)
def invalid_batch(call: Call, invalid_case: InvalidCase) -> Steps:
    """What is no batch is not mistaken for one, and what is no event does not go unnoticed."""
    return (yield from expect_documented_refusal(call, invalid_case))


def _partly_bad_draft(call: Call) -> Draft:
    """A batch of three events, of which the second names no user."""
    good, bad, last = (call.baseline_event(call.operation.event_type) for _ in range(3))
    for pointer in call.contract.identity_pointers(call.operation.event_type).values():
        bad = pointers.remove(bad, pointer)
    return call.acceptable_request().with_events(good, bad, last)


@check(
    "batch.partly-bad.status",
    "A batch of which one event names no user is answered as documented.",
    fact="answers.batch-partly-bad",
    kinds=BATCHES,
)
def partly_bad(call: Call) -> Steps:
    """A client that is told the wrong thing resends what was stored, or drops what was not."""
    expect.control((yield call.batch_of(3)))
    answer = call.contract.expected_response(Condition.BATCH_PARTLY_BAD)
    return expect.status((yield _partly_bad_draft(call)), answer, "a batch of which one event names no user")


@check(
    "batch.partly-bad.body",
    "The answer to a partly bad batch says what was wrong, as documented.",
    fact="bodies.partly-bad",
    kinds=BATCHES,
)
def partly_bad_body(call: Call) -> Steps:
    """A partial success is of use only with the list of what failed."""
    expect.control((yield call.batch_of(3)))
    exchange: Exchange = yield _partly_bad_draft(call)
    if exchange.status not in call.contract.expected_response(Condition.BATCH_PARTLY_BAD).statuses:
        raise NotApplicable(f"the status is already wrong: {exchange.summary}")
    expect.body(exchange, call.contract.response_body(ResponseKind.PARTLY_BAD), "a partly bad batch")
    return None
