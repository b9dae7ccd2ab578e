"""The units of size limits, and sizes as profiles write them."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import Source

MAX_SIZE = 100 * 1024**2
"""The largest limit: a body of its size, and one beyond it, has to be made."""
_BYTES_PER_UNIT = {
    "b": (1, 1),
    "kb": (1000, 1024),
    "mb": (1000**2, 1024**2),
    "kib": (1024, 1024),
    "mib": (1024**2,) * 2,
}
_PARSED_WITHIN_PERCENT, _PARSED_OVER_PERCENT = 97, 105
"""Events inside a batch: at these shares of the two readings of a limit, a server must accept and refuse."""
_PARSED_LIMIT_FACT = "limits.batch-event"
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


def parse_size(size: str | int | Mapping[str, int]) -> tuple[int, int]:
    """The two readings of a size in bytes: `32KB` is 32,000 or 32,768. Raises ValueError for another text."""
    if isinstance(size, int):
        return size, size
    if not isinstance(size, str):
        return size["at_least"], size["at_most"]
    match = re.fullmatch(r"(\d+) ?([a-zA-Z]+)", size)
    if match is None:
        raise ValueError(f"{size!r} is not a size")
    small, large = _BYTES_PER_UNIT[match[2].lower()]
    return int(match[1]) * small, int(match[1]) * large


def is_measured_after_parsing(name: str) -> bool:
    """Whether a limit, given by its fact's name, is that of an event inside a batch."""
    return name == _PARSED_LIMIT_FACT


def largest_accepted(name: str, at_least: int) -> int:
    """The largest size that must be accepted, by the name of a limit and its smaller reading."""
    return at_least * _PARSED_WITHIN_PERCENT // 100 if is_measured_after_parsing(name) else at_least


def smallest_refused(name: str, at_most: int) -> int:
    """The smallest size that must be refused, by the name of a limit and its larger reading."""
    return -(-at_most * _PARSED_OVER_PERCENT // 100) if is_measured_after_parsing(name) else at_most + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerSize:
    """What newer sources of the vendor say of a limit: the document, by which is judged, may be stale."""

    at_least: int
    at_most: int
    sources: tuple[Source, ...]

    @classmethod
    def parse(cls, size: Any, sources: tuple[Source, ...]) -> NewerSize:  # noqa: ANN401 - data that a schema has checked
        """A size as a profile writes it, with its sources."""
        at_least, at_most = parse_size(size)
        return cls(at_least=at_least, at_most=at_most, sources=sources)
