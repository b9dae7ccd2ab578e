"""Strict JSON parsing: whether a body is JSON, and whether parsers disagree about it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from conformance.core.model import Json

BOM = "\ufeff"
UNLIMITED_LENGTH = 10**9
_MAX_DEPTH, _MAX_NAME_LENGTH, _MAX_TEXT_LENGTH, _MAX_ITEMS = 12, 100, 2_000, 100
_MAX_SAFE_INTEGER = 2**53
_MAX_DIGITS = 4_000
_ORDINARY_NAME = re.compile(r"[A-Za-z_0-9À-￼ ][^\x00-\x1f\x7f.$]*")
_UNUSUAL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(slots=True)
class ParsedBody:
    """A parsed body: its value if it is JSON; `is_parser_dependent` if parsers may disagree about it."""

    value: Json = None
    is_json: bool = True
    is_utf8: bool = True
    is_parser_dependent: bool = False
    has_duplicate_names: bool = False
    is_too_deep: bool = False


def parse_body(body: bytes) -> ParsedBody:
    """Parses a body as RFC 8259 defines JSON."""
    parsed = ParsedBody()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return ParsedBody(is_json=False, is_utf8=False)
    if text.startswith(BOM):
        text, parsed.is_parser_dependent = text.removeprefix(BOM), True
    try:
        parsed.value = _strict_decoder(parsed).decode(text)
    except RecursionError:
        parsed.is_parser_dependent = parsed.is_too_deep = True
    except ValueError:
        parsed.is_json = False
    return parsed


def _strict_decoder(parsed: ParsedBody) -> json.JSONDecoder:
    """A strict decoder that records in `parsed` what parsers disagree about."""

    def build_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items):
            parsed.is_parser_dependent = parsed.has_duplicate_names = True
        return value

    def parse_integer(digits: str) -> int | float:
        return int(digits) if len(digits) <= _MAX_DIGITS else math.inf

    return json.JSONDecoder(object_pairs_hook=build_object, parse_constant=_reject_constant, parse_int=parse_integer)


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def is_ordinary_value(value: Json, depth: int = 0, max_text_length: int = _MAX_TEXT_LENGTH) -> bool:
    """Whether a value holds nothing that a correct server might have reasons to reject."""
    if isinstance(value, str):
        return len(value) <= max_text_length and _UNUSUAL_CHARACTER.search(value) is None
    if isinstance(value, dict):
        return (
            depth < _MAX_DEPTH
            and len(value) <= _MAX_ITEMS
            and all(
                is_ordinary_name(name) and is_ordinary_value(item, depth + 1, max_text_length)
                for name, item in value.items()
            )
        )
    if isinstance(value, list):
        return (
            depth < _MAX_DEPTH
            and len(value) <= _MAX_ITEMS
            and all(is_ordinary_value(item, depth + 1, max_text_length) for item in value)
        )
    if isinstance(value, bool) or value is None:
        return True
    return abs(value) <= _MAX_SAFE_INTEGER


def is_ordinary_name(name: str) -> bool:
    """Whether any data store accepts a name."""
    is_ordinary = (
        len(name) <= _MAX_NAME_LENGTH
        and _ORDINARY_NAME.fullmatch(name) is not None
        and _UNUSUAL_CHARACTER.search(name) is None
    )
    return is_ordinary and not name.startswith("__") and name.strip() == name and name != "constructor"
