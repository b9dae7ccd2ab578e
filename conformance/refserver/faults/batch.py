"""Faults in the list of a batch and in the events and types that it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.pointers import PointerNotFound, get
from conformance.profile.facts import Condition
from conformance.refserver.faults.fault import HAS_BATCHES, Fault, requires_facts, requires_refusals
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    accept_refused,
    change_refusal_status,
    crash_on,
)

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.refserver.server_change import RequestView


_MISSING, _NOT_ARRAY, _NOT_OBJECT, _UNTYPED, _UNKNOWN, _EMPTY = (
    f"answers.{condition}"
    for condition in (
        Condition.BATCH_MISSING,
        Condition.BATCH_NOT_ARRAY,
        Condition.BATCH_EVENT_NOT_OBJECT,
        Condition.BATCH_TYPE_MISSING,
        Condition.BATCH_TYPE_UNKNOWN,
        Condition.BATCH_EMPTY,
    )
)


def _list_value(view: RequestView) -> Json:
    """What stands in place of a batch's list."""
    try:
        return get(view.document, view.contract.profile.batch.pointer)
    except PointerNotFound:
        return None


def _has_valid_first_type(view: RequestView) -> bool:
    pointer = view.contract.profile.pointers.type or ""
    first_type = _value_at(view.events[0], pointer) if view.events else None
    return isinstance(first_type, str) and first_type in view.contract.profile.events


def _value_at(document: Json, pointer: str) -> Json:
    """What a pointer points at; None if there is nothing."""
    try:
        return get(document, pointer)
    except PointerNotFound:
        return None


FAULTS = (
    Fault(
        "batch-list-unchecked",
        "Answers 200 to a batch without its list.",
        "nothing in it, nothing wrong",
        "batch.list.missing",
        accept_refused(_MISSING),
        requires_refusals(_MISSING),
        key_words="batch without its list",
    ),
    Fault(
        "batch-list-of-any-type",
        "Takes anything for a batch's list.",
        "what is no list has no events to refuse",
        "batch.list.object batch.list.string batch.list.number batch.list.null",
        accept_refused(_NOT_ARRAY),
        requires_refusals(_NOT_ARRAY),
        key_words="batch list accepted",
    ),
    Fault(
        "batch-list-of-one",
        "Takes an event in place of a batch's list for a list of one.",
        "libraries wrap a single value into a list",
        "batch.list.object",
        accept_refused(_NOT_ARRAY, when=lambda view: isinstance(_list_value(view), dict) and bool(_list_value(view))),
        requires_refusals(_NOT_ARRAY),
        key_words="batch list object",
    ),
    Fault(
        "batch-list-422",
        "Answers 422 where a batch's list is none.",
        "validators do",
        "batch.list.object batch.list.string batch.list.number batch.list.null",
        change_refusal_status(422, _NOT_ARRAY),
        HAS_BATCHES,
        key_words="batch list 422",
    ),
    Fault(
        "batch-list-crash",
        "Fails where a batch's list is none.",
        "a number can't be walked through",
        "batch.list.number batch.list.null errors.status.batch",
        crash_on(_NOT_ARRAY, when=lambda view: not isinstance(_list_value(view), dict | str)),
        HAS_BATCHES,
        key_words="batch list 500",
    ),
    Fault(
        "batch-missing-crash",
        "Fails on a batch without its list.",
        "a key that is not there",
        "batch.list.missing errors.status.batch",
        crash_on(_MISSING),
        HAS_BATCHES,
        key_words="batch without its list 500",
    ),
    Fault(
        "empty-batch-crash",
        "Fails on an empty batch.",
        "the first of no events",
        "batch.list.empty errors.status.batch",
        crash_on(when=lambda view: IS_BATCH(view) and _list_value(view) == []),
        HAS_BATCHES,
        key_words="empty batch 500",
    ),
    Fault(
        "empty-batch-404",
        "Answers an empty batch with 404.",
        "nothing was found in it",
        "batch.list.empty",
        change_refusal_status(404, _EMPTY),
        requires_facts(_EMPTY),
        key_words="empty batch 404",
    ),
    Fault(
        "non-events-accepted",
        "Skips what is no event in a batch.",
        "it is lost in silence",
        "batch.events.string batch.events.number batch.events.null batch.events.array",
        accept_refused(_NOT_OBJECT),
        requires_refusals(_NOT_OBJECT),
        key_words="batch null accepted",
    ),
    Fault(
        "non-events-crash",
        "Fails on what is no event in a batch.",
        "null has no fields",
        "batch.events.null batch.events.string batch.events.number batch.events.array errors.status.batch",
        crash_on(_NOT_OBJECT),
        HAS_BATCHES,
        key_words="batch among its events 500",
    ),
    Fault(
        "types-unchecked",
        "Takes events of any type, and of none.",
        "they end where nobody looks",
        "batch.type.missing batch.type.unknown batch.type.missing-second batch.type.unknown-second",
        accept_refused(_UNTYPED, _UNKNOWN),
        requires_refusals(_UNTYPED, _UNKNOWN),
        key_words="batch type accepted",
    ),
    Fault(
        "first-type-checked",
        "Looks at the type of the first event alone.",
        "the rest is taken for the same",
        "batch.type.missing-second batch.type.unknown-second",
        accept_refused(_UNTYPED, _UNKNOWN, when=_has_valid_first_type),
        requires_refusals(_UNTYPED, _UNKNOWN),
        key_words="second event type accepted",
    ),
    Fault(
        "unknown-type-crash",
        "Fails on an event of an unknown type.",
        "a table of handlers has no such key",
        "batch.type.unknown batch.type.unknown-second batch.type.missing batch.type.missing-second errors.status.batch",
        crash_on(_UNKNOWN, _UNTYPED),
        HAS_BATCHES,
        collateral_reason="a number is no known type, either",
        key_words="batch type 500",
    ),
)
