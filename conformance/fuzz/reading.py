"""A body as a strict reader finds it: JSON or not, and what readers disagree about."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from conformance.model import Json

BOM = "\ufeff"
ANY_LENGTH = 10**9
_DEEPEST, _LONGEST_NAME, _LONGEST_TEXT, _MOST = 12, 100, 2_000, 100
_LARGEST = 2**53
_DIGITS = 4_000
_NAME = re.compile(r"[A-Za-z_0-9À-￼ ][^\x00-\x1f\x7f.$]*")
_ODD_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(slots=True)
class Reading:
    """What was read: a value, unless the text is no JSON; `is_odd` where readers may differ over it."""

    value: Json = None
    is_json: bool = True
    is_utf8: bool = True
    is_odd: bool = False
    has_twins: bool = False
    is_deep: bool = False


def read(body: bytes) -> Reading:
    """Reads a body as RFC 8259 has it."""
    found = Reading()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Reading(is_json=False, is_utf8=False)
    if text.startswith(BOM):
        text, found.is_odd = text.removeprefix(BOM), True
    try:
        found.value = _decoder(found).decode(text)
    except RecursionError:
        found.is_odd = found.is_deep = True
    except ValueError:
        found.is_json = False
    return found


def _decoder(found: Reading) -> json.JSONDecoder:
    """A strict decoder that notes what readers disagree about."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items):
            found.is_odd = found.has_twins = True
        return value

    def whole(digits: str) -> int | float:
        return int(digits) if len(digits) <= _DIGITS else math.inf

    return json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_refuse, parse_int=whole)


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def is_sane(value: Json, depth: int = 0, longest: int = _LONGEST_TEXT) -> bool:
    """Whether a value holds nothing that a correct server might have reasons to refuse."""
    if isinstance(value, str):
        return len(value) <= longest and _ODD_TEXT.search(value) is None
    if isinstance(value, dict):
        return (
            depth < _DEEPEST
            and len(value) <= _MOST
            and all(is_sane_name(name) and is_sane(item, depth + 1, longest) for name, item in value.items())
        )
    if isinstance(value, list):
        return (
            depth < _DEEPEST
            and len(value) <= _MOST
            and all(is_sane(item, depth + 1, longest) for item in value)
        )
    if isinstance(value, bool) or value is None:
        return True
    return abs(value) <= _LARGEST


def is_sane_name(name: str) -> bool:
    """Whether a name is one that any store takes."""
    sane = len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None and _ODD_TEXT.search(name) is None
    return sane and not name.startswith("__") and name.strip() == name and name != "constructor"
