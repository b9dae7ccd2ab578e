"""Wrong types: values of a wrong JSON type in documented fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.contract import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Json, JsonObject
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft
    from conformance.requests.edge_cases import NamedDrafts

_VALUES: dict[str, Json] = {
    "a number": 7, "a list": ["conformance"], "an object": {"conformance": 1}, "a text": "conformance",
    "true": True, "null": None,
}  # fmt: skip
_WRONG_FOR_TYPE = {
    "string": ("a number", "a list", "an object", "null"),
    "object": ("a text", "a list", "a number", "null"),
    "array": ("a text", "an object", "a number", "null"),
}
_WRONG_FOR_NUMBERS = ("a text", "a list", "an object", "null")
_INVALID_TIME = ("a text that is no time", "yesterday, or 2024-13-45T99:99:99Z")


def in_main_fields(call: Call) -> NamedDrafts:
    """Wrong types in the ids, the required fields and the free-form object of an event."""
    yield from _one_at_a_time(call, _main_fields(call))


def one_in_each_field(call: Call) -> NamedDrafts:
    """One wrong type in each field at the top of an event."""
    schema = call.contract.event_schema(call.operation.event_type)
    for name in _properties(schema):
        wrong = _wrong_values_for(_json_type(schemas.subschema(schema, f"/{name}")))[0]
        yield f"{wrong} as {name}", call.acceptable_request().with_field(f"/{name}", _VALUES[wrong])


def in_other_fields(call: Call) -> NamedDrafts:
    """Wrong types in all other fields at the top of an event."""
    schema = call.contract.event_schema(call.operation.event_type)
    top = [f"/{name}" for name in _properties(schema)]
    yield from _one_at_a_time(call, [pointer for pointer in top if pointer not in _main_fields(call)])


def in_nested_fields(call: Call) -> NamedDrafts:
    """Wrong types in the fields inside an event's objects, in all fields of a type at once."""
    schema = call.contract.event_schema(call.operation.event_type)
    identities = set(call.contract.identity_pointers(call.operation.event_type).values())
    nested_pointers = [pointer for pointer in _nested_fields(schema, "") if pointer not in identities]
    for json_type in ("string", "object", "number"):
        fields = [pointer for pointer in nested_pointers if _json_type(schemas.subschema(schema, pointer)) == json_type]
        for name in _wrong_values_for(json_type) if fields else ():
            yield f"{name} in place of every inner {json_type}", _all_at_once(call, fields, _VALUES[name])


def _main_fields(call: Call) -> list[str]:
    """The pointers of the user ids, the required fields and the free-form object, each once."""
    main_pointers = [*call.contract.identity_pointers(call.operation.event_type).values(), *call.event_type.required]
    return list(
        dict.fromkeys([*main_pointers, *([call.event_type.open_object] if call.event_type.open_object else [])])
    )


def _one_at_a_time(call: Call, fields: list[str]) -> NamedDrafts:
    """Each field with each wrong type, one at a time."""
    schema = call.contract.event_schema(call.operation.event_type)
    for pointer in fields:
        field = schemas.subschema(schema, pointer)
        for name in _wrong_values_for(_json_type(field)):
            yield f"{name} as {pointer}", call.acceptable_request().with_field(pointer, _VALUES[name])
        if field.get("format") == "date-time":
            yield (f"{_INVALID_TIME[0]} as {pointer}", call.acceptable_request().with_field(pointer, _INVALID_TIME[1]))


def _all_at_once(call: Call, fields: list[str], value: Json) -> Draft:
    """A full event with the same value in many fields."""
    draft = call.full_request()
    for pointer in fields:
        draft = draft.with_field(pointer, value)
    return draft


def _wrong_values_for(json_type: str) -> tuple[str, ...]:
    return _WRONG_FOR_TYPE.get(json_type, _WRONG_FOR_NUMBERS)


def _json_type(field: JsonObject) -> str:
    """The type of a field in its schema; a string by default."""
    declared: Any = field.get("type", "string")
    first = str(declared[0] if isinstance(declared, list) else declared)
    return first if first in _WRONG_FOR_TYPE else "number"


def _properties(schema: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON Schema
    return dict(schema.get("properties", {}))


def _nested_fields(schema: JsonObject, parent: str) -> Iterator[str]:
    """The pointers of the fields inside a schema's objects, the outer ones last."""
    for name, field in _properties(schema).items():
        yield from _nested_fields(field, f"{parent}/{name}")
        if parent:
            yield f"{parent}/{name}"
