"""Units: what a size limit counts."""

from __future__ import annotations

import enum

_LAST_BMP_CHARACTER = "\uffff"
"""The last character that is one unit of UTF-16; those after it are two."""


class SizeUnit(enum.StrEnum):
    """What a size limit counts: of a body as it is sent, or of its JSON without escapes and white space."""

    BYTES = "bytes"
    CHARACTERS = "characters"
    UTF_16_UNITS = "utf16-units"
    DECODED_BYTES = "decoded-bytes"
    DECODED_CHARACTERS = "decoded-characters"
    DECODED_UTF_16_UNITS = "decoded-utf16-units"

    def measure(self, body: bytes, decoded: bytes) -> int:
        """The size of a body: of itself, or of `decoded`, the same as compact JSON in UTF-8."""
        counted = decoded if self.startswith("decoded") else body
        if self.endswith("bytes"):
            return len(counted)
        text = counted.decode(errors="replace")
        surrogate_pairs = sum(letter > _LAST_BMP_CHARACTER for letter in text) if self.endswith("units") else 0
        return len(text) + surrogate_pairs
