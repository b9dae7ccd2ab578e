"""Faults in the parsing of JSON."""

import ast
import json
import re
from collections.abc import Iterator

from tests.targets.dialects import DIALECTS, Kind
from tests.targets.faults.base import (
    MUST,
    SHOULD,
    Fault,
    Predicate,
    accepting,
    answering,
    at_levels,
    make_fault,
    must,
    on_path,
)
from tests.targets.messages import Call

SHAPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "string": str,
    "number": (int, float),
    "null": type(None),
}
INVALID_EXAMPLES = re.compile(r'"(1234qwerty|assigned_id_or_email)"')


def parses(text: str) -> bool:
    """Tell whether a text is JSON, by Python's reading, which knows NaN."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def constants(text: str) -> set[str]:
    """Name the constants in a text that are JSON to Python only."""
    constant_names: set[str] = set()
    try:
        json.loads(text, parse_constant=constant_names.add)
    except (ValueError, RecursionError):
        return set()
    return {name.lstrip("-") for name in constant_names}


def is_truncated(call: Call) -> bool:
    """Tell whether a text stops before its JSON does."""
    text = call.text.rstrip()
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return text != "" and (error.pos >= len(text) or error.msg.startswith("Unterminated"))
    except RecursionError:
        return False
    return False


def rest_of(call: Call) -> str:
    """Give what follows the first JSON value, or nothing if there is none."""
    text = call.text.lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ""
    return text[end:].strip()


def is_python(call: Call) -> bool:
    """Tell whether a text in single quotes is a Python literal."""
    if "'" not in call.text:
        return False
    words = {"true": "True", "false": "False", "null": "None"}
    text = re.sub(r"\b(true|false|null)\b", lambda match: words[match[0]], call.text)
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def has_raw_controls(call: Call) -> bool:
    """Tell whether a text is JSON but for raw control characters in its strings."""
    try:
        json.loads(call.text, strict=False)
    except (ValueError, RecursionError):
        return False
    return not parses(call.text)


PREDICATES: dict[str, Predicate] = {
    "truncated": is_truncated,
    "trailing-garbage": lambda call: (rest := rest_of(call)) != "" and not parses(rest),
    "second-value": lambda call: parses(rest_of(call)),
    "single-quotes": is_python,
    "nan": lambda call: "NaN" in constants(call.text),
    "infinity": lambda call: "Infinity" in constants(call.text),
    "empty-body": lambda call: call.text.strip() == "",
    "trailing-comma": lambda call: parses(re.sub(r",\s*([}\]])", r"\1", call.text)),
    "comment": lambda call: parses(re.sub(r"/\*.*?\*/|//[^\n\"]*(?=\n|$)", "", call.text, flags=re.DOTALL)),
    "raw-control": has_raw_controls,
}


def accepted_faults() -> Iterator[Fault]:
    """List invalid JSON accepted."""
    for name, when in PREDICATES.items():
        yield make_fault(f"{name}-accepted", "json", MUST, accepting({"json"}, when))
    yield make_fault("invalid-json-accepted", "json", MUST, accepting({"json"}))
    yield make_fault("invalid-utf8-accepted", "json", SHOULD, accepting({"utf8"}))
    examples = accepting({"json"}, lambda call: INVALID_EXAMPLES.search(call.text) is not None)
    yield make_fault("invalid-examples-accepted", "json", must("mr"), examples)


def shaped(kind: type | tuple[type, ...]) -> Predicate:
    """Hold for a top-level value of one type."""
    return lambda call: isinstance(call.value, kind)


def shape_faults() -> Iterator[Fault]:
    """List top-level values other than objects, accepted or crashing."""
    for name, kind in SHAPES.items():
        when = shaped(kind)
        accepted = at_levels(rs="must", mr="must", ss="should")
        yield make_fault(f"top-level-{name}-accepted", "json", accepted, accepting({"shape"}, when))
        yield make_fault(f"top-level-{name}-500", "json errors", MUST, answering({"shape"}, 500, when))


def status_faults() -> Iterator[Fault]:
    """List wrong statuses for invalid JSON."""
    for status in (415, 422, 500):
        yield make_fault(f"json-{status}", "json errors", MUST, answering({"json"}, status))
    yield make_fault("json-error-with-200", "json errors", MUST, answering({"json"}, 200))
    for name in ("empty-body", "truncated", "nan"):
        broken = answering({"json"}, 500, PREDICATES[name])
        yield make_fault(f"{name}-500", "json errors", MUST, broken)
    yield make_fault("invalid-utf8-500", "json errors", SHOULD, answering({"utf8"}, 500))


def path_faults() -> Iterator[Fault]:
    """Make one hole for each path: invalid JSON is accepted there."""
    kinds: set[Kind] = {"json"}
    for dialect in DIALECTS.values():
        if len(dialect.routes) == 1:
            continue
        for route in dialect.routes:
            areas = "json batch" if route.kind == "batch" else "json"
            name = f"invalid-json-accepted-at{route.path.replace('/', '-')}"
            broken = accepting(kinds, on_path(route.path))
            yield make_fault(name, areas, {dialect.name: route.level}, broken, path=route.path)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from accepted_faults()
    yield from shape_faults()
    yield from status_faults()
    yield from path_faults()
