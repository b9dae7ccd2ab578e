"""Events and batches of an exact size, in bytes of their JSON or in other units."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.errors import Silent
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.model import Json, JsonObject

FILLER = "/conformance_filler"


def encode(value: Json, *, ascii_only: bool = False) -> bytes:
    """Compact JSON, in UTF-8 or in ASCII with escapes: what sizes are counted in."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """How a body is filled up: where, with which character, how that is written down, what is counted."""

    pointer: str
    unit: str = "a"
    ascii_only: bool = False
    counted: Unit = Unit.BYTES

    def event(self, event: JsonObject, size: int) -> JsonObject:
        """An event of an exact size. Raises Silent if it is larger already."""
        missing = size - self._length(pointers.put(event, self.pointer, ""))
        if missing < 0:
            raise Silent(f"an event can't be as small as {size} {self._counted}")
        return pointers.put(event, self.pointer, self._text(missing))

    def batch(self, envelope: JsonObject, where: str, events: Iterable[JsonObject], size: int) -> JsonObject:
        """A batch of an exact size, its events filled evenly. Raises Silent if it is larger already."""
        slots = [pointers.put(event, self.pointer, "") for event in events]
        missing = size - self._length(pointers.put(envelope, where, [*slots]))
        if missing < 0:
            raise Silent(f"a batch of {len(slots)} events can't be as small as {size} {self._counted}")
        share, rest = divmod(missing, len(slots))
        texts = [self._text(share)] * (len(slots) - 1) + [self._text(share + rest)]
        filled = [pointers.put(slot, self.pointer, text) for slot, text in zip(slots, texts, strict=True)]
        return pointers.put(envelope, where, [*filled])

    def _length(self, value: Json) -> int:
        return self.counted.of(encode(value, ascii_only=self.ascii_only), encode(value))

    @property
    def _counted(self) -> str:
        return self.counted.replace("-", " ")

    def _text(self, length: int) -> str:
        """A text that takes so many units: the character, and the letter a for what remains."""
        wide = self._length(self.unit) - len('""')
        return self.unit * (length // wide) + "a" * (length % wide)
