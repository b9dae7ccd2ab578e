"""Units: whether a limit counts bytes or characters, of the body as sent or of the decoded JSON."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable
from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.probe.client import ProbeClient
    from conformance.requests import Draft

_THREE_BYTE_CHARACTER = "日"
"""A character of three bytes in UTF-8, and of six as an escape."""
_FOUR_BYTE_CHARACTER = "😀"
"""A character of four bytes in UTF-8, and of two units in UTF-16."""
_SIZE_SHARES = (0.5, 0.33, 0.25, 0.16)
"""Shares of the limit that are tried as a size in bytes of wider characters."""
_UNIT_BY_ACCEPTANCE = {
    (False, False): SizeUnit.BYTES,
    (True, False): SizeUnit.CHARACTERS,
    (False, True): SizeUnit.DECODED_BYTES,
    (True, True): SizeUnit.DECODED_CHARACTERS,
}

_UTF_16_COUNTERPART = {
    SizeUnit.CHARACTERS: SizeUnit.UTF_16_UNITS,
    SizeUnit.DECODED_CHARACTERS: SizeUnit.DECODED_UTF_16_UNITS,
}
"""Units that count like these up to U+FFFF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePadding:
    """How a request is filled up: to a size in a unit, with a character; size 0 leaves it unchanged."""

    size: int = 0
    character: str = "a"
    unit: SizeUnit = SizeUnit.BYTES
    is_escaped: bool = False

    def pad_body(self, draft: Draft) -> Draft:
        """A request whose body has that size."""
        return self._with_escapes(draft).with_body_size(self.size, self.character, self.unit) if self.size else draft

    def pad_first_event(self, draft: Draft) -> Draft:
        """A batch whose first event has that size."""
        return self._with_escapes(draft).with_event_size(self.size, self.character, self.unit) if self.size else draft

    def _with_escapes(self, draft: Draft) -> Draft:
        return draft.with_ascii_escapes() if self.is_escaped else draft


@dataclass(slots=True, kw_only=True)
class UnitProbe:
    """Finds out which unit a size limit counts, using bodies that exceed it in one unit and not in another.

    `limit` is the largest accepted size in bytes of plain letters. An event in a batch `is_measured_after_parsing`, so
    escapes make no difference. If no unit fits, `mismatch` says why; `counts_wide_characters_more` is true if wider
    characters count more than their bytes.
    """

    client: ProbeClient
    make_draft: Callable[[SizePadding], Draft]
    limit: int
    is_measured_after_parsing: bool = False
    mismatch: str = ""
    counts_wide_characters_more: bool = False

    async def find_unit(self) -> SizeUnit | None:
        """The unit; None if none fits the accepted and refused sizes."""
        one_over = SizePadding(size=self.limit + 1, character=_THREE_BYTE_CHARACTER)
        counts_characters = await self._is_accepted(one_over)
        counts_decoded = not self.is_measured_after_parsing and await self._is_accepted(
            replace(one_over, is_escaped=True)
        )
        unit = _UNIT_BY_ACCEPTANCE[counts_characters, counts_decoded]
        if unit in _UTF_16_COUNTERPART and not await self._is_accepted(
            SizePadding(size=self.limit, character=_FOUR_BYTE_CHARACTER, unit=unit)
        ):
            unit = _UTF_16_COUNTERPART[unit]
        if not await self._is_accepted(SizePadding(size=self.limit, character=_THREE_BYTE_CHARACTER, unit=unit)):
            self.counts_wide_characters_more = unit is SizeUnit.BYTES
            self.mismatch = f"as many {unit.words} of wider characters are refused"
            return None
        one_over_in_unit = replace(
            one_over,
            character=_FOUR_BYTE_CHARACTER if unit in _UTF_16_COUNTERPART.values() else _THREE_BYTE_CHARACTER,
            unit=unit,
        )
        if unit is not SizeUnit.BYTES and await self._is_accepted(one_over_in_unit):
            self.mismatch = f"one more, in {unit.words} of wider characters, is taken"
            return None
        return unit

    async def find_safe_size(self) -> int | None:
        """A size in bytes that is accepted whatever characters the body contains; None if none is found."""
        for share in _SIZE_SHARES:
            size = int(self.limit * share)
            with contextlib.suppress(NotApplicable):
                if await self._is_accepted(
                    SizePadding(size=size, character=_THREE_BYTE_CHARACTER)
                ) and await self._is_accepted(SizePadding(size=size, character=_THREE_BYTE_CHARACTER, is_escaped=True)):
                    return size
        return None

    async def holds_in_chunks(self, unit: SizeUnit) -> bool:
        """Whether a body over the limit is refused if it is sent in chunks, without a Content-Length."""
        large = self.make_draft(SizePadding(size=self.limit + 1, unit=unit)).with_chunked_encoding()
        return not await self.client.is_accepted(large)

    async def _is_accepted(self, padding: SizePadding) -> bool:
        return await self.client.is_accepted(self.make_draft(padding))
