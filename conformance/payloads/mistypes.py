"""Mistypes: values of a wrong type in the fields that a schema knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.contract import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.model import Json, JsonObject
    from conformance.payloads.call import Call
    from conformance.payloads.draft import Draft
    from conformance.payloads.oddities import Named

_NAMES: dict[str, Json] = {
    "a number": 7, "a list": ["conformance"], "an object": {"conformance": 1}, "a text": "conformance",
    "true": True, "null": None,
}  # fmt: skip
_WRONG = {
    "string": ("a number", "a list", "an object", "null"),
    "object": ("a text", "a list", "a number", "null"),
    "array": ("a text", "an object", "a number", "null"),
}
_OF_NUMBERS = ("a text", "a list", "an object", "null")
_NO_TIME = ("a text that is no time", "yesterday, or 2024-13-45T99:99:99Z")


def main(call: Call) -> Named:
    """Wrong types in the ids, the required fields and the free-form object of an event."""
    yield from _each(call, _main(call))


def common(call: Call) -> Named:
    """Wrong types in all other fields at the top of an event."""
    schema = call.contract.event_schema(call.operation.type)
    top = [f"/{name}" for name in _properties(schema)]
    yield from _each(call, [pointer for pointer in top if pointer not in _main(call)])


def nested(call: Call) -> Named:
    """Wrong types in the fields inside an event's objects: in all of a kind at once."""
    schema = call.contract.event_schema(call.operation.type)
    identities = set(call.contract.identities(call.operation.type).values())
    inner = [pointer for pointer in _inner(schema, "") if pointer not in identities]
    for kind in ("string", "object", "number"):
        fields = [pointer for pointer in inner if _kind(schemas.at(schema, pointer)) == kind]
        for name in _wrong(kind) if fields else ():
            yield f"{name} in place of every inner {kind}", _all(call, fields, _NAMES[name])


def _main(call: Call) -> list[str]:
    """The pointers of what makes an event what it is, each once."""
    found = [*call.contract.identities(call.operation.type).values(), *call.type.required]
    return list(dict.fromkeys([*found, *([call.type.open] if call.type.open else [])]))


def _each(call: Call, fields: list[str]) -> Named:
    """Each field with each wrong type, one at a time."""
    schema = call.contract.event_schema(call.operation.type)
    for pointer in fields:
        field = schemas.at(schema, pointer)
        for name in _wrong(_kind(field)):
            yield f"{name} as {pointer}", call.event().put(pointer, _NAMES[name])
        if field.get("format") == "date-time":
            yield f"{_NO_TIME[0]} as {pointer}", call.event().put(pointer, _NO_TIME[1])


def _all(call: Call, fields: list[str], value: Json) -> Draft:
    """A full event with the same value in many fields."""
    draft = call.full()
    for pointer in fields:
        draft = draft.put(pointer, value)
    return draft


def _wrong(kind: str) -> tuple[str, ...]:
    return _WRONG.get(kind, _OF_NUMBERS)


def _kind(field: JsonObject) -> str:
    """The type that a schema gives a field: a text unless it says otherwise."""
    kind: Any = field.get("type", "string")
    first = str(kind[0] if isinstance(kind, list) else kind)
    return first if first in _WRONG else "number"


def _properties(schema: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON Schema
    return dict(schema.get("properties", {}))


def _inner(schema: JsonObject, above: str) -> Iterator[str]:
    """The pointers of the fields inside a schema's objects, the outer ones last."""
    for name, field in _properties(schema).items():
        yield from _inner(field, f"{above}/{name}")
        if above:
            yield f"{above}/{name}"
