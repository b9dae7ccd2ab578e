"""The units of size limits."""

from __future__ import annotations

import enum

_LAST_BMP_CHARACTER = "\uffff"
"""The last character that is one code unit in UTF-16; those after it are two."""


class SizeUnit(enum.StrEnum):
    """What a size limit counts, in a body as it is sent or (decoded) in the same JSON without escapes and spaces."""

    BYTES = "bytes"
    CHARACTERS = "characters"
    UTF_16_UNITS = "utf16-units"
    DECODED_BYTES = "decoded-bytes"
    DECODED_CHARACTERS = "decoded-characters"
    DECODED_UTF_16_UNITS = "decoded-utf16-units"

    @property
    def words(self) -> str:
        """The unit as sentences name it."""
        return self.value.replace("-", " ").replace("utf16", "UTF-16")

    def measure(self, body: bytes, decoded: bytes) -> int:
        """The size of a body in this unit; `decoded` is the same JSON, compact and in UTF-8."""
        match self:
            case SizeUnit.BYTES:
                return len(body)
            case SizeUnit.CHARACTERS:
                return len(_to_text(body))
            case SizeUnit.UTF_16_UNITS:
                return _utf_16_length(_to_text(body))
            case SizeUnit.DECODED_BYTES:
                return len(decoded)
            case SizeUnit.DECODED_CHARACTERS:
                return len(_to_text(decoded))
            case SizeUnit.DECODED_UTF_16_UNITS:
                return _utf_16_length(_to_text(decoded))


def describe_unit(name: str) -> str:
    """The unit of a report as sentences name it; one that is unknown, as it is written."""
    try:
        return SizeUnit(name).words
    except ValueError:
        return name


def _to_text(body: bytes) -> str:
    return body.decode(errors="replace")


def _utf_16_length(text: str) -> int:
    return len(text) + sum(character > _LAST_BMP_CHARACTER for character in text)
