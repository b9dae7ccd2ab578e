"""Faults in what an event must contain, and in what it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.model import OperationKind
from conformance.core.pointers import has
from conformance.refserver.faults.fault import (
    Fault,
    requires_facts,
    requires_mandatory_field,
    requires_refusals,
    requires_sdk,
)
from conformance.refserver.faults.response_overrides import (
    IS_EVENT,
    accept_refused,
    change_refusal_status,
    crash_on,
    error_reply,
    is_not_options,
    refuse_accepted,
    success_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.core.model import Json
    from conformance.profile.facts import ExpectedResponse
    from conformance.refserver.fault_change import RequestView
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.replies import ServerReply

_IDENTITY, _REQUIRED = "answers.identity-missing", "events.*.required.*"


def _ids(sight: RequestView) -> list[Json]:
    """What a single event has as ids."""
    pointers = sight.contract.profile.pointers
    return [*sight.values_at(pointers.user), *sight.values_at(pointers.anonymous)] if IS_EVENT(sight) else []


def _all_ids(test: Callable[[Json], bool]) -> RequestPredicate:
    """Holds for a single event that has ids, all of which pass a test."""
    return lambda sight: bool(_ids(sight)) and all(map(test, _ids(sight)))


def _has_id_beside_real_one(value: Json) -> RequestPredicate:
    """Holds for a single event one of whose ids has a value, and the other is a text that says something."""
    return lambda sight: value in _ids(sight) and any(isinstance(item, str) and item for item in _ids(sight))


def _message_id_matches(test: Callable[[Any], bool]) -> RequestPredicate:
    return lambda sight: any(map(test, sight.values_at(sight.contract.profile.pointers.message_id)))


def _is_repeated_message_id(sight: RequestView) -> bool:
    """Whether an event's message id came before; those of this one count from now on."""
    is_repeated = False
    for value in sight.values_at(sight.contract.profile.pointers.message_id) if is_not_options(sight) else ():
        is_repeated |= sight.memory[f"id {value}"] > 0 and "repeated" in str(value)
        sight.memory[f"id {value}"] += 1
    return is_repeated


def _is_deeper_than(depth: int) -> RequestPredicate:
    """Holds for a document that is nested deeper than this, up to a depth that nobody means."""
    return lambda sight: IS_EVENT(sight) and depth < _depth(sight.document) < 50


def _depth(value: Json, limit: int = 60) -> int:
    if limit == 0 or not isinstance(value, dict | list) or not value:
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(_depth(item, limit - 1) for item in inner)


def _open_objects(sight: RequestView) -> list[Json]:
    """The free-form object of single events."""
    operation = sight.decision.operation
    return (
        sight.values_at(sight.contract.event_type(operation.event_type).open_object)
        if operation and IS_EVENT(sight)
        else []
    )


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _has_null_field(sight: RequestView) -> bool:
    """Whether a top-level field of an event is null."""
    return IS_EVENT(sight) and isinstance(sight.document, dict) and None in sight.document.values()


def _field_matches(name: str, test: Callable[[Json], bool]) -> RequestPredicate:
    """Holds for a single event where what the profile points at passes a test."""
    return lambda sight: (
        IS_EVENT(sight) and any(map(test, sight.values_at(getattr(sight.contract.profile.pointers, name))))
    )


def _has_empty_required_field(sight: RequestView) -> bool:
    """Whether a field that an event can't do without is there, and empty."""
    operation = sight.decision.operation
    required = sight.contract.event_type(operation.event_type).required if operation else {}
    return IS_EVENT(sight) and any(
        value in {None, ""} for pointer in required for value in _texts_or_nulls(sight, pointer)
    )


def _texts_or_nulls(sight: RequestView, pointer: str) -> list[str | None]:
    return [value for value in sight.values_at(pointer) if value is None or isinstance(value, str)]


def _allows_either(answer: ExpectedResponse) -> bool:
    """Whether both a success and a refusal are right."""
    return min(answer.statuses) < 300 <= max(answer.statuses)


def _lacks_disputed_field(sight: RequestView) -> bool:
    """Whether an event lacks a field of which the sources disagree whether it is required."""
    operation = sight.decision.operation
    required = sight.contract.event_type(operation.event_type).required if operation and IS_EVENT(sight) else {}
    return any(not has(sight.document, pointer) for pointer, answer in required.items() if _allows_either(answer))


def _has_disputed_field(contract: Contract) -> bool:
    answers = [answer for event in contract.profile.events.values() for answer in event.required.values()]
    return any(map(_allows_either, answers))


def _refuses_missing_required(contract: Contract) -> bool:
    operation = next(item for item in contract.operations if item.kind is OperationKind.EVENT)
    return requires_mandatory_field(operation.event_type)(contract) and _open_object_is_optional(contract)


def _invert_for_empty_required(sight: RequestView) -> ServerReply | None:
    """Another answer than the correct one to a required field that is empty."""
    if not _has_empty_required_field(sight):
        return None
    return error_reply(sight, 400 if sight.is_accepted else 422)


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


def _invert_for_empty_ids(sight: RequestView) -> ServerReply | None:
    """Another answer than the correct one to ids that are empty."""
    if not _all_ids(lambda value: value == "")(sight):
        return None
    return error_reply(sight, 400) if sight.is_accepted else success_reply(sight)


FAULTS = (
    Fault(
        "identity-unchecked",
        "Takes events of nobody.",
        "they can't be attributed to anybody",
        "payload.identity.missing payload.identity.null",
        accept_refused(_IDENTITY, when=IS_EVENT),
        requires_refusals(_IDENTITY),
    ),
    Fault(
        "identity-422",
        "Answers an event of nobody with 422.",
        "validators do",
        "payload.identity.missing",
        change_refusal_status(422, _IDENTITY, when=IS_EVENT),
        requires_facts(_IDENTITY),
    ),
    Fault(
        "identity-crash",
        "Fails on an event of nobody.",
        "a key of a table is null",
        "payload.identity.missing payload.identity.null errors.status.payload robustness.types.main",
        crash_on(_IDENTITY, when=IS_EVENT),
        requires_facts(_IDENTITY),
    ),
    Fault(
        "null-identity-accepted",
        "Takes null for an id.",
        "the field is there",
        "payload.identity.null",
        accept_refused(_IDENTITY, when=_all_ids(lambda value: value is None)),
        requires_refusals(_IDENTITY),
    ),
    Fault(
        "null-identity-crash",
        "Fails on ids that are null.",
        "null has no length",
        "payload.identity.null robustness.types.main",
        crash_on(_IDENTITY, when=_all_ids(lambda value: value is None)),
        requires_facts(_IDENTITY),
    ),
    Fault(
        "empty-identity-otherwise",
        "Takes an empty text for an id, or refuses it.",
        "people want to know",
        "payload.identity.empty",
        _invert_for_empty_ids,
    ),
    Fault(
        "blank-identity-refused",
        "Trims ids, and refuses those of white space.",
        "people want to know",
        "payload.identity.blank",
        refuse_accepted(_all_ids(lambda value: isinstance(value, str) and bool(value) and not value.strip())),
    ),
    Fault(
        "both-ids-refused",
        "Refuses an event with both ids.",
        "one field for one id: signing in has both",
        "payload.identity.both accept.event.full",
        refuse_accepted(lambda sight: len([value for value in _ids(sight) if value]) > 1),
    ),
    Fault(
        "null-id-refused",
        "Refuses a null id beside a real one.",
        "official SDKs write what they don't have as null",
        "payload.identity.null-other",
        refuse_accepted(_has_id_beside_real_one(None)),
    ),
    Fault(
        "null-id-refused-in-batches",
        "Refuses a null id beside a real one in batches.",
        "official SDKs send exactly that",
        "sdk.*-python-*.accepted payload.identity.null-other",
        refuse_accepted(
            lambda sight: not IS_EVENT(sight) and None in sight.values_at(sight.contract.profile.pointers.anonymous)
        ),
        requires_sdk("*-python-*"),
        extra_operations=("batch",),
    ),
    Fault(
        "empty-id-refused",
        "Refuses an empty id beside a real one.",
        "people want to know",
        "payload.identity.empty-other",
        refuse_accepted(_has_id_beside_real_one("")),
    ),
    Fault(
        "nulls-refused",
        "Refuses optional fields that are null.",
        "serializers write what is not set as null",
        "payload.optional.null",
        refuse_accepted(_has_null_field),
    ),
    Fault(
        "required-unchecked",
        "Takes events without what they can't do without.",
        "a track without its event is of no use to anybody",
        "payload.required.missing",
        accept_refused(_REQUIRED, when=IS_EVENT),
        _refuses_missing_required,
    ),
    Fault(
        "required-422",
        "Answers 422 to events without what they can't do without.",
        "validators do",
        "payload.required.missing",
        change_refusal_status(422, _REQUIRED, when=IS_EVENT),
        _has_required_field,
    ),
    Fault(
        "required-crash",
        "Fails on events without what they can't do without.",
        "a field that is not there",
        "payload.required.missing errors.status.payload",
        crash_on(_REQUIRED, when=IS_EVENT),
        _refuses_missing_required,
    ),
    Fault(
        "group-unchecked",
        "Takes a group call without its group.",
        "one path of several",
        "payload.required.missing",
        accept_refused(_REQUIRED, when=lambda sight: sight.is_secondary_operation),
        requires_mandatory_field("group"),
        extra_operations=("group",),
    ),
    Fault(
        "previous-id-422",
        "Answers an alias without its previous id with 422.",
        "one path of several",
        "payload.required.missing",
        change_refusal_status(422, _REQUIRED, when=lambda sight: sight.is_secondary_operation),
        requires_mandatory_field("alias"),
        extra_operations=("alias",),
    ),
    Fault(
        "required-empty-refused",
        "Refuses required fields that are empty or null.",
        "people want to know",
        "payload.required.empty",
        _invert_for_empty_required,
    ),
    Fault(
        "name-needed",
        "Refuses events without what only one of two sources requires.",
        "people want to know",
        "payload.required.either",
        refuse_accepted(_lacks_disputed_field),
        _has_disputed_field,
        extra_operations=("page",),
    ),
    Fault(
        "deep-refused",
        "Refuses properties that are nested ten levels deep.",
        "tables have columns, not trees",
        "payload.properties.deep",
        refuse_accepted(_is_deeper_than(12)),
    ),
    Fault(
        "wide-refused",
        "Refuses an object of more than a hundred keys.",
        "tables have so many columns",
        "payload.properties.wide",
        refuse_accepted(
            lambda sight: (
                IS_EVENT(sight) and any(isinstance(item, dict) and 100 < len(item) < 300 for item in sight.all_values())
            )
        ),
    ),
    Fault(
        "lists-refused",
        "Refuses lists among the properties.",
        "tables have no columns for them",
        "payload.properties.lists",
        refuse_accepted(
            lambda sight: any("conformance_lists" in item for item in _open_objects(sight) if isinstance(item, dict))
        ),
    ),
    Fault(
        "numbers-crash",
        "Fails on numbers that are no decimal of its database.",
        "1.5e300 overflows",
        "payload.properties.numbers",
        crash_on(when=lambda sight: any(value == 1.5e300 for value in sight.all_values())),
    ),
    Fault(
        "empty-properties-refused",
        "Refuses empty properties.",
        "SDKs send them when the caller gives none",
        "payload.properties.empty",
        refuse_accepted(lambda sight: any(item == {} for item in _open_objects(sight))),
        _open_object_is_optional,
    ),
    Fault(
        "empty-context-refused",
        "Refuses an empty context.",
        "nothing in it is what was required",
        "payload.context.documented",
        refuse_accepted(_field_matches("context", lambda value: value == {})),
    ),
    Fault(
        "integration-options-refused",
        "Takes integrations as switches alone.",
        "options are documented, too",
        "payload.integrations.documented",
        refuse_accepted(
            _field_matches(
                "integrations",
                lambda value: isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()),
            )
        ),
    ),
    Fault(
        "message-id-uuid-sized",
        "Refuses message ids that are longer than a UUID.",
        "columns of 36 characters",
        "payload.message-id.longest",
        refuse_accepted(_message_id_matches(lambda value: isinstance(value, str) and 60 < len(value) < 100)),
        requires_facts("message_id"),
    ),
    Fault(
        "message-id-limited",
        "Refuses message ids of 100 characters and more.",
        "people want to know",
        "payload.message-id.longer",
        refuse_accepted(_message_id_matches(lambda value: isinstance(value, str) and len(value) >= 100)),
    ),
    Fault(
        "message-id-text-only",
        "Refuses message ids that are numbers.",
        "people want to know",
        "payload.message-id.number",
        refuse_accepted(_message_id_matches(_is_integer)),
    ),
    Fault(
        "repeat-refused",
        "Refuses a message id that came before.",
        "a client that got no answer sends again, and is told that it did wrong",
        "payload.message-id.repeated",
        refuse_accepted(_is_repeated_message_id, 409),
    ),
    Fault(
        "repeat-crash",
        "Fails on a message id that came before.",
        "a key of a table that must be unique",
        "payload.message-id.repeated",
        crash_on(when=_is_repeated_message_id),
    ),
)
