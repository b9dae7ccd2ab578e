"""Events and batches of an exact size, in bytes of their JSON or in other units."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Json, JsonObject

FILLER_POINTER = "/conformance_filler"


def encode_json(value: Json, *, ascii_only: bool = False) -> bytes:
    """Compact JSON in UTF-8, or in ASCII with escapes. Sizes are those of this encoding."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """Pads events and batches to an exact size.

    `pointer` is the filler field, `character` what it is made of, `size_unit` what is counted.
    """

    pointer: str
    character: str = "a"
    ascii_only: bool = False
    size_unit: SizeUnit = SizeUnit.BYTES

    def pad_event(self, event: JsonObject, size: int) -> JsonObject:
        """An event of exactly `size` units. Raises NotApplicable if it is larger already."""
        missing = size - self._size_of(pointers.put(event, self.pointer, ""))
        if missing < 0:
            raise NotApplicable(f"an event can't be as small as {size} {self.size_unit.words}")
        return pointers.put(event, self.pointer, self._filler_text(missing))

    def pad_batch(self, envelope: JsonObject, list_pointer: str, events: Iterable[JsonObject], size: int) -> JsonObject:
        """A batch of exactly `size` units, its events padded evenly. Raises NotApplicable if it is larger already."""
        unfilled = [pointers.put(event, self.pointer, "") for event in events]
        missing = size - self._size_of(pointers.put(envelope, list_pointer, [*unfilled]))
        if missing < 0:
            raise NotApplicable(f"a batch of {len(unfilled)} events can't be as small as {size} {self.size_unit.words}")
        share, rest = divmod(missing, len(unfilled))
        texts = [self._filler_text(share)] * (len(unfilled) - 1) + [self._filler_text(share + rest)]
        filled = [pointers.put(event, self.pointer, text) for event, text in zip(unfilled, texts, strict=True)]
        return pointers.put(envelope, list_pointer, [*filled])

    def _size_of(self, value: Json) -> int:
        return self.size_unit.measure(encode_json(value, ascii_only=self.ascii_only), encode_json(value))

    def _filler_text(self, length: int) -> str:
        """A text of `length` units: the character, repeated, and the letter a for the rest."""
        character_size = self._size_of(self.character) - len('""')
        return self.character * (length // character_size) + "a" * (length % character_size)
