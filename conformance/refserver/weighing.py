"""Weighing: what a size limit counts of a body, and how many bytes that may take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from conformance.model import Json
    from conformance.profile.facts import Limit

_WIDEST = 12
"""How many bytes a character may take: one beyond the first plane, as two escapes."""


def compact(value: Json) -> bytes:
    """A JSON value as compact UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def weight(body: bytes, unit: Unit) -> int:
    """The size of a body in a unit; what is no JSON weighs what was sent."""
    if not unit.startswith("decoded"):
        return unit.of(body, body)
    try:
        return unit.of(body, compact(json.loads(body)))
    except (ValueError, RecursionError):
        return unit.of(body, body)


def most_bytes(limit: Limit) -> int:
    """How many bytes may be within a limit, whatever it counts."""
    return limit.at_most if limit.unit is Unit.BYTES else limit.at_most * _WIDEST
