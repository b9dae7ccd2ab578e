"""Units: what a limit counts. Bytes or characters, of the body as it is sent or of its JSON as it is read."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.errors import Silent
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.payloads import Draft
    from conformance.probe.inquiry import Inquiry

_WIDE = "日"
"""A character of three bytes in UTF-8, and of six as an escape."""
_WIDEST = "😀"
"""A character of four bytes in UTF-8, and of two units in UTF-16."""
_SHARES = (0.5, 0.33, 0.25, 0.16)
"""Of which part of the letters that are taken as many bytes of wider characters may be."""
_UNITS = {
    (False, False): Unit.BYTES,
    (True, False): Unit.CHARACTERS,
    (False, True): Unit.DECODED_BYTES,
    (True, True): Unit.DECODED_CHARACTERS,
}

_PAIRED = {
    Unit.CHARACTERS: Unit.UTF_16_UNITS,
    Unit.DECODED_CHARACTERS: Unit.DECODED_UTF_16_UNITS,
}
"""What counts as characters do up to U+FFFF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How a request is filled up: to which size of which unit, with which character; 0 leaves it as it is."""

    size: int = 0
    letter: str = "a"
    unit: Unit = Unit.BYTES
    is_escaped: bool = False

    def whole(self, draft: Draft) -> Draft:
        """A request whose body has that size."""
        return self._dressed(draft).sized(self.size, self.letter, self.unit) if self.size else draft

    def first(self, draft: Draft) -> Draft:
        """A batch whose first event has that size."""
        return self._dressed(draft).event_sized(self.size, self.letter, self.unit) if self.size else draft

    def _dressed(self, draft: Draft) -> Draft:
        return draft.escaped() if self.is_escaped else draft


@dataclass(slots=True, kw_only=True)
class Units:
    """Tells units apart by bodies that are too large in one and not in another. `size` is the limit.

    An event in a batch is counted after it `is_read`, in whatever spelling: then escapes tell nothing. `why`
    says what does not fit, where no unit does; it `is_heavier` where wider characters
    count more than their bytes.
    """

    inquiry: Inquiry
    make: Callable[[Filled], Draft]
    size: int
    is_read: bool = False
    why: str = ""
    is_heavier: bool = False

    async def learn(self) -> Unit | None:
        """The unit; None if none explains what is taken and refused."""
        over = Filled(size=self.size + 1, letter=_WIDE)
        is_wide = await self._takes(over)
        is_decoded = not self.is_read and await self._takes(replace(over, is_escaped=True))
        unit = _UNITS[is_wide, is_decoded]
        if unit in _PAIRED and not await self._takes(Filled(size=self.size, letter=_WIDEST, unit=unit)):
            unit = _PAIRED[unit]
        if not await self._takes(Filled(size=self.size, letter=_WIDE, unit=unit)):
            self.is_heavier = unit is Unit.BYTES
            self.why = f"as many {unit.replace('-', ' ')} of wider characters are refused"
            return None
        wide = replace(over, letter=_WIDEST if unit in _PAIRED.values() else _WIDE, unit=unit)
        if unit is not Unit.BYTES and await self._takes(wide):
            self.why = f"one more, in {unit.replace('-', ' ')} of wider characters, is taken"
            return None
        return unit

    async def least(self) -> int | None:
        """How many bytes are taken, whatever they spell; None if none are."""
        for share in _SHARES:
            size = int(self.size * share)
            with contextlib.suppress(Silent):
                if await self._takes(Filled(size=size, letter=_WIDE)) and await self._takes(
                    Filled(size=size, letter=_WIDE, is_escaped=True)
                ):
                    return size
        return None

    async def holds_in_chunks(self, unit: Unit) -> bool:
        """Whether the limit holds for a body without a Content-Length, as far as such bodies are taken."""
        large = self.make(Filled(size=self.size + 1, unit=unit)).chunked()
        return not await self.inquiry.takes(large)

    async def _takes(self, filled: Filled) -> bool:
        return await self.inquiry.takes(self.make(filled))
