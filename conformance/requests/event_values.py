"""Values: what ids, times and properties of acceptable events may be, and odd values that must crash nothing.

Each form is one difference from an acceptable request.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import ID_PREFIX
from conformance.requests.edge_cases import request_with_json_text
from conformance.requests.fields import free_form_pointer, identity_pointer, request_with_ids, require_pointer
from conformance.requests.spellings import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Json
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

_PROPERTY = "conformance_value"
_LONG_NAME = 300


def _time(value: str) -> Form:
    def make(call: Call) -> Draft:
        pointer = require_pointer(call.contract.profile.pointers.timestamp, "a timestamp")
        return call.acceptable_request().with_field(pointer, value)

    return Form(f"the timestamp {value}", make)


def _user(description: str, value: str) -> Form:
    return Form(
        description, lambda call: call.acceptable_request().with_field(identity_pointer(call), f"{ID_PREFIX}{value}")
    )


def _property(description: str, value: Json, name: str = _PROPERTY) -> Form:
    def make(call: Call) -> Draft:
        pointer = free_form_pointer(call, name)
        if pointer in astuple(call.contract.profile.pointers):
            raise NotApplicable(f"{pointer} is a field of its own in this dialect")
        return call.acceptable_request().with_field(pointer, value)

    return Form(description, make)


def _name(name: str) -> Form:
    return _property(f"a property named {name}", 1, name)


TIMES = (
    _time("2107-02-08T06:28:16.000Z"),
    _time("2262-04-12T00:00:00.000Z"),
    _time("1969-12-31T23:59:59.999Z"),
    _time("1900-01-01T00:00:00.000Z"),
)
"""Times as wrong clocks have them, all in the form that every document asks for."""

IDS = (
    _user("a user id with @ and +", "+tag@shop.example"),
    _user("a user id with spaces", " user of ours"),
    _user("a user id in another script", "-пользователь-用户"),
    _user("a user id with punctuation", ":/?#[]!$&'()*,;=%20{}|^~`<>"),
    _user("a user id of 100 characters", "u" * 88),
    Form(
        "a user id of digits",
        lambda call: call.with_run_tag(call.acceptable_request().with_field(identity_pointer(call), "1234")),
    ),
    Form("an anonymousId alone", lambda call: request_with_ids(call, anonymous="conformance-anonymous")),
)  # fmt: skip

PROPERTIES = (
    _property("a property that is null", None),
    _property("a property that is true", True),  # noqa: FBT003 - a value of JSON
    _property("a property that is an empty text", ""),
    _property("a property that is an empty list", []),
    _property("a property that is an empty object", {}),
    _property("a property that is a list of texts and numbers", ["a", 1, None, False]),
    _property("a property that is a list of lists", [[1, 2], [[3], []]]),
    _property("a property that is a list of objects", [{"sku": "a", "price": 9.99}, {"sku": "b", "tags": ["x"]}]),
    _property("a property that is the integer 9007199254740991", 9_007_199_254_740_991),
    _name("constructor"),
    _name("$set"),
    _name("$ref"),
    _name("a.b.c"),
    _name("_id"),
    _name("名前"),
    _name("type"),
)
"""Free-form properties that JSON and the documents allow; no server has a reason to refuse any."""

ODD_IDS: tuple[tuple[str, Json], ...] = (
    ("a number", 7), ("zero", 0), ("false", False), ("an empty text", ""), ("null", None), ("a list", ["conformance"]),
    ("an object", {"id": "conformance"}),
)  # fmt: skip


def odd_ids(call: Call) -> Iterator[tuple[str, Draft]]:
    """Ids of the user that are no texts."""
    for description, value in ODD_IDS:
        yield f"{description} as user id", call.acceptable_request().with_field(identity_pointer(call), value)


def odd_message_ids(call: Call) -> Iterator[tuple[str, Draft]]:
    """Message ids that are no texts."""
    pointer = require_pointer(call.contract.profile.pointers.message_id, "a message id")
    for description, value in ODD_IDS:
        yield f"{description} as message id", call.acceptable_request().with_field(pointer, value)


def odd_properties(call: Call) -> Iterator[tuple[str, Draft]]:
    """Properties that some parsers refuse, as they may, and that must crash none."""
    where = free_form_pointer(call, _PROPERTY)
    for text in ("9007199254740993", "1e400", "-0", "12345678901234567890.123456789"):
        yield f"the number {text}", request_with_json_text(call, where, text)
    names = ("__proto__", "", ".", "$", "a" * _LONG_NAME)
    for name in names:
        value: Json = {"polluted": True} if name == "__proto__" else 1
        title = f"{len(name)} characters" if len(name) > 20 else repr(name)
        yield f"a property named {title}", call.acceptable_request().with_field(free_form_pointer(call, name), value)
    yield (
        "a constructor with a prototype among the properties",
        call.acceptable_request().with_field(free_form_pointer(call, "constructor"), {"prototype": {"polluted": True}}),
    )
    time = call.contract.profile.pointers.timestamp
    for value in ("", "2024-13-45", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "1700000000"):
        if time is not None:
            yield f"the timestamp {value!r}", call.acceptable_request().with_field(time, value)


def same_message_id(call: Call, number: str) -> tuple[Draft, Draft]:
    """An event with a message id, and another one with the same."""
    pointer = require_pointer(call.contract.profile.pointers.message_id, "a message id")
    draft = call.acceptable_request().with_field(pointer, f"{ID_PREFIX}-same-{number}-{call.operation.path[1:]}")
    return draft, draft


def batch_of_one_message_id(call: Call) -> Draft:
    """A batch of two events that have the same message id."""
    pointer = require_pointer(call.contract.profile.pointers.message_id, "a message id")
    first, second = (call.baseline_event(call.operation.event_type) for _ in range(2))
    same = f"{ID_PREFIX}-same-in-batch"
    return call.acceptable_request().with_events(
        pointers.put(first, pointer, same), pointers.put(second, pointer, same)
    )
