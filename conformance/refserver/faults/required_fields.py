"""Faults in the fields of an event that are required, or null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.core.pointers import has
from conformance.refserver.faults.fault import (
    Fault,
    requires_mandatory_field,
)
from conformance.refserver.faults.response_overrides import (
    IS_EVENT,
    accept_refused,
    change_refusal_status,
    crash_on,
    error_reply,
    refuse_accepted,
)

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.profile.facts import ExpectedResponse
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView


_REQUIRED = "events.*.required.*"


def _has_null_field(view: RequestView) -> bool:
    """Whether a top-level field of an event is null."""
    return IS_EVENT(view) and isinstance(view.document, dict) and None in view.document.values()


def _has_empty_required_field(view: RequestView) -> bool:
    """Whether a field that an event can't do without is there, and empty."""
    operation = view.decision.operation
    required = view.contract.event_type(operation.event_type).required if operation else {}
    return IS_EVENT(view) and any(
        value in {None, ""} for pointer in required for value in _texts_or_nulls(view, pointer)
    )


def _texts_or_nulls(view: RequestView, pointer: str) -> list[str | None]:
    return [value for value in view.values_at(pointer) if value is None or isinstance(value, str)]


def _allows_either(answer: ExpectedResponse) -> bool:
    """Whether both a success and a refusal are right."""
    return min(answer.statuses) < 300 <= max(answer.statuses)


def _lacks_disputed_field(view: RequestView) -> bool:
    """Whether an event lacks a field of which the sources disagree whether it is required."""
    operation = view.decision.operation
    required = view.contract.event_type(operation.event_type).required if operation and IS_EVENT(view) else {}
    return any(not has(view.document, pointer) for pointer, answer in required.items() if _allows_either(answer))


def _has_disputed_field(contract: Contract) -> bool:
    answers = [answer for event in contract.profile.events.values() for answer in event.required.values()]
    return any(map(_allows_either, answers))


def _refuses_missing_required(contract: Contract) -> bool:
    operation = next(item for item in contract.operations if item.kind is OperationKind.EVENT)
    return requires_mandatory_field(operation.event_type)(contract) and _open_object_is_optional(contract)


def _invert_for_empty_required(view: RequestView) -> ServerReply | None:
    """Another answer than the correct one to a required field that is empty."""
    if not _has_empty_required_field(view):
        return None
    return error_reply(view, 400 if view.is_accepted else 422)


def _open_object_is_optional(contract: Contract) -> bool:
    """Fits where the free-form object is not the one that names the user."""
    user = contract.profile.pointers.user
    return not any(
        user.startswith(f"{event.open_object}/") for event in contract.profile.events.values() if event.open_object
    )


def _has_required_field(contract: Contract) -> bool:
    """Fits where single events can't do without a field that does not name the user."""
    operation = next(item for item in contract.operations if item.kind is OperationKind.EVENT)
    return bool(contract.event_type(operation.event_type).required) and _open_object_is_optional(contract)


FAULTS = (
    Fault(
        "nulls-refused",
        "Refuses optional fields that are null.",
        "serializers write what is not set as null",
        "payload.optional.null",
        refuse_accepted(_has_null_field),
        key_words="null refused",
    ),
    Fault(
        "required-unchecked",
        "Takes events without what they can't do without.",
        "a track without its event is of no use to anybody",
        "payload.required.missing",
        accept_refused(_REQUIRED, when=IS_EVENT),
        _refuses_missing_required,
        key_words="without accepted",
    ),
    Fault(
        "required-422",
        "Answers 422 to events without what they can't do without.",
        "validators do",
        "payload.required.missing",
        change_refusal_status(422, _REQUIRED, when=IS_EVENT),
        _has_required_field,
        key_words="without 422",
    ),
    Fault(
        "required-crash",
        "Fails on events without what they can't do without.",
        "a field that is not there",
        "payload.required.missing errors.status.payload",
        crash_on(_REQUIRED, when=IS_EVENT),
        _refuses_missing_required,
        key_words="without 500",
    ),
    Fault(
        "group-unchecked",
        "Takes a group call without its group.",
        "one path of several",
        "payload.required.missing",
        accept_refused(_REQUIRED, when=lambda view: view.is_secondary_operation),
        requires_mandatory_field("group"),
        extra_operations=("group",),
        key_words="groupId accepted",
    ),
    Fault(
        "previous-id-422",
        "Answers an alias without its previous id with 422.",
        "one path of several",
        "payload.required.missing",
        change_refusal_status(422, _REQUIRED, when=lambda view: view.is_secondary_operation),
        requires_mandatory_field("alias"),
        extra_operations=("alias",),
        key_words="422",
    ),
    Fault(
        "required-empty-refused",
        "Refuses required fields that are empty or null.",
        "not documented, but users want to know",
        "payload.required.empty",
        _invert_for_empty_required,
        key_words="empty",
    ),
    Fault(
        "name-needed",
        "Refuses events without what only one of two sources requires.",
        "not documented, but users want to know",
        "payload.required.either",
        refuse_accepted(_lacks_disputed_field),
        _has_disputed_field,
        extra_operations=("page",),
        key_words="name",
    ),
)
