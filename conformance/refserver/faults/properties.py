"""Faults in what else an event may have: nested properties, a context, integrations, message ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.refserver.faults.fault import (
    Fault,
    requires_facts,
)
from conformance.refserver.faults.response_overrides import (
    IS_EVENT,
    crash_on,
    is_not_options,
    refuse_accepted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.core.model import Json
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView


def _message_id_matches(test: Callable[[Any], bool]) -> RequestPredicate:
    return lambda view: any(map(test, view.values_of("message_id")))


def _is_repeated_message_id(view: RequestView) -> bool:
    """Whether an event's message id came before; those of this one count from now on."""
    is_repeated = False
    for value in view.values_of("message_id") if is_not_options(view) else ():
        is_repeated |= view.memory[f"id {value}"] > 0 and "repeated" in str(value)
        view.memory[f"id {value}"] += 1
    return is_repeated


def _is_deeper_than(depth: int) -> RequestPredicate:
    """Holds for a document that is nested deeper than this, up to a depth that nobody means."""
    return lambda view: IS_EVENT(view) and depth < _depth(view.document) < 50


def _depth(value: Json, limit: int = 60) -> int:
    if limit == 0 or not isinstance(value, dict | list) or not value:
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(_depth(item, limit - 1) for item in inner)


def _open_objects(view: RequestView) -> list[Json]:
    """The free-form object of single events."""
    operation = view.decision.operation
    return (
        view.values_at(view.contract.event_type(operation.event_type).open_object)
        if operation and IS_EVENT(view)
        else []
    )


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _field_matches(name: str, test: Callable[[Json], bool]) -> RequestPredicate:
    """Holds for a single event where what the profile points at passes a test."""
    return lambda view: IS_EVENT(view) and any(map(test, view.values_of(name)))


def _open_object_is_optional(contract: Contract) -> bool:
    """Fits where the free-form object is not the one that names the user."""
    user = contract.profile.pointers.user
    return not any(
        user.startswith(f"{event.open_object}/") for event in contract.profile.events.values() if event.open_object
    )


FAULTS = (
    Fault(
        "deep-refused",
        "Refuses properties that are nested ten levels deep.",
        "tables have columns, not trees",
        "payload.properties.deep",
        refuse_accepted(_is_deeper_than(12)),
        key_words="nested refused",
    ),
    Fault(
        "wide-refused",
        "Refuses an object of more than a hundred keys.",
        "tables have so many columns",
        "payload.properties.wide",
        refuse_accepted(
            lambda view: (
                IS_EVENT(view) and any(isinstance(item, dict) and 100 < len(item) < 300 for item in view.all_values())
            )
        ),
        key_words="keys refused",
    ),
    Fault(
        "lists-refused",
        "Refuses lists among the properties.",
        "tables have no columns for them",
        "payload.properties.lists",
        refuse_accepted(
            lambda view: any("conformance_lists" in item for item in _open_objects(view) if isinstance(item, dict))
        ),
        key_words="lists refused",
    ),
    Fault(
        "numbers-crash",
        "Fails on numbers that are no decimal of its database.",
        "1.5e300 overflows",
        "payload.properties.numbers",
        crash_on(when=lambda view: any(value == 1.5e300 for value in view.all_values())),
        key_words="numbers 500",
    ),
    Fault(
        "empty-properties-refused",
        "Refuses empty properties.",
        "SDKs send them when the caller gives none",
        "payload.properties.empty",
        refuse_accepted(lambda view: any(item == {} for item in _open_objects(view))),
        _open_object_is_optional,
        key_words="empty properties",
    ),
    Fault(
        "empty-context-refused",
        "Refuses an empty context.",
        "nothing in it is what was required",
        "payload.context.documented",
        refuse_accepted(_field_matches("context", lambda value: value == {})),
        key_words="empty context",
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
        key_words="integrations options",
    ),
    Fault(
        "message-id-uuid-sized",
        "Refuses message ids that are longer than a UUID.",
        "columns of 36 characters",
        "payload.message-id.longest",
        refuse_accepted(_message_id_matches(lambda value: isinstance(value, str) and 60 < len(value) < 100)),
        requires_facts("message_id"),
        key_words="message id refused",
    ),
    Fault(
        "message-id-limited",
        "Refuses message ids of 100 characters and more.",
        "not documented, but users want to know",
        "payload.message-id.longer",
        refuse_accepted(_message_id_matches(lambda value: isinstance(value, str) and len(value) >= 100)),
        key_words="message id",
    ),
    Fault(
        "message-id-text-only",
        "Refuses message ids that are numbers.",
        "not documented, but users want to know",
        "payload.message-id.number",
        refuse_accepted(_message_id_matches(_is_integer)),
        key_words="message id",
    ),
    Fault(
        "repeat-refused",
        "Refuses a message id that came before.",
        "a client that got no answer sends again, and gets an error",
        "payload.message-id.repeated",
        refuse_accepted(_is_repeated_message_id, 409),
        key_words="same event again",
    ),
    Fault(
        "repeat-crash",
        "Fails on a message id that came before.",
        "a key of a table that must be unique",
        "payload.message-id.repeated",
        crash_on(when=_is_repeated_message_id),
        key_words="again 500",
    ),
)
