"""Batches: what they may carry, how many, and what a bad one is answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect, pointers
from conformance.cases._steps import accepted, spoilt
from conformance.catalogue import BATCHES, OF_FORM, check
from conformance.contract import schemas
from conformance.errors import Silent
from conformance.model import Level
from conformance.payloads.spoils import BAD_BATCH
from conformance.profile.facts import BATCH_EVENTS, Condition, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.engine import Steps
    from conformance.model import Exchange
    from conformance.payloads import Call, Draft
    from conformance.payloads.spoils import Spoil

ACCEPTED = "answers.accepted"
MANY = 300


def _accepted(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """The smallest request is accepted, and so is every draft."""
    expect.control((yield call.control()))
    return (yield from accepted(drafts))


@check("batch.types.each", "A batch of every documented type is accepted.", fact=ACCEPTED, kinds=BATCHES)
def each_type(call: Call) -> Steps:
    """One batch for each type, so that a type that the batch path forgot is named."""
    drafts = [(f"a batch with a {name} event", call.event(name)) for name in call.contract.batch_types()]
    return (yield from _accepted(call, drafts))


@check(
    "batch.types.undocumented",
    "A batch of a type that the documents name only elsewhere is accepted.",
    fact=ACCEPTED,
    kinds=BATCHES,
    cap=Level.MAY,
)
def other_type(call: Call) -> Steps:
    """Some types have no place in the documents' list for batches, and clients send them there."""
    documented = call.contract.batch_types()
    others = [name for name in call.contract.profile.events if name not in documented]
    if not others:
        raise Silent("every event type is documented for batches")
    drafts = [(f"a batch with a {name} event", call.event(name)) for name in others]
    return (yield from _accepted(call, drafts))


@check(
    "batch.types.mixed", "A batch of all documented types at once is accepted.", fact=ACCEPTED, kinds=BATCHES
)
def mixed(call: Call) -> Steps:
    """SDKs put whatever was called into the same batch."""
    return (
        yield from _accepted(
            call, [("a batch of every type at once", call.full(*call.contract.batch_types()))]
        )
    )


@check("batch.count.one", "A batch of one event is accepted.", fact=ACCEPTED, kinds=BATCHES, opens=True)
def one(call: Call) -> Steps:
    """An SDK that is flushed early sends its only event as a batch."""
    return (yield from accepted([("a batch of one event", call.repeated(1))]))


@check("batch.count.many", "A batch of several hundred events is accepted.", fact=ACCEPTED, kinds=BATCHES)
def many(call: Call) -> Steps:
    """The documents limit bytes, not events."""
    drafts = [call.crowded(count) for count in (2, 20, 101, MANY)]
    return (
        yield from _accepted(call, [(f"a batch of {len(draft.events)} events", draft) for draft in drafts])
    )


@check("batch.count.most", "A batch of as many events as documented is accepted.", fact=BATCH_EVENTS,
       kinds=BATCHES)  # fmt: skip
def most(call: Call) -> Steps:
    """SDKs fill their batches up to the documented number."""
    draft = call.crowded(call.contract.most_events)
    return (yield from _accepted(call, [(f"a batch of {len(draft.events):,} events", draft)]))


@check("batch.count.over", "A batch of one event too many is refused.", fact=BATCH_EVENTS, kinds=BATCHES)
def too_many(call: Call) -> Steps:
    """A server that takes more and stores no more loses the rest without a word."""
    limit = call.contract.most_events
    draft = call.crowd(limit + 1)
    if len(call.crowded(limit).events) < limit:
        raise Silent(f"the limit of a batch's size has no room for {limit:,} events")
    expect.control((yield call.control()))
    answer = call.contract.crowd
    return expect.status((yield draft), answer, f"a batch of {limit + 1:,} events")


@check("batch.context.own", "Events with a context of their own are accepted.", fact=ACCEPTED, kinds=BATCHES)
def own_context(call: Call) -> Steps:
    """Each event may say where it came from and where it goes."""
    return (
        yield from _accepted(
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
        raise Silent("no document lets a field stand beside the list")
    schema = call.contract.event_schema(call.operation.type)
    draft = call.repeated(2)
    for pointer in shared:
        draft = draft.share(pointer, schemas.sample(schemas.at(schema, pointer)))
    both = _with_context(call).share(shared[0], schemas.sample(schemas.at(schema, shared[0])))
    drafts = [(f"a batch with {', '.join(shared)} beside its list", draft), ("a batch with both", both)]
    return (yield from _accepted(call, drafts))


def _with_context(call: Call) -> Draft:
    """A batch whose first event has a context and integrations."""
    where = call.contract.profile.pointers
    schema = call.contract.event_schema(call.operation.type)
    draft = call.repeated(2)
    for pointer in (where.context, where.integrations):
        if pointer is not None:
            draft = draft.put(pointer, schemas.sample(schemas.at(schema, pointer)))
    return draft


@check("batch.{slug}", "{words} is answered as documented.", kinds=BATCHES, fact=OF_FORM, forms=BAD_BATCH)
def bad_batch(call: Call, spoil: Spoil) -> Steps:
    """What is no batch is not mistaken for one, and what is no event does not go unnoticed."""
    return (yield from spoilt(call, spoil))


def _partly_bad(call: Call) -> Draft:
    """A batch of three events, of which the second names no user."""
    good, bad, last = (call.plain(call.operation.type) for _ in range(3))
    for pointer in call.contract.identities(call.operation.type).values():
        bad = pointers.drop(bad, pointer)
    return call.event().carrying(good, bad, last)


@check(
    "batch.partly-bad.status",
    "A batch of which one event names no user is answered as documented.",
    fact="answers.batch-partly-bad",
    kinds=BATCHES,
)
def partly_bad(call: Call) -> Steps:
    """A client that is told the wrong thing resends what was stored, or drops what was not."""
    expect.control((yield call.repeated(3)))
    answer = call.contract.answer(Condition.BATCH_PARTLY_BAD)
    return expect.status((yield _partly_bad(call)), answer, "a batch of which one event names no user")


@check(
    "batch.partly-bad.body",
    "The answer to a partly bad batch says what was wrong, as documented.",
    fact="bodies.partly-bad",
    kinds=BATCHES,
)
def partly_bad_body(call: Call) -> Steps:
    """A partial success is of use only with the list of what failed."""
    expect.control((yield call.repeated(3)))
    exchange: Exchange = yield _partly_bad(call)
    if exchange.status not in call.contract.answer(Condition.BATCH_PARTLY_BAD).statuses:
        raise Silent(f"the status is already wrong: {exchange.outline}")
    expect.body(exchange, call.contract.shape(Shape.PARTLY_BAD), "a partly bad batch")
    return None
