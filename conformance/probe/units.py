"""Units: what a limit counts. Bytes or characters; of the body as it is sent, or of its JSON as it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.profile.facts import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.payloads import Draft
    from conformance.probe.inquiry import Inquiry

WIDE = "日"
"""A character of three bytes in UTF-8, and of six as an escape."""
_UNITS = {
    (False, False): Unit.BYTES,
    (True, False): Unit.CHARACTERS,
    (False, True): Unit.DECODED_BYTES,
    (True, True): Unit.DECODED_CHARACTERS,
}


@dataclass(slots=True, kw_only=True)
class Units:
    """Tells units apart by bodies that are too large in one and not in another. `size` is the limit.

    `why` says what does not fit, where no unit does.
    """

    inquiry: Inquiry
    make: Callable[[int, str, Unit, bool], Draft]
    size: int
    why: str = ""

    async def learn(self) -> Unit | None:
        """The unit; None if none explains what is taken and refused."""
        is_wide = await self._takes(self.size + 1, Unit.BYTES)
        is_read = await self._takes(self.size + 1, Unit.BYTES, escaped=True)
        unit = _UNITS[is_wide, is_read]
        if not await self._takes(self.size, unit):
            self.why = f"as many {unit.replace('-', ' ')} of wider characters were refused"
            return None
        if unit is not Unit.BYTES and await self._takes(self.size + 1, unit):
            self.why = f"one more, in {unit.replace('-', ' ')} of wider characters, was taken"
            return None
        return unit

    async def holds_in_chunks(self, unit: Unit) -> bool:
        """Whether the limit holds for a body without a Content-Length, as far as such bodies are taken."""
        small = self.make(self.size // 2 + 64, "a", unit, False).chunked()  # noqa: FBT003 - a spelling
        large = self.make(self.size + 1, "a", unit, False).chunked()  # noqa: FBT003 - a spelling
        return not (await self.inquiry.takes(small) and await self.inquiry.takes(large))

    async def _takes(self, size: int, unit: Unit, *, escaped: bool = False) -> bool:
        return await self.inquiry.takes(self.make(size, WIDE, unit, escaped))
