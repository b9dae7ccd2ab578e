"""Reading JSON that somebody else wrote: answers of targets, and files of users.

No text makes `read_json` raise. What Python's parser takes and RFC 8259 does not (NaN, Infinity) is no JSON here.
What is JSON, but would break code that handles the value, is made harmless: see `read_json`.
"""

from __future__ import annotations

import enum
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from conformance.core.text import shorten

if TYPE_CHECKING:
    from conformance.core.model import Json, Response

MAX_DEPTH = 64
"""Arrays and objects inside one another; deeper ones are read as empty (RFC 8259, section 9, allows a limit)."""
MAX_VALUES = 50_000
"""Values in one answer."""
_MAX_FILE_VALUES = 1_000_000
_MAX_DIGITS = 300
_LARGEST = sys.float_info.max
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class _DuplicateNameError(ValueError):
    """An object has a name twice; the text is the name."""


class UnreadableReason(enum.StrEnum):
    """Why a text has no value."""

    NOT_JSON = "it is not JSON"
    TOO_DEEP = f"it is JSON nested deeper than {MAX_DEPTH} levels"
    TOO_LONG = "it is longer than what is read"
    TOO_MANY_VALUES = "it is JSON with too many values"
    DUPLICATE_NAMES = "it is JSON with a name twice in one object"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text without a value; `detail` is the parser's message, with the position."""

    reason: UnreadableReason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else str(self.reason)


def read_body(response: Response) -> Json | Unreadable:
    """The JSON value of an answer's body, as `read_json` reads it; TOO_LONG if the body was cut."""
    if response.truncated:
        return Unreadable(UnreadableReason.TOO_LONG)
    return read_json(response.text)


def read_file_json(text: str) -> Json | Unreadable:
    """The JSON value of a file, as `read_json` reads it; one that a person or a program got wrong has none.

    That is, in addition to what is no JSON, a name twice in one object, and what is nested too deeply or too large.
    """
    if text.count(",") > _MAX_FILE_VALUES:
        return Unreadable(UnreadableReason.TOO_MANY_VALUES)
    return read_json(text, max_values=None, cuts_depth=False, decoder=_UNIQUE_DECODER)


def read_json(
    text: str,
    *,
    max_values: int | None = MAX_VALUES,
    cuts_depth: bool = True,
    decoder: json.JSONDecoder | None = None,
) -> Json | Unreadable:
    """The value of a JSON text, safe to walk recursively, to compare, to print and to write as UTF-8.

    Of equal names in an object the last counts. A number beyond the range of a double is read as the largest
    one, and a lone surrogate as the replacement character. What is nested deeper than MAX_DEPTH is read as
    empty, or is TOO_DEEP without `cuts_depth`. `max_values` None means any number.
    """
    shortened, value_count = _within_depth(text)
    try:
        value: Json = (decoder or _DECODER).decode(shortened)
    except _DuplicateNameError as error:
        return Unreadable(UnreadableReason.DUPLICATE_NAMES, str(error))
    except (ValueError, RecursionError) as error:
        return Unreadable(UnreadableReason.NOT_JSON, str(error))
    if not cuts_depth and shortened is not text:
        return Unreadable(UnreadableReason.TOO_DEEP)
    if max_values is not None and value_count > max_values:
        return Unreadable(UnreadableReason.TOO_MANY_VALUES)
    if "\\u" in shortened or not shortened.isascii():
        value = _without_surrogates(value)
    return value


def _within_depth(text: str) -> tuple[str, int]:
    """The text with everything nested deeper than MAX_DEPTH left out, and at most how many values it has."""
    separators = text.count(",")
    if text.count("[") + text.count("{") <= MAX_DEPTH and separators < MAX_VALUES:
        return text, separators + 1
    pieces, kept_from, depth, separators = [], 0, 0, 0
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part == ",":
            separators += 1
        elif part in {"[", "{"}:
            depth += 1
            if depth == MAX_DEPTH + 1:
                pieces.append(text[kept_from : match.end()])
                kept_from = -1
        elif part in {"]", "}"}:
            if depth == MAX_DEPTH + 1:
                kept_from = match.start()
            depth -= 1
    if not pieces:
        return text, separators + 1
    return "".join([*pieces, text[kept_from:] if kept_from >= 0 else ""]), separators + 1


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A value with a replacement character for every lone surrogate; depth is at most MAX_DEPTH."""
    if isinstance(value, str):
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def _read_integer(digits: str) -> int:
    if len(digits) <= _MAX_DIGITS:
        return int(digits)
    return int(-_LARGEST if digits.startswith("-") else _LARGEST)


def _read_float(digits: str) -> float:
    return min(max(float(digits), -_LARGEST), _LARGEST)


def _reject_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _read_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises an error if a name is there twice."""
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise _DuplicateNameError(shorten(next(name for name, count in counts.items() if count > 1)))
    return value


_DECODER = json.JSONDecoder(parse_int=_read_integer, parse_float=_read_float, parse_constant=_reject_constant)
_UNIQUE_DECODER = json.JSONDecoder(
    parse_int=_read_integer,
    parse_float=_read_float,
    parse_constant=_reject_constant,
    object_pairs_hook=_read_unique,
)
