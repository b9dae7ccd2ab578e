"""JSON pointers (RFC 6901) into objects: read, set and remove values, without changing the original."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Json, JsonObject


class PointerNotFound(LookupError):
    """A document has no value at a pointer."""


def split(pointer: str) -> list[str]:
    """The keys of a pointer, unescaped: `["event", "user"]` for `/event/user`."""
    keys = pointer.split("/")[1:]
    return [key.replace("~1", "/").replace("~0", "~") for key in keys] if "~" in pointer else keys


def get(document: Json, pointer: str) -> Json:
    """The value at a pointer. Raises PointerNotFound if there is none."""
    value = document
    for step in split(pointer):
        if not isinstance(value, dict) or step not in value:
            raise PointerNotFound(pointer)
        value = value[step]
    return value


def has(document: Json, pointer: str) -> bool:
    """Whether there is a value, null included, at a pointer."""
    try:
        get(document, pointer)
    except PointerNotFound:
        return False
    return True


def find(document: Any, pointer: str) -> Any:  # noqa: ANN401 - JSON, without loss too
    """The value at a pointer; None, as for null, if there is none."""
    try:
        return get(document, pointer)
    except PointerNotFound:
        return None


def of_properties(place: str, schema: Json) -> Iterator[str]:
    """The pointers of all fields that a JSON Schema names under `properties`, below a place."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        yield f"{place}/{name}"
        yield from of_properties(f"{place}/{name}", inner)


def put(document: JsonObject, pointer: str, value: Json) -> JsonObject:
    """A copy with a value at a pointer; missing objects on the way are created."""
    return _put(document, split(pointer), value)


def remove(document: JsonObject, pointer: str) -> JsonObject:
    """A copy without the value at a pointer."""
    return _remove(document, split(pointer))


def deep_merge(base: JsonObject, override: JsonObject) -> JsonObject:
    """A copy of `base` with the keys of `override`; objects under the same key are merged in the same way."""
    merged = {**base, **override}
    for key in base.keys() & override.keys():
        base_value, override_value = base[key], override[key]
        if isinstance(base_value, dict) and isinstance(override_value, dict):
            merged[key] = deep_merge(base_value, override_value)
    return merged


def _put(document: JsonObject, keys: list[str], value: Json) -> JsonObject:
    first, *rest = keys
    if not rest:
        return {**document, first: value}
    inner = document.get(first)
    return {**document, first: _put(inner if isinstance(inner, dict) else {}, rest, value)}


def _remove(document: JsonObject, keys: list[str]) -> JsonObject:
    first, *rest = keys
    inner = document.get(first)
    if not rest:
        return {key: value for key, value in document.items() if key != first}
    return {**document, first: _remove(inner, rest)} if isinstance(inner, dict) else document
