"""Faults in batches: what they may carry, and what is made of a bad one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.core.pointers import PointerNotFound, get, has
from conformance.profile.facts import MAX_EVENTS_FACT
from conformance.refserver.faults import fault
from conformance.refserver.faults.fault import Fault, requires_facts, requires_refusals
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    accept_refused,
    change_refusal_status,
    crash_on,
    edit_reply,
    error_reply,
    refuse_accepted,
    refused_by,
    success_reply,
)

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.core.model import Json
    from conformance.refserver.fault_change import RequestView
    from conformance.refserver.faults.response_overrides import RequestPredicate

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
_HAS_BATCHES = fault.requires_kinds(OperationKind.BATCH)


def _list_value(sight: RequestView) -> Json:
    """What stands in place of a batch's list."""
    try:
        return get(sight.document, sight.contract.profile.batch.pointer)
    except PointerNotFound:
        return None


def _event_types(sight: RequestView) -> list[Json]:
    return sight.values_at(sight.contract.profile.pointers.type) if IS_BATCH(sight) else []


def _has_more_events_than(count: int) -> RequestPredicate:
    return lambda sight: IS_BATCH(sight) and len(sight.events) > count


def _has_field_in_an_event(name: str) -> RequestPredicate:
    """Holds for a batch one of whose events has a field that the profile points at."""
    return lambda sight: IS_BATCH(sight) and bool(sight.values_at(getattr(sight.contract.profile.pointers, name)))


def _has_shared_field(sight: RequestView) -> bool:
    """Whether a field stands beside a batch's list that all its events share."""
    shared_pointers = sight.contract.profile.batch.shared
    return IS_BATCH(sight) and any(has(sight.document, pointer) for pointer in shared_pointers)


def _has_own_context(sight: RequestView) -> bool:
    """Whether one of two events has a context of its own."""
    return len(sight.events) == 2 and len(sight.values_at(sight.contract.profile.pointers.context)) == 1


def _has_own_and_shared_context(sight: RequestView) -> bool:
    return _has_field_in_an_event("context")(sight) and _has_shared_field(sight)


def _has_mixed_types_and_integrations(sight: RequestView) -> bool:
    """Whether a batch has events of many types, some of which choose their destinations."""
    integrations = [value for value in sight.values_at(sight.contract.profile.pointers.integrations) if value]
    return len(set(map(str, _event_types(sight)))) > 2 and any(value != {"All": True} for value in integrations)


def _is_partly_identified(sight: RequestView) -> bool:
    """Whether one event of a batch names a user, and another does not."""
    if not IS_BATCH(sight):
        return False
    name = str(sight.decision.operation.event_type if sight.decision.operation else "")
    are_identified = [sight.contract.has_identity(name, event) for event in sight.events]
    return any(are_identified) and not all(are_identified)


def _has_valid_first_type(sight: RequestView) -> bool:
    pointer = sight.contract.profile.pointers.type or ""
    first_type = _value_at(sight.events[0], pointer) if sight.events else None
    return isinstance(first_type, str) and first_type in sight.contract.profile.events


def _value_at(document: Json, pointer: str) -> Json:
    """What a pointer points at; None if there is nothing."""
    try:
        return get(document, pointer)
    except PointerNotFound:
        return None


def _has_undocumented_type(sight: RequestView) -> bool:
    return bool(set(map(str, _event_types(sight))) - set(sight.contract.batch_types()))


def _allows_undocumented_types(contract: Contract) -> bool:
    return _HAS_BATCHES(contract) and bool(set(contract.profile.events) - set(contract.batch_types()))


FAULTS = (
    Fault(
        "batch-list-unchecked",
        "Answers 200 to a batch without its list.",
        "nothing in it, nothing wrong",
        "batch.list.missing",
        accept_refused(_MISSING),
        requires_refusals(_MISSING),
    ),
    Fault(
        "batch-list-of-any-type",
        "Takes anything for a batch's list.",
        "what is no list has no events to refuse",
        "batch.list.object batch.list.string batch.list.number batch.list.null",
        accept_refused(_NOT_ARRAY),
        requires_refusals(_NOT_ARRAY),
    ),
    Fault(
        "batch-list-422",
        "Answers 422 where a batch's list is none.",
        "validators do",
        "batch.list.object batch.list.string batch.list.number batch.list.null",
        change_refusal_status(422, _NOT_ARRAY),
        _HAS_BATCHES,
    ),
    Fault(
        "batch-list-crash",
        "Fails where a batch's list is none.",
        "a number can't be walked through",
        "batch.list.number batch.list.null errors.status.batch",
        crash_on(_NOT_ARRAY, when=lambda sight: not isinstance(_list_value(sight), dict | str)),
        _HAS_BATCHES,
    ),
    Fault(
        "batch-missing-crash",
        "Fails on a batch without its list.",
        "a key that is not there",
        "batch.list.missing errors.status.batch",
        crash_on(_MISSING),
        _HAS_BATCHES,
    ),
    Fault(
        "empty-batch-crash",
        "Fails on an empty batch.",
        "the first of no events",
        "batch.list.empty errors.status.batch",
        crash_on(when=lambda sight: IS_BATCH(sight) and _list_value(sight) == []),
        _HAS_BATCHES,
    ),
    Fault(
        "empty-batch-404",
        "Answers an empty batch with 404.",
        "nothing was found in it",
        "batch.list.empty",
        change_refusal_status(404, _EMPTY),
        requires_facts(_EMPTY),
    ),
    Fault(
        "non-events-accepted",
        "Skips what is no event in a batch.",
        "it is lost in silence",
        "batch.events.string batch.events.number batch.events.null batch.events.array",
        accept_refused(_NOT_OBJECT),
        requires_refusals(_NOT_OBJECT),
    ),
    Fault(
        "non-events-crash",
        "Fails on what is no event in a batch.",
        "null has no fields",
        "batch.events.null batch.events.string batch.events.number batch.events.array errors.status.batch",
        crash_on(_NOT_OBJECT),
        _HAS_BATCHES,
    ),
    Fault(
        "types-unchecked",
        "Takes events of any type, and of none.",
        "they end where nobody looks",
        "batch.type.missing batch.type.unknown batch.type.missing-second batch.type.unknown-second",
        accept_refused(_UNTYPED, _UNKNOWN),
        requires_refusals(_UNTYPED, _UNKNOWN),
    ),
    Fault(
        "first-type-checked",
        "Looks at the type of the first event alone.",
        "the rest is taken for the same",
        "batch.type.missing-second batch.type.unknown-second",
        accept_refused(_UNTYPED, _UNKNOWN, when=_has_valid_first_type),
        requires_refusals(_UNTYPED, _UNKNOWN),
    ),
    Fault(
        "unknown-type-crash",
        "Fails on an event of an unknown type.",
        "a table of handlers has no such key",
        "batch.type.unknown batch.type.unknown-second batch.type.missing batch.type.missing-second "
        "errors.status.batch robustness.types.common",
        crash_on(_UNKNOWN, _UNTYPED),
        _HAS_BATCHES,
    ),
    Fault(
        "groups-refused-in-batches",
        "Does not take batches of group calls.",
        "one type of many is forgotten",
        "batch.types.each",
        refuse_accepted(lambda sight: set(map(str, _event_types(sight))) == {"group"}),
        _HAS_BATCHES,
    ),
    Fault(
        "mixed-batches-refused",
        "Wants events with integrations to be of the same type.",
        "one table a batch",
        "batch.types.mixed",
        refuse_accepted(_has_mixed_types_and_integrations),
        _HAS_BATCHES,
    ),
    Fault(
        "undocumented-types-refused",
        "Refuses types that the documents do not list for batches.",
        "clients send them there all the same",
        "batch.types.undocumented",
        refuse_accepted(_has_undocumented_type),
        _allows_undocumented_types,
    ),
    Fault(
        "batches-of-one-refused",
        "Refuses a batch of one event.",
        "there are other paths for that",
        "batch.count.one accept.event.minimal",
        refuse_accepted(lambda sight: IS_BATCH(sight) and len(sight.events) == 1),
        _HAS_BATCHES,
        collateral_reason="a batch of one event is what every check of batches begins with",
    ),
    Fault(
        "hundred-events-at-most",
        "Refuses a batch of more than a hundred events.",
        "other vendors count events; here the documents limit bytes",
        "batch.count.many",
        refuse_accepted(_has_more_events_than(100)),
        _HAS_BATCHES,
    ),
    Fault(
        "events-uncounted",
        "Takes a batch of more events than documented.",
        "a limit that is only in the documents",
        "batch.count.over",
        accept_refused(MAX_EVENTS_FACT),
        requires_facts(MAX_EVENTS_FACT),
    ),
    Fault(
        "events-counted-early",
        "Refuses a batch of as many events as documented.",
        "less than in place of at most",
        "batch.count.most",
        refuse_accepted(lambda sight: _has_more_events_than(sight.contract.max_events - 1)(sight)),
        requires_facts(MAX_EVENTS_FACT),
    ),
    Fault(
        "own-context-refused",
        "Refuses events of a batch with a context of their own.",
        "it is taken from beside",
        "batch.context.own",
        refuse_accepted(_has_own_context),
        _HAS_BATCHES,
    ),
    Fault(
        "shared-context-refused",
        "Refuses a batch with a context beside its list.",
        "strict envelopes",
        "batch.context.shared",
        refuse_accepted(_has_own_and_shared_context),
        lambda contract: _HAS_BATCHES(contract) and bool(contract.profile.batch.shared),
    ),
    Fault(
        "partly-bad-crash",
        "Fails on a batch of which one event is bad.",
        "half of it is stored by then",
        "batch.partly-bad.status",
        crash_on(when=_is_partly_identified),
        requires_facts(_PARTLY),
    ),
    Fault(
        "partly-bad-422",
        "Answers 422 to a batch of which one event is bad.",
        "SDKs drop or resend all of it",
        "batch.partly-bad.status",
        lambda sight: error_reply(sight, 422) if _is_partly_identified(sight) else None,
        requires_facts(_PARTLY),
    ),
    Fault(
        "partly-bad-as-success",
        "Answers a partly bad batch like a good one.",
        "what failed is never named",
        "batch.partly-bad.status",
        lambda sight: success_reply(sight) if refused_by(_PARTLY)(sight) else None,
        lambda contract: contract.has_fact("bodies.partly-bad"),
    ),
    Fault(
        "partly-bad-unnamed",
        "Names no error in the answer to a partly bad batch.",
        "a partial success is of use only with the list of what failed",
        "batch.partly-bad.body",
        edit_reply(lambda reply: replace(reply, body=b'{"Success": true}'), _PARTLY),
        requires_facts("bodies.partly-bad"),
    ),
)
