"""Crashes over JSON that is rare but valid, and over fields of a wrong type."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from tests.targets.body_decoding import without_duplicate_keys
from tests.targets.dialects import Level
from tests.targets.faults.base import (
    SHOULD,
    Fault,
    Predicate,
    any_event,
    crashing_on,
    make_fault,
    nested_values,
    should,
)
from tests.targets.faults.payload import identity, with_text
from tests.targets.fields import Event
from tests.targets.messages import Call

STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
HUGE_INTEGER = re.compile(r"(?<![\d.eE+])\d{20,}(?![\d.eE])")
DEEPEST = 5_000
"""Ten thousand levels do not fit under the smallest of the limits."""
LONG_KEY = 1000
MANY_KEYS = 500
STREAM_NAMES = {"messageId": "hitId", "timestamp": "sentAt"}
CLASSIC = should("seg", "rs", "mr")


def skeleton(text: str) -> str:
    """Empty the strings of a JSON text."""
    return STRING.sub('""', text)


def depth(text: str) -> int:
    """Count how deep a JSON text is nested."""
    deepest = level = 0
    for char in skeleton(text):
        level += (char in "[{") - (char in "]}")
        deepest = max(deepest, level)
    return deepest


def is_deep(minimum: int) -> Predicate:
    """Hold for JSON nested so deep, or nearly so deep: the levels around the event count as well."""
    return lambda call: depth(call.text) >= minimum


def has_duplicates(call: Call) -> bool:
    """Tell whether an object has one name twice."""
    try:
        json.loads(call.text)
    except (ValueError, RecursionError):
        return False
    try:
        json.loads(call.text, object_pairs_hook=without_duplicate_keys)
    except ValueError:
        return True
    return False


def keys(call: Call) -> Iterator[str]:
    """List the names in a payload."""
    for value in nested_values(call.value):
        yield from value if isinstance(value, dict) else ()


def is_infinite(value: object) -> bool:
    """Tell whether a number was too large to be one."""
    return isinstance(value, float) and math.isinf(value)


ODDITIES: dict[str, Predicate] = {
    "surrogate": with_text(lambda text: any("\ud800" <= char <= "\udfff" for char in text)),
    "bom": lambda call: call.text.startswith("\ufeff"),
    "depth-1000": is_deep(1000),
    "duplicate-keys": has_duplicates,
    "huge-integer": lambda call: HUGE_INTEGER.search(skeleton(call.text)) is not None,
    "huge-exponent": lambda call: any(is_infinite(value) for value in nested_values(call.value)),
    "empty-key": lambda call: "" in keys(call),
    "long-key": lambda call: any(len(key) >= LONG_KEY for key in keys(call)),
    "many-keys": lambda call: any(
        isinstance(value, dict) and len(value) >= MANY_KEYS for value in nested_values(call.value)
    ),
}


def field_of(event: Event, name: str) -> object:
    """Give a field by its usual name, wherever the dialect keeps it."""
    if name in {"userId", "anonymousId"}:
        return identity(event).get(name)
    return event.get(STREAM_NAMES.get(name, name) if event.get("type") == "stream" else name)


def is_number(value: object) -> bool:
    """Tell whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_text(value: object) -> bool:
    """Tell whether a value is a text."""
    return isinstance(value, str)


def is_list(value: object) -> bool:
    """Tell whether a value is an array."""
    return isinstance(value, list)


def is_object(value: object) -> bool:
    """Tell whether a value is an object."""
    return isinstance(value, dict)


def is_nonsense(value: object) -> bool:
    """Tell whether a text is no time; a documented example has a month of one digit."""
    if not isinstance(value, str) or "-2-" in value:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return True
    return False


WRONG: tuple[tuple[str, str, Mapping[str, Level], Callable[[object], bool]], ...] = (
    ("user-id-number", "userId", SHOULD, is_number),
    ("user-id-object", "userId", SHOULD, is_object),
    ("user-id-list", "userId", SHOULD, is_list),
    ("anonymous-id-number", "anonymousId", SHOULD, is_number),
    ("event-number", "event", SHOULD, is_number),
    ("event-text", "event", should("ss"), is_text),
    ("event-object", "event", CLASSIC, is_object),
    ("timestamp-number", "timestamp", SHOULD, is_number),
    ("timestamp-nonsense", "timestamp", SHOULD, is_nonsense),
    ("context-text", "context", SHOULD, is_text),
    ("context-list", "context", SHOULD, is_list),
    ("integrations-text", "integrations", SHOULD, is_text),
    ("integrations-list", "integrations", SHOULD, is_list),
    ("properties-text", "properties", CLASSIC, is_text),
    ("properties-list", "properties", CLASSIC, is_list),
    ("traits-text", "traits", CLASSIC, is_text),
    ("traits-list", "traits", CLASSIC, is_list),
    ("message-id-number", "messageId", SHOULD, is_number),
)


def typed(name: str, test: Callable[[object], bool]) -> Predicate:
    """Hold when a field of an event passes a test."""
    return any_event(lambda event: test(field_of(event, name)))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    for name, when in ODDITIES.items():
        yield make_fault(f"{name}-500", "robustness", SHOULD, crashing_on(when))
    yield make_fault("depth-10000-dropped", "robustness", SHOULD, crashing_on(is_deep(DEEPEST), dropped=True))
    yield make_fault("depth-10000-500", "robustness", SHOULD, crashing_on(is_deep(DEEPEST)))
    for name, field, levels, test in WRONG:
        yield make_fault(f"{name}-500", "robustness payload", levels, crashing_on(typed(field, test)))
