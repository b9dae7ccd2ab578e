"""Fields: where an event has its ids, its free-form properties and the fields that a profile names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

_ID_NAMES = {"user": "a userId", "anonymous": "an anonymousId"}


def free_form_pointer(call: Call, name: str) -> str:
    """The pointer to a free-form property, which may have any value."""
    return f"{call.event_type.open_object or ''}/{name}"


def identity_pointers(call: Call) -> dict[str, str]:
    """The pointers to the ids of an event's user, by `user` and `anonymous`; at least one."""
    return dict(call.contract.identity_pointers(call.operation.event_type))


def identity_pointer(call: Call) -> str:
    """The pointer to the id that acceptable events have."""
    return next(iter(identity_pointers(call).values()))


def require_pointer(pointer: str | None, field_name: str) -> str:
    """A pointer of the profile. Raises NotApplicable if the profile has none for the field."""
    if pointer is None:
        raise NotApplicable(f"the profile does not say where {field_name} goes")
    return pointer


def request_with_ids(call: Call, **values: Json) -> Draft:
    """An event with these ids (`user`, `anonymous`) and no others. Raises NotApplicable if no document has them."""
    pointers = identity_pointers(call)
    for name in values:
        if name not in pointers:
            raise NotApplicable(f"no document gives {call.operation.event_type} {_ID_NAMES[name]}")
    draft = call.acceptable_request().without_fields(*pointers.values())
    for name, value in values.items():
        draft = draft.with_field(pointers[name], value)
    return draft


def request_with_every_id(call: Call, value: Json) -> Draft:
    """An event whose ids all have the same value."""
    return request_with_ids(call, **dict.fromkeys(identity_pointers(call), value))
