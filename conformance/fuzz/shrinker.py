"""The shrinker: makes a failing request as small and as ordinary as possible while it still fails."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from conformance.fuzz.case import JSON_MEDIA_TYPE, Auth, Case, compact_json
from conformance.fuzz.strict_json import parse_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conformance.core.model import Json

ValuePath = tuple[Any, ...]
_ABSENT: Any = object()
_PLAIN_TEXT = "a"
_LARGE_CONTAINER = 3
"""Objects and lists with more values are halved before single values are removed."""


class Shrinker:
    """Shrinks cases. `fails` sends a case and says whether it fails as before, at most `max_tries` times."""

    def __init__(self, fails: Callable[[Case], Awaitable[bool]], max_tries: int) -> None:
        self._fails = fails
        self._tries_left = max_tries

    async def shrink(self, case: Case, control_body: bytes) -> Case:
        """The smallest case that still fails; its body becomes as similar to `control_body` as possible.

        If the headers alone make it fail, its body is the control's.
        """
        case = await self._with_standard_headers(case)
        if not case.has_standard_headers and await self._still_fails(case.with_body(control_body)):
            return await self._with_standard_headers(case.with_body(control_body))
        if case.coding:
            return case
        parsed = parse_body(case.body)
        value = _parse_writable(case.body) if parsed.is_json and not parsed.is_too_deep else _ABSENT
        if value is not _ABSENT and await self._still_fails(case.with_body(compact_json(value))):
            return await self._shrink_json(case.with_body(compact_json(value)), json.loads(control_body))
        return await self._shrink_bytes(case)

    async def _still_fails(self, case: Case) -> bool:
        """Whether a case still fails; False when no tries are left."""
        if self._tries_left <= 0:
            return False
        self._tries_left -= 1
        return await self._fails(case)

    async def _with_standard_headers(self, case: Case) -> Case:
        """A case without those special headers that the failure does not need."""
        for ordinary in ({"auth": Auth.VALID}, {"content_type": JSON_MEDIA_TYPE}, {"coding": ""}):
            simpler = case._replace(**ordinary)
            if simpler != case and await self._still_fails(simpler.with_body(case.body)):
                case = simpler
        return case

    async def _shrink_json(self, case: Case, control_value: Json) -> Case:
        """Shrinks a JSON body until no simplification fails any more."""
        value = json.loads(case.body)
        changed = True
        while changed and self._tries_left > 0:
            changed = False
            for simplified in _simplifications(value, control_value):
                if self._tries_left <= 0:
                    break
                body = compact_json(simplified)
                if body != case.body and await self._still_fails(case.with_body(body)):
                    case, value, changed = case.with_body(body), simplified, True
                    break
        return case

    async def _shrink_bytes(self, case: Case) -> Case:
        """Shrinks a body that is not JSON by cutting out pieces of it."""
        body = case.body
        size = max(1, len(body) // 2)
        while size and self._tries_left > 0:
            position = 0
            while position < len(body):
                shorter = body[:position] + body[position + size :]
                if await self._still_fails(case.with_body(shorter)):
                    body = shorter
                else:
                    position += size
            size //= 2
        return case.with_body(body)


def _parse_writable(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The value of a body; absent if Python can't parse it, or can't write it again."""
    try:
        value = json.loads(body)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return _ABSENT
    return value


def _paths(value: Any, path: ValuePath = ()) -> Iterator[ValuePath]:  # noqa: ANN401 - any JSON
    """The paths of all values inside a value, the outer ones first."""
    inner = [((*path, name), item) for name, item in _children(value)]
    yield from (child_path for child_path, _ in inner)
    for step, item in inner:
        yield from _paths(item, step)


def _children(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    """The names or indexes directly inside a value, with the values there."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _value_at(value: Any, path: ValuePath) -> Any:  # noqa: ANN401 - any JSON
    """The value at a path, or absent."""
    for step in path:
        exists = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if not exists:
            return _ABSENT
        value = value[step]
    return value


def _replace_at(value: Any, path: ValuePath, new: Any) -> Any:  # noqa: ANN401 - any JSON
    """A copy with another value at a path, or without any there."""
    if not path:
        return new
    first, *rest = path
    copied = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copied[first] = _replace_at(value[first], tuple(rest), new)
    elif new is _ABSENT:
        del copied[first]
    else:
        copied[first] = new
    return copied


def _simplifications(value: Any, control_value: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Values one step simpler: fields removed or as in the control, then values shortened within their type."""
    paths = list(_paths(value))
    for path in ((), *paths):
        yield from _with_missing_fields(value, path, _value_at(control_value, path))
    for path in paths:
        if _value_at(control_value, path) is _ABSENT:
            yield _replace_at(value, path, _ABSENT)
            container = _value_at(value, path)
            if isinstance(container, dict | list) and len(container) > _LARGE_CONTAINER:
                yield from (_replace_at(value, path, smaller) for smaller in _smaller_values(container))
        elif _value_at(value, path) != _value_at(control_value, path):
            yield _replace_at(value, path, _value_at(control_value, path))
    for path in paths:
        ordinary = _value_at(control_value, path)
        is_shared_container = isinstance(ordinary, dict | list) and isinstance(_value_at(value, path), type(ordinary))
        if _value_at(value, path) != ordinary and not is_shared_container:
            for smaller in _smaller_values(_value_at(value, path)):
                yield _replace_at(value, path, smaller)


def _with_missing_fields(value: Any, path: ValuePath, control_object: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Values with the fields that an object lacks and the control has there: all of them, then each."""
    inner = _value_at(value, path)
    if not isinstance(inner, dict) or not isinstance(control_object, dict):
        return
    missing = {name: item for name, item in control_object.items() if name not in inner}
    if missing:
        yield _replace_at(value, path, {**inner, **missing})
    if len(missing) > 1:
        for name, item in missing.items():
            yield _replace_at(value, path, {**inner, name: item})


def _smaller_values(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Smaller values of the same type."""
    if isinstance(value, str) and len(value) > 1:
        yield _PLAIN_TEXT
        yield _PLAIN_TEXT * len(value)
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]
        yield value[1:]
        yield value[:-1]
    elif isinstance(value, dict) and len(value) > 1:
        names = list(value)
        yield {}
        yield {name: value[name] for name in names[: len(names) // 2]}
        yield {name: value[name] for name in names[len(names) // 2 :]}
    elif isinstance(value, list) and value:
        yield []
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]
    elif isinstance(value, float) and math.isfinite(value):
        yield 0.5
    elif isinstance(value, int) and not isinstance(value, bool) and value not in {0, 1}:
        yield 0
        yield 2**64 if value > 0 else -(2**64)
