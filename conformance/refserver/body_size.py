"""The size of a body: in the unit of its limit, and how far gzip is decompressed."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.profile.facts import SizeLimit

_GZIP = 31
"""zlib's number for the gzip format with the largest window."""
_MAX_BYTES_PER_CHARACTER = 12
"""The most bytes that a character takes in JSON: two escapes for one beyond the basic plane."""


def compact_json(value: Json) -> bytes:
    """A JSON value as compact UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def measure_size(body: bytes, unit: SizeUnit) -> int:
    """The size of a body in a unit; a body that is not JSON counts with its raw size."""
    if not unit.startswith("decoded"):
        return unit.measure(body, body)
    try:
        return unit.measure(body, compact_json(json.loads(body)))
    except (ValueError, RecursionError):
        return unit.measure(body, body)


def max_bytes(limit: SizeLimit) -> int:
    """The most bytes that a body within the limit can have, in whatever unit the limit counts."""
    return limit.at_most if limit.unit is SizeUnit.BYTES else limit.at_most * _MAX_BYTES_PER_CHARACTER


class CorruptStream(ValueError):
    """The body is not valid gzip, or incomplete."""


def decompress_gzip(compressed: bytes, max_bytes: int) -> bytes:
    """The decompressed body; at most one byte more than `max_bytes`. Raises CorruptStream."""
    decompressed, remaining = bytearray(), compressed
    try:
        while remaining and len(decompressed) <= max_bytes:
            member = zlib.decompressobj(_GZIP)
            decompressed += member.decompress(remaining, max_bytes + 1 - len(decompressed))
            if not member.eof and len(decompressed) <= max_bytes:
                raise CorruptStream("the stream breaks off")
            remaining = member.unused_data
    except zlib.error as error:
        raise CorruptStream(str(error)) from None
    if not compressed:
        raise CorruptStream("there is no stream")
    return bytes(decompressed)
