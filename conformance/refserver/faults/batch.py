"""Faults in batches: what they may carry, and what is made of a bad one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.pointers import Missing, get, has
from conformance.profile.facts import BATCH_EVENTS
from conformance.refserver.faults import fault
from conformance.refserver.faults.fault import Fault, refuses, states
from conformance.refserver.faults.twists import (
    BATCH,
    accept,
    accepting,
    answering,
    crashing,
    editing,
    refuse,
    refused,
    refusing,
)

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.model import Json
    from conformance.refserver.change import Sight
    from conformance.refserver.faults.twists import When

_MISSING, _NOT_ARRAY, _NOT_OBJECT, _UNTYPED, _UNKNOWN, _PARTLY, _EMPTY = (
    f"answers.batch-{word}"
    for word in (
        "missing",
        "not-array",
        "event-not-object",
        "type-missing",
        "type-unknown",
        "partly-bad",
        "empty",
    )
)
_BATCHES = fault.has(Kind.BATCH)


def _list(sight: Sight) -> Json:
    """What stands in place of a batch's list."""
    try:
        return get(sight.document, sight.contract.profile.batch.pointer)
    except Missing:
        return None


def _types(sight: Sight) -> list[Json]:
    return sight.each(sight.contract.profile.pointers.type) if BATCH(sight) else []


def _longer(count: int) -> When:
    return lambda sight: BATCH(sight) and len(sight.events) > count


def _inside(name: str) -> When:
    """Holds for a batch one of whose events has a field that the profile points at."""
    return lambda sight: BATCH(sight) and bool(sight.each(getattr(sight.contract.profile.pointers, name)))


def _beside(sight: Sight) -> bool:
    """Whether a field stands beside a batch's list that all its events share."""
    shared = sight.contract.profile.batch.shared
    return BATCH(sight) and any(has(sight.document, pointer) for pointer in shared)


def _own(sight: Sight) -> bool:
    """Whether one of two events has a context of its own."""
    return len(sight.events) == 2 and len(sight.each(sight.contract.profile.pointers.context)) == 1


def _inside_and_beside(sight: Sight) -> bool:
    return _inside("context")(sight) and _beside(sight)


def _mixed(sight: Sight) -> bool:
    """Whether a batch has events of many types, some of which choose their destinations."""
    chosen = [value for value in sight.each(sight.contract.profile.pointers.integrations) if value]
    return len(set(map(str, _types(sight)))) > 2 and any(value != {"All": True} for value in chosen)


def _partly(sight: Sight) -> bool:
    """Whether one event of a batch names a user, and another does not."""
    if not BATCH(sight):
        return False
    name = str(sight.decision.operation.type if sight.decision.operation else "")
    found = [sight.contract.identified(name, event) for event in sight.events]
    return any(found) and not all(found)


def _first_bad(sight: Sight) -> bool:
    pointer = sight.contract.profile.pointers.type or ""
    found = _at(sight.events[0], pointer) if sight.events else None
    return isinstance(found, str) and found in sight.contract.profile.events


def _at(document: Json, pointer: str) -> Json:
    """What a pointer points at; None if there is nothing."""
    try:
        return get(document, pointer)
    except Missing:
        return None


def _undocumented(sight: Sight) -> bool:
    return bool(set(map(str, _types(sight))) - set(sight.contract.batch_types()))


def _has_undocumented(contract: Contract) -> bool:
    return _BATCHES(contract) and bool(set(contract.profile.events) - set(contract.batch_types()))


FAULTS = (
    Fault("batch-list-unchecked", "Answers 200 to a batch without its list.", "nothing in it, nothing wrong",
          "batch.list.missing", accepting(_MISSING), refuses(_MISSING)),
    Fault("batch-list-of-any-type", "Takes anything for a batch's list.",
          "what is no list has no events to refuse",
          "batch.list.object batch.list.string batch.list.number batch.list.null", accepting(_NOT_ARRAY),
          refuses(_NOT_ARRAY)),
    Fault("batch-list-422", "Answers 422 where a batch's list is none.", "validators do",
          "batch.list.object batch.list.string batch.list.number batch.list.null", answering(422, _NOT_ARRAY),
          _BATCHES),
    Fault("batch-list-crash", "Fails where a batch's list is none.", "a number can't be walked through",
          "batch.list.number batch.list.null errors.status.batch",
          crashing(_NOT_ARRAY, when=lambda sight: not isinstance(_list(sight), dict | str)), _BATCHES),
    Fault("batch-missing-crash", "Fails on a batch without its list.", "a key that is not there",
          "batch.list.missing errors.status.batch", crashing(_MISSING), _BATCHES),
    Fault("empty-batch-crash", "Fails on an empty batch.", "the first of no events",
          "batch.list.empty errors.status.batch",
          crashing(when=lambda sight: BATCH(sight) and _list(sight) == []), _BATCHES),
    Fault("empty-batch-404", "Answers an empty batch with 404.", "nothing was found in it",
          "batch.list.empty", answering(404, _EMPTY), states(_EMPTY)),
    Fault("non-events-accepted", "Skips what is no event in a batch.", "it is lost in silence",
          "batch.events.string batch.events.number batch.events.null batch.events.array",
          accepting(_NOT_OBJECT), refuses(_NOT_OBJECT)),
    Fault("non-events-crash", "Fails on what is no event in a batch.", "null has no fields",
          "batch.events.null batch.events.string batch.events.number batch.events.array errors.status.batch",
          crashing(_NOT_OBJECT), _BATCHES),
    Fault("types-unchecked", "Takes events of any type, and of none.", "they end where nobody looks",
          "batch.type.missing batch.type.unknown batch.type.missing-second batch.type.unknown-second",
          accepting(_UNTYPED, _UNKNOWN), refuses(_UNTYPED, _UNKNOWN)),
    Fault("first-type-checked", "Looks at the type of the first event alone.",
          "the rest is taken for the same", "batch.type.missing-second batch.type.unknown-second",
          accepting(_UNTYPED, _UNKNOWN, when=_first_bad), refuses(_UNTYPED, _UNKNOWN)),
    Fault("unknown-type-crash", "Fails on an event of an unknown type.",
          "a table of handlers has no such key",
          "batch.type.unknown batch.type.unknown-second batch.type.missing batch.type.missing-second "
          "errors.status.batch robustness.types.common", crashing(_UNKNOWN, _UNTYPED), _BATCHES),
    Fault("groups-refused-in-batches", "Does not take batches of group calls.",
          "one type of many is forgotten", "batch.types.each",
          refusing(lambda sight: set(map(str, _types(sight))) == {"group"}), _BATCHES),
    Fault("mixed-batches-refused", "Wants events with integrations to be of the same type.",
          "one table a batch", "batch.types.mixed", refusing(_mixed), _BATCHES),
    Fault("undocumented-types-refused", "Refuses types that the documents do not list for batches.",
          "clients send them there all the same", "batch.types.undocumented", refusing(_undocumented),
          _has_undocumented),
    Fault("batches-of-one-refused", "Refuses a batch of one event.", "there are other paths for that",
          "batch.count.one accept.event.minimal",
          refusing(lambda sight: BATCH(sight) and len(sight.events) == 1), _BATCHES,
          spills="a batch of one event is what every check of batches begins with"),
    Fault("hundred-events-at-most", "Refuses a batch of more than a hundred events.",
          "other vendors count events; here the documents limit bytes", "batch.count.many",
          refusing(_longer(100)), _BATCHES),
    Fault("events-uncounted", "Takes a batch of more events than documented.",
          "a limit that is only in the documents", "batch.count.over", accepting(BATCH_EVENTS),
          states(BATCH_EVENTS)),
    Fault("events-counted-early", "Refuses a batch of as many events as documented.",
          "less than in place of at most", "batch.count.most",
          refusing(lambda sight: _longer(sight.contract.most_events - 1)(sight)), states(BATCH_EVENTS)),
    Fault("own-context-refused", "Refuses events of a batch with a context of their own.",
          "it is taken from beside", "batch.context.own", refusing(_own), _BATCHES),
    Fault("shared-context-refused", "Refuses a batch with a context beside its list.", "strict envelopes",
          "batch.context.shared", refusing(_inside_and_beside),
          lambda contract: _BATCHES(contract) and bool(contract.profile.batch.shared)),
    Fault("partly-bad-crash", "Fails on a batch of which one event is bad.", "half of it is stored by then",
          "batch.partly-bad.status", crashing(when=_partly), states(_PARTLY)),
    Fault("partly-bad-422", "Answers 422 to a batch of which one event is bad.",
          "SDKs drop or resend all of it", "batch.partly-bad.status",
          lambda sight: refuse(sight, 422) if _partly(sight) else None, states(_PARTLY)),
    Fault("partly-bad-as-success", "Answers a partly bad batch like a good one.",
          "what failed is never named", "batch.partly-bad.status",
          lambda sight: accept(sight) if refused(_PARTLY)(sight) else None,
          lambda contract: contract.states("bodies.partly-bad")),
    Fault("partly-bad-unnamed", "Names no error in the answer to a partly bad batch.",
          "a partial success is of use only with the list of what failed", "batch.partly-bad.body",
          editing(lambda reply: replace(reply, body=b'{"Success": true}'), _PARTLY),
          states("bodies.partly-bad")),
)  # fmt: skip
