"""JSON Schemas of events: flattening, required fields, and sample values."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from conformance.core import pointers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import Json, JsonObject

_REF_PREFIX = "#/components/schemas/"
_TYPE_NAMES: dict[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
    type(None): "null",
}  # fmt: skip
_SAMPLE_BY_TYPE: dict[str, Json] = {
    "string": "conformance",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}


def flatten(schema: Any, components: Mapping[str, Any]) -> JsonObject:
    """A schema without `$ref` and `allOf`: their properties and required keys in one object."""
    if "$ref" in schema:
        return flatten(components[schema["$ref"].removeprefix(_REF_PREFIX)], components)
    flat: dict[str, Any] = {key: copy.deepcopy(value) for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", ()):
        inner: Any = flatten(part, components)
        flat["properties"] = {**inner.get("properties", {}), **flat.get("properties", {})}
        flat["required"] = [*inner.get("required", []), *flat.get("required", [])]
        flat.setdefault("type", inner.get("type", "object"))
    if not flat.get("required", True):
        del flat["required"]
    return flat


def subschema(schema: Any, pointer: str) -> JsonObject:
    """The schema of the value at a pointer; an empty schema if none is stated."""
    for step in pointers.split(pointer):
        schema = schema.get("properties", {}).get(step, {})
    return dict(schema)


def with_value(schema: JsonObject, pointer: str, value: Json) -> JsonObject:
    """A copy of a schema that knows a property at a pointer, with a value as its example."""
    return pointers.put(schema, _in_schema(pointer), {"type": type_name(value), "examples": [value]})


def without(schema: JsonObject, pointer: str) -> JsonObject:
    """A copy of a schema that does not know the property at a pointer."""
    return pointers.remove(schema, _in_schema(pointer))


def _in_schema(pointer: str) -> str:
    """Where a schema has what it says of the value at a pointer."""
    return pointer.replace("/", "/properties/")


def type_name(value: Json) -> str:
    """The name that JSON Schema has for the type of a value."""
    return _TYPE_NAMES[type(value)]


def with_required(schema: JsonObject, pointer: str) -> JsonObject:
    """A copy of a schema that requires the value at a pointer, and every object on the way to it."""
    return _add_required(copy.deepcopy(schema), pointers.split(pointer))


def _add_required(schema: Any, keys: list[str]) -> JsonObject:
    first, *rest = keys
    schema.setdefault("type", "object")
    schema["required"] = sorted({*schema.get("required", []), first})
    properties = schema.setdefault("properties", {})
    if rest:
        properties[first] = _add_required(properties.get(first, {}), rest)
    else:
        properties.setdefault(first, {})
    return dict(schema)


def full_sample(schema: Any) -> Json:
    """A value that fits a schema, or the first of its alternatives, and has every property that it names."""
    declared = _declared_sample(schema)
    if declared is not None:
        return declared
    if schema.get("anyOf"):
        return full_sample(schema["anyOf"][0])
    if _first_type(schema) == "object":
        return {key: full_sample(inner) for key, inner in schema.get("properties", {}).items()}
    if _first_type(schema) == "array":
        return [full_sample(schema["items"])] if "items" in schema else []
    return _SAMPLE_BY_TYPE[_first_type(schema)]


def minimal_sample(schema: Any) -> Json:
    """A value that fits a schema and has only the required properties."""
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {key: minimal_sample(properties.get(key, {})) for key in schema.get("required", ())}
    return full_sample({"type": "string", **schema})


def _declared_sample(schema: Any) -> Json:
    """The value that a schema states in const, example, default, examples or enum; None if it states none."""
    for key in ("const", "example", "default"):
        if key in schema:
            return copy.deepcopy(schema[key])  # type: ignore[no-any-return] # JSON by the schema's schema
    values = schema.get("examples") or schema.get("enum")
    return copy.deepcopy(values[0]) if values else None


def _first_type(schema: Any) -> str:
    kind = schema.get("type", "object")
    return str(kind[0] if isinstance(kind, list) else kind)
