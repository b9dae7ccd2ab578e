"""Events and batches of an exact size, in bytes of their compact UTF-8 JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.errors import Silent

if TYPE_CHECKING:
    from conformance.model import Json, JsonObject

FILLER = "/conformance_filler"


def compact(value: Json) -> bytes:
    """Compact UTF-8 JSON: what sizes are counted in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def fill(length: int, unit: str) -> str:
    """A text of a length in UTF-8 bytes, made of a character and, for what remains, the letter a."""
    wide = len(unit.encode())
    return unit * (length // wide) + "a" * (length % wide)


def pad(event: JsonObject, filler: str, size: int, unit: str) -> JsonObject:
    """An event of an exact size. Raises Silent if it is larger already."""
    empty = pointers.put(event, filler, "")
    missing = size - len(compact(empty))
    if missing < 0:
        raise Silent(f"an event can't be as small as {size} bytes")
    return pointers.put(event, filler, fill(missing, unit))


def pad_all(events: list[JsonObject], filler: str, missing: int, unit: str) -> list[JsonObject]:
    """Events that are together larger by an exact number of bytes, spread evenly over them.

    Every event carries an empty filler already.
    """
    if missing < 0:
        raise Silent("a batch can't be that small")
    share, rest = divmod(missing, len(events))
    lengths = [share] * (len(events) - 1) + [share + rest]
    return [
        pointers.put(event, filler, fill(length, unit))
        for event, length in zip(events, lengths, strict=True)
    ]
