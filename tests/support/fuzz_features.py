"""What tests of fuzzing look for in the calls to a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.targets.messages import Call


def events(call: Call) -> list[dict[str, Any]]:
    """The events of a call that are objects."""
    value: Any = call.value
    if not isinstance(value, dict):
        return []
    event_list = value.get("batch") if call.route.kind == "batch" else [value]
    return [item for item in event_list if isinstance(item, dict)] if isinstance(event_list, list) else []


def nested_values(value: object) -> Iterator[object]:
    """A value and all values in it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from nested_values(item)
