"""Weighing: what a size limit counts of a body, and how many bytes that may take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.profile.facts import SizeLimit

_MAX_BYTES_PER_CHARACTER = 12
"""How many bytes a character may take: one beyond the first plane, as two escapes."""


def compact_json(value: Json) -> bytes:
    """A JSON value as compact UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def measure_size(body: bytes, unit: SizeUnit) -> int:
    """The size of a body in a unit; what is no JSON weighs what was sent."""
    if not unit.startswith("decoded"):
        return unit.measure(body, body)
    try:
        return unit.measure(body, compact_json(json.loads(body)))
    except (ValueError, RecursionError):
        return unit.measure(body, body)


def max_bytes(limit: SizeLimit) -> int:
    """How many bytes may be within a limit, whatever it counts."""
    return limit.at_most if limit.unit is SizeUnit.BYTES else limit.at_most * _MAX_BYTES_PER_CHARACTER
