"""Faults in what else a batch may carry: mixed types, many events, contexts, one bad event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.pointers import has
from conformance.core.statuses import MULTIPLE_CHOICES
from conformance.profile.facts import MAX_EVENTS_FACT, Condition
from conformance.refserver.faults.fault import HAS_BATCHES, Fault, all_of, requires_facts, requires_refusals
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    accept_refused,
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
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView


_IDENTITY = f"answers.{Condition.IDENTITY_MISSING}"
_PARTLY = f"answers.{Condition.BATCH_PARTLY_BAD}"


def _event_types(view: RequestView) -> list[Json]:
    return view.values_of("type") if IS_BATCH(view) else []


def _has_more_events_than(count: int) -> RequestPredicate:
    return lambda view: IS_BATCH(view) and len(view.events) > count


def _has_field_in_an_event(name: str) -> RequestPredicate:
    """Holds for a batch one of whose events has a field that the profile points at."""
    return lambda view: IS_BATCH(view) and bool(view.values_of(name))


def _has_shared_field(view: RequestView) -> bool:
    """Whether a field stands beside a batch's list that all its events share."""
    shared_pointers = view.contract.profile.batch.shared
    return IS_BATCH(view) and any(has(view.document, pointer) for pointer in shared_pointers)


def _has_own_context(view: RequestView) -> bool:
    """Whether one of two events has a context of its own."""
    return len(view.events) == 2 and len(view.values_of("context")) == 1


def _has_own_and_shared_context(view: RequestView) -> bool:
    return _has_field_in_an_event("context")(view) and _has_shared_field(view)


def _has_mixed_types_and_integrations(view: RequestView) -> bool:
    """Whether a batch has events of many types, some of which choose their destinations."""
    integrations = [value for value in view.values_of("integrations") if value]
    return len(set(map(str, _event_types(view)))) > 2 and any(value != {"All": True} for value in integrations)


def _is_partly_identified(view: RequestView) -> bool:
    """Whether one event of a batch names a user, and another does not."""
    if not IS_BATCH(view):
        return False
    name = str(view.decision.operation.event_type if view.decision.operation else "")
    are_identified = [view.contract.has_identity(name, event) for event in view.events]
    return any(are_identified) and not all(are_identified)


def _has_undocumented_type(view: RequestView) -> bool:
    return bool(set(map(str, _event_types(view))) - set(view.contract.batch_types()))


def _allows_undocumented_types(contract: Contract) -> bool:
    return HAS_BATCHES(contract) and bool(set(contract.profile.events) - set(contract.batch_types()))


def _is_nameless_batch(view: RequestView) -> bool:
    """Whether it is a batch of several events of which none names a user."""
    named = [view.contract.has_identity(str(event.get("type")), event) for event in view.events if "type" in event]
    return IS_BATCH(view) and len(named) > 1 and not any(named)


def _names_users(view: RequestView) -> bool:
    """Whether every event of a batch has its type and names a user."""
    names = [str(event.get("type", "")) for event in view.events]
    return IS_BATCH(view) and all(
        name and view.contract.has_identity(name, event) for name, event in zip(names, view.events, strict=True)
    )


def _requires_fields(contract: Contract) -> bool:
    """Holds for contracts with a required field whose absence is always refused."""
    answers = [answer for event in contract.profile.events.values() for answer in event.required.values()]
    return any(min(answer.statuses) >= MULTIPLE_CHOICES for answer in answers)


FAULTS = (
    Fault(
        "ids-unchecked-in-batches",
        "Accepts batches of nothing but events that name no user, though it refuses one such event.",
        "a second route is added, and its check forgotten",
        "batch.identity.all-missing",
        accept_refused(_IDENTITY, when=IS_BATCH),
        all_of(HAS_BATCHES, requires_refusals(_IDENTITY)),
        extra_operations=("track",),
        key_words="batch no user accepted",
    ),
    Fault(
        "required-unchecked-in-batches",
        "Accepts an event of a batch without its required fields, though it refuses such an event alone.",
        "the schemas are those of the paths",
        "batch.partly-bad.required",
        lambda view: success_reply(view) if view.refusal_fact == _PARTLY and _names_users(view) else None,
        all_of(requires_facts(_PARTLY), _requires_fields),
        extra_operations=("track",),
        key_words="batch accepted",
    ),
    Fault(
        "nobodies-crash",
        "Fails on a batch of which no event names a user.",
        "the first good event is looked up",
        "errors.status.batch batch.identity.all-missing",
        crash_on(_IDENTITY, when=_is_nameless_batch),
        all_of(HAS_BATCHES, requires_refusals(_IDENTITY)),
        key_words="batch no user 500",
    ),
    Fault(
        "groups-refused-in-batches",
        "Does not take batches of group calls.",
        "one type of many is forgotten",
        "batch.types.each",
        refuse_accepted(lambda view: set(map(str, _event_types(view))) == {"group"}),
        HAS_BATCHES,
        key_words="batch group refused",
    ),
    Fault(
        "mixed-batches-refused",
        "Wants events with integrations to be of the same type.",
        "one table a batch",
        "batch.types.mixed",
        refuse_accepted(_has_mixed_types_and_integrations),
        HAS_BATCHES,
        key_words="batch types refused",
    ),
    Fault(
        "undocumented-types-refused",
        "Refuses types that the documents do not list for batches.",
        "clients send them there all the same",
        "batch.types.undocumented",
        refuse_accepted(_has_undocumented_type),
        _allows_undocumented_types,
        key_words="batch alias refused",
    ),
    Fault(
        "batches-of-one-refused",
        "Refuses a batch of one event.",
        "there are other paths for that",
        "batch.count.one accept.event.minimal",
        refuse_accepted(lambda view: IS_BATCH(view) and len(view.events) == 1),
        HAS_BATCHES,
        collateral_reason="a batch of one event is what every check of batches begins with",
        key_words="batch of one",
    ),
    Fault(
        "hundred-events-at-most",
        "Refuses a batch of more than a hundred events.",
        "other vendors count events; here the documents limit bytes",
        "batch.count.many",
        refuse_accepted(_has_more_events_than(100)),
        HAS_BATCHES,
        key_words="batch of 101 events refused",
    ),
    Fault(
        "events-uncounted",
        "Takes a batch of more events than documented.",
        "a limit that is only in the documents",
        "batch.count.over",
        accept_refused(MAX_EVENTS_FACT),
        requires_facts(MAX_EVENTS_FACT),
        key_words="batch of events accepted",
    ),
    Fault(
        "events-counted-early",
        "Refuses a batch of as many events as documented.",
        "less than in place of at most",
        "batch.count.most",
        refuse_accepted(lambda view: _has_more_events_than(view.contract.max_events - 1)(view)),
        requires_facts(MAX_EVENTS_FACT),
        key_words="batch of events refused",
    ),
    Fault(
        "own-context-refused",
        "Refuses events of a batch with a context of their own.",
        "it is taken from beside",
        "batch.context.own",
        refuse_accepted(_has_own_context),
        HAS_BATCHES,
        key_words="batch event /context",
    ),
    Fault(
        "shared-context-refused",
        "Refuses a batch with a context beside its list.",
        "strict envelopes",
        "batch.context.shared",
        refuse_accepted(_has_own_and_shared_context),
        lambda contract: HAS_BATCHES(contract) and bool(contract.profile.batch.shared),
        key_words="batch /context beside",
    ),
    Fault(
        "partly-bad-crash",
        "Fails on a batch of which one event is bad.",
        "half of it is stored by then",
        "batch.partly-bad.status",
        crash_on(when=_is_partly_identified),
        requires_facts(_PARTLY),
        key_words="batch no user 500",
    ),
    Fault(
        "partly-bad-422",
        "Answers 422 to a batch of which one event is bad.",
        "SDKs drop or resend all of it",
        "batch.partly-bad.status",
        lambda view: error_reply(view, 422) if _is_partly_identified(view) else None,
        requires_facts(_PARTLY),
        key_words="batch no user 422",
    ),
    Fault(
        "partly-bad-as-success",
        "Answers a partly bad batch like a good one.",
        "what failed is never named",
        "batch.partly-bad.status",
        lambda view: success_reply(view) if refused_by(_PARTLY)(view) else None,
        lambda contract: contract.has_fact("bodies.partly-bad"),
        key_words="batch one event no user accepted",
    ),
    Fault(
        "partly-bad-unnamed",
        "Names no error in the answer to a partly bad batch.",
        "a partial success is of use only with the list of what failed",
        "batch.partly-bad.body",
        edit_reply(lambda reply: replace(reply, body=b'{"Success": true}'), _PARTLY),
        requires_facts("bodies.partly-bad"),
        key_words="batch no user Errors",
    ),
)
