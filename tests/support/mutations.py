"""Documents with something wrong in them: each place gets each wrong value."""

# ruff: noqa: ANN401 - any JSON
from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = tuple[str | int, ...]
WRONG_VALUES: tuple[Any, ...] = (
    None, True, -1, 1.5, 10**18, "", "x", "x" * 5_000, "a\n\x1b[31m\u202e", [], [None], {}, {"x": [1]},
)  # fmt: skip
"""Of every type, and at the ends of their ranges."""


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place in a value, that of the whole first."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from places(item, (*place, step))


def put(value: Any, place: Place, new: Any) -> Any:
    """A copy with another value at a place."""
    if not place:
        return copy.deepcopy(new)
    first, *rest = place
    changed = copy.copy(value)
    changed[first] = put(value[first], tuple(rest), new)
    return changed


def without(value: Any, place: Place) -> Any:
    """A copy without the key at a place."""
    first, *rest = place
    if not rest:
        return {key: item for key, item in value.items() if key != first}
    return put(value, (first,), without(value[first], tuple(rest)))
