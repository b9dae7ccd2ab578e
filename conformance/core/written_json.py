"""JSON read without loss: numbers keep their text, and strings every code point.

`core.foreign_json` makes harmless what it reads; here nothing may change, because it is compared with what was sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from conformance.core.foreign_json import Unreadable, UnreadableReason

WrittenJson: TypeAlias = "bool | str | WrittenNumber | list[WrittenJson] | dict[str, WrittenJson] | None"
WrittenObject: TypeAlias = "dict[str, WrittenJson]"

MAX_DEPTH = 400
"""Arrays and objects inside one another: within what recursive code can walk."""
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?")
_MAX_EXPONENT_DIGITS = 18
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number as it is written: `1.0` and `1` are different ones, with the same value.

    `NaN` and `Infinity`, which are no JSON, are kept as they are written.
    """

    text: str

    @property
    def value(self) -> tuple[bool, str, int]:
        """The exact value, to be compared: whether it is negative, its digits without zeros around them, its exponent.

        Zero has no sign: `-0` has the value of `0`. For what is no number, and for an exponent of more than 18
        digits, the text stands for the digits.
        """
        match = _NUMBER.fullmatch(self.text)
        if match is None or len(match[4] or "") > _MAX_EXPONENT_DIGITS:
            return False, self.text, 0
        decimals = match[3] or ""
        digits = (match[2] + decimals).lstrip("0")
        kept = digits.rstrip("0")
        if not kept:
            return False, "0", 0
        return match[1] == "-", kept, int(match[4] or 0) - len(decimals) + len(digits) - len(kept)

    def __str__(self) -> str:
        return self.text


def read_written_json(text: str) -> WrittenJson | Unreadable:
    """The value of a JSON text, without loss; of equal names in an object the last counts. Nothing is raised."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return Unreadable(UnreadableReason.TOO_DEEP)
    try:
        value: WrittenJson = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return Unreadable(UnreadableReason.NOT_JSON, str(error))
    return value


def write_json(value: WrittenJson) -> str:
    """A value as compact JSON in ASCII, its numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{write_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(write_json, value))}]"
    return value.text if isinstance(value, WrittenNumber) else json.dumps(value)


def _depth(text: str) -> int:
    """How deeply arrays and objects are nested in a text."""
    depth = deepest = 0
    for match in _TOKEN.finditer(text):
        if match[0] in {"[", "{"}:
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in {"]", "}"}:
            depth -= 1
    return deepest


_DECODER: Any = json.JSONDecoder(parse_int=WrittenNumber, parse_float=WrittenNumber, parse_constant=WrittenNumber)


def repeats_names(text: str) -> bool:
    """Whether an object in a JSON text has a name twice: which value counts is open (RFC 8259, section 4)."""
    try:
        json.loads(text, object_pairs_hook=_require_names_once, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return True
    return False


def _require_names_once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
