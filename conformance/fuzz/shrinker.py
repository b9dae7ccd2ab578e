"""The shrinker: makes a failing request as small and as ordinary as it can while it still fails."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from conformance.fuzz.case import JSON_TYPE, Auth, Case, compact
from conformance.fuzz.reading import read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conformance.model import Json

Way = tuple[Any, ...]
_GONE: Any = object()
_PLAIN_TEXT = "a"


class Shrinker:
    """Shrinks cases. `fails` sends one and says whether it fails as before; `tries` bounds how often."""

    def __init__(self, fails: Callable[[Case], Awaitable[bool]], tries: int) -> None:
        self._fails = fails
        self._left = tries

    async def shrink(self, case: Case, ordinary: bytes) -> Case:
        """The smallest case that still fails, on the way to an ordinary body."""
        case = await self._plain(case)
        if case.coding:
            return case
        found = read(case.body)
        value = _value(case.body) if found.is_json and not found.is_deep else _GONE
        if value is not _GONE and await self._tried(case.bodied(compact(value))):
            return await self._structured(case.bodied(compact(value)), json.loads(ordinary))
        return await self._text(case)

    async def _tried(self, case: Case) -> bool:
        """Whether a case still fails, as long as there are tries left."""
        if self._left <= 0:
            return False
        self._left -= 1
        return await self._fails(case)

    async def _plain(self, case: Case) -> Case:
        """A case without special headers, if it fails without them."""
        for simpler in (
            case._replace(auth=Auth.RIGHT), case._replace(content_type=JSON_TYPE), case._replace(coding=""),
        ):  # fmt: skip
            if simpler != case and await self._tried(simpler.bodied(case.body)):
                case = simpler
        return case

    async def _structured(self, case: Case, ordinary: Json) -> Case:
        """A JSON body, made smaller until nothing more goes."""
        value = json.loads(case.body)
        changed = True
        while changed and self._left > 0:
            changed = False
            for simpler in _simpler(value, ordinary):
                if self._left <= 0:
                    break
                body = compact(simpler)
                if body != case.body and await self._tried(case.bodied(body)):
                    case, value, changed = case.bodied(body), simpler, True
                    break
        return case

    async def _text(self, case: Case) -> Case:
        """A body that is no JSON, with pieces of it cut out."""
        body = case.body
        size = max(1, len(body) // 2)
        while size and self._left > 0:
            at = 0
            while at < len(body):
                shorter = body[:at] + body[at + size :]
                if await self._tried(case.bodied(shorter)):
                    body = shorter
                else:
                    at += size
            size //= 2
        return case.bodied(body)


def _value(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """What Python reads in a body, unless it reads something that it can't write."""
    try:
        value = json.loads(body)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return _GONE
    return value


def _ways(value: Any, way: Way = ()) -> Iterator[Way]:  # noqa: ANN401 - any JSON
    """The way to every value inside a value, the outer ones first."""
    inner = [((*way, name), item) for name, item in _items(value)]
    yield from (step for step, _ in inner)
    for step, item in inner:
        yield from _ways(item, step)


def _items(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    """What is directly inside a value."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _at(value: Any, way: Way) -> Any:  # noqa: ANN401 - any JSON
    """What is at the end of a way; nothing where it breaks off."""
    for step in way:
        is_there = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if not is_there:
            return _GONE
        value = value[step]
    return value


def _with(value: Any, way: Way, new: Any) -> Any:  # noqa: ANN401 - any JSON
    """A copy with something else at the end of a way, or with nothing there."""
    first, *rest = way
    copied = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copied[first] = _with(value[first], tuple(rest), new)
    elif new is _GONE:
        del copied[first]
    else:
        copied[first] = new
    return copied


def _simpler(value: Any, ordinary: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Values one step simpler: fields gone or ordinary, then what is left made shorter in its own kind."""
    ways = list(_ways(value))
    if isinstance(value, dict) and isinstance(ordinary, dict):
        missing = {name: item for name, item in ordinary.items() if name not in value}
        if missing:
            yield {**value, **missing}
    for way in ways:
        if _at(ordinary, way) is _GONE:
            yield _with(value, way, _GONE)
        elif _at(value, way) != _at(ordinary, way):
            yield _with(value, way, _at(ordinary, way))
    for way in ways:
        if _at(value, way) != _at(ordinary, way):
            for smaller in _smaller(_at(value, way)):
                yield _with(value, way, smaller)


def _smaller(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Smaller values of the same kind."""
    if isinstance(value, str) and len(value) > 1:
        yield _PLAIN_TEXT
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
