"""Invalid cases: requests that differ from an acceptable one by a single, unacceptable change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Parameter
from conformance.profile.facts import Condition
from conformance.requests.credentials import encode_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Json, JsonObject
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft


@dataclass(frozen=True, slots=True)
class InvalidCase(Parameter):
    """A way to make a request invalid, with the condition that says how it is answered."""

    condition: Condition
    make_draft: Callable[[Call], Draft]

    @property
    def fact(self) -> str:
        """The fact that states the answer."""
        return f"answers.{self.condition}"


def oversized_request(call: Call) -> Draft:
    """A body of the smallest size that must be refused."""
    limit = call.contract.body_size_limit(call.operation)
    size = limit.smallest_refused
    return call.request_with_room_for(size).with_body_size(size, size_unit=limit.unit)


def _edited_json(edit: Callable[[bytes], bytes]) -> Callable[[Call], Draft]:
    """An acceptable request with the bytes of its JSON changed."""
    return lambda call: call.acceptable_request().with_json_bytes(edit)


def _other_body(body: bytes) -> Callable[[Call], Draft]:
    """An acceptable request with another body."""
    return lambda call: call.acceptable_request().with_body_bytes(body)


def _last_value(value: bytes) -> Callable[[Call], Draft]:
    """A request whose JSON ends with a field of this value."""
    return _edited_json(lambda body: body[:-1] + b',"conformance_word":' + value + b"}")


def _invalid_json(slug: str, description: str, make_draft: Callable[[Call], Draft]) -> InvalidCase:
    return InvalidCase(slug, description, Condition.JSON_INVALID, make_draft)


def _not_object(slug: str, description: str, make_draft: Callable[[Call], Draft]) -> InvalidCase:
    return InvalidCase(slug, description, Condition.JSON_NOT_OBJECT, make_draft)


TRUNCATED_JSON = _invalid_json("truncated", "a body that lacks its last byte", _edited_json(lambda body: body[:-1]))
EMPTY_BODY = _invalid_json("empty-body", "an empty body", _other_body(b""))
INVALID_JSON = (
    TRUNCATED_JSON,
    _invalid_json("half", "the first half of a body", _edited_json(lambda body: body[: len(body) // 2])),
    _invalid_json(
        "trailing-garbage", "a body with a word after its JSON", _edited_json(lambda body: body + b" conformance")
    ),
    _invalid_json("trailing-brace", "a body with an extra closing brace", _edited_json(lambda body: body + b"}")),
    _invalid_json(
        "second-value", "a body with a second JSON value after the first", _edited_json(lambda body: body + body)
    ),
    _invalid_json(
        "trailing-comma", "a body with a comma after its last field", _edited_json(lambda body: body[:-1] + b",}")
    ),
    _invalid_json(
        "single-quotes",
        "a body with single quotes in place of double quotes",
        _edited_json(lambda body: body.replace(b'"', b"'")),
    ),
    _invalid_json("unquoted-word", "a field with an unquoted word as its value", _last_value(b"True")),
    _invalid_json("nan", "a field with NaN as its value", _last_value(b"NaN")),
    _invalid_json("infinity", "a field with Infinity as its value", _last_value(b"Infinity")),
    _invalid_json("minus-infinity", "a field with -Infinity as its value", _last_value(b"-Infinity")),
    _invalid_json("raw-newline", "a string with an unescaped line break", _last_value(b'"a\nb"')),
    EMPTY_BODY,
    _invalid_json("plain-text", "a body of plain text", _other_body(b"conformance")),
)

ARRAY_BODY = _not_object("array", "an array at the top level", _edited_json(lambda body: b"[" + body + b"]"))
NOT_OBJECT = (
    ARRAY_BODY,
    _not_object("string", "a string at the top level", _other_body(b'"conformance"')),
    _not_object("number", "a number at the top level", _other_body(b"42")),
    _not_object("boolean", "a boolean at the top level", _other_body(b"true")),
    _not_object("null", "null at the top level", _other_body(b"null")),
)

NOT_UTF8 = InvalidCase(
    "invalid-utf8",
    "a body that is not UTF-8",
    Condition.JSON_NOT_UTF8,
    _edited_json(lambda body: body[:-1] + b',"conformance_text":"\xc3\x28 \xff"}'),
)

UNREADABLE_BODIES = (*INVALID_JSON, *NOT_OBJECT, NOT_UTF8)
"""Every body that is not a JSON object in UTF-8."""

NO_IDENTITY = InvalidCase(
    "no-identity",
    "an event that names no user",
    Condition.IDENTITY_MISSING,
    lambda call: call.acceptable_request().without_fields(
        *call.contract.identity_pointers(call.operation.event_type).values()
    ),
)


def _batch_with_second(call: Call, second: Json) -> Draft:
    """A batch of one good event and one value that is no event."""
    return call.acceptable_request().with_events(call.baseline_event(call.operation.event_type), second)


def _type_pointer(call: Call) -> str:
    """The pointer to an event's type. Raises NotApplicable if the events of this dialect have none."""
    pointer = call.contract.profile.pointers.type
    if pointer is None:
        raise NotApplicable("the events of this dialect do not name their type")
    return pointer


INVALID_BATCH = (
    InvalidCase(
        "list.missing",
        "a batch without its list",
        Condition.BATCH_MISSING,
        lambda call: call.acceptable_request().with_batch_list(),
    ),
    InvalidCase(
        "list.object",
        "a batch whose list is an object",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list(call.baseline_event(call.operation.event_type)),
    ),
    InvalidCase(
        "list.string",
        "a batch whose list is a string",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list("conformance"),
    ),
    InvalidCase(
        "list.number",
        "a batch whose list is a number",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list(42),
    ),
    InvalidCase(
        "list.null",
        "a batch whose list is null",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list(None),
    ),
    InvalidCase(
        "list.empty", "an empty batch", Condition.BATCH_EMPTY, lambda call: call.acceptable_request().with_events()
    ),
    InvalidCase(
        "events.string",
        "a batch with a string among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, "conformance"),
    ),
    InvalidCase(
        "events.number",
        "a batch with a number among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, 42),
    ),
    InvalidCase(
        "events.null",
        "a batch with null among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, None),
    ),
    InvalidCase(
        "events.array",
        "a batch with an array among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, [call.baseline_event(call.operation.event_type)]),
    ),
    InvalidCase(
        "type.missing",
        "a batch with an event without a type",
        Condition.BATCH_TYPE_MISSING,
        lambda call: call.acceptable_request().without_fields(_type_pointer(call)),
    ),
    InvalidCase(
        "type.missing-second",
        "a batch whose second event has no type",
        Condition.BATCH_TYPE_MISSING,
        lambda call: call.batch_of(2).without_fields(_type_pointer(call)).with_events_reversed(),
    ),
    InvalidCase(
        "type.unknown-second",
        "a batch whose second event is of an unknown type",
        Condition.BATCH_TYPE_UNKNOWN,
        lambda call: call.batch_of(2).with_field(_type_pointer(call), "conformance-unknown").with_events_reversed(),
    ),
    InvalidCase(
        "type.unknown",
        "a batch with an event of an unknown type",
        Condition.BATCH_TYPE_UNKNOWN,
        lambda call: call.acceptable_request().with_field(_type_pointer(call), "conformance-unknown"),
    ),
)


def _pixel_with_data(value: str) -> Callable[[Call], Draft]:
    """A pixel with something else as its data."""
    return lambda call: call.acceptable_request().with_query(call.contract.pixel_parameter, value)


def _invalid_pixel_data(slug: str, description: str, make_draft: Callable[[Call], Draft]) -> InvalidCase:
    return InvalidCase(f"data.{slug}", description, Condition.PIXEL_DATA_INVALID, make_draft)


INVALID_PIXEL_DATA = (
    InvalidCase(
        "data.missing",
        "a pixel without data",
        Condition.PIXEL_DATA_MISSING,
        lambda call: call.acceptable_request().without_query(call.contract.pixel_parameter),
    ),
    InvalidCase("data.empty", "a pixel with empty data", Condition.PIXEL_DATA_MISSING, _pixel_with_data("")),
    _invalid_pixel_data("not-base64", "a pixel whose data is not base64", _pixel_with_data("!conformance!")),
    _invalid_pixel_data(
        "not-json",
        "a pixel whose data is base64 of text that is not JSON",
        _pixel_with_data(encode_base64("conformance, but no JSON")),
    ),
    _invalid_pixel_data("truncated", "a pixel whose JSON lacks its last byte", TRUNCATED_JSON.make_draft),
    _invalid_pixel_data("array", "a pixel whose data is a JSON array", ARRAY_BODY.make_draft),
    InvalidCase(
        "identity.missing",
        "a pixel with an event that names no user",
        Condition.PIXEL_IDENTITY_MISSING,
        NO_IDENTITY.make_draft,
    ),
)


def nameless_event(call: Call) -> JsonObject:
    """An event that names no user."""
    event = call.baseline_event(call.operation.event_type)
    for pointer in call.contract.identity_pointers(call.operation.event_type).values():
        event = pointers.remove(event, pointer)
    return event


def nameless_batch(call: Call) -> Draft:
    """A batch of three events that name no user."""
    return call.acceptable_request().with_events(*(nameless_event(call) for _ in range(3)))
