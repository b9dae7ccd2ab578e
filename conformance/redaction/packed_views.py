"""Texts that are packed inside another one: gzip (RFC 1952) and zlib (RFC 1950), unpacked up to a size."""

from __future__ import annotations

import re
import zlib
from itertools import chain, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.redaction.views import Span, View

_GZIP, _ZLIB = re.compile(rb"\x1f[\x8b]\x08"), re.compile(rb"x[\x01\x5e\x9c\xda]")
"""How they begin; of zlib, as its library writes it. What begins with one character and a set is found fastest."""
_MIN_BYTES = 16
_MAX_STARTS, _MAX_UNPACKED_BYTES = 8, 65_536
"""How many places of a text are tried, and how much is unpacked at each."""
_ANY_FORMAT = 32 + zlib.MAX_WBITS
_CHUNK_BYTES = 1024


class PackedView:
    """What was unpacked from a part of a text; all of it comes from the whole part."""

    def __init__(self, data: bytes, place: Span) -> None:
        self.data = data
        self._place = place

    def outer(self, _: Span) -> Span:
        """The place of the packed part in the text before."""
        return self._place


def is_packed(data: bytes) -> bool:
    """Whether something may be packed in a text."""
    return len(data) >= _MIN_BYTES and (_GZIP.search(data) is not None or _ZLIB.search(data) is not None)


def packed_views(data: bytes) -> Iterator[View]:
    """What is packed in a text, also if it is cut at its end."""
    for match in islice(chain(_GZIP.finditer(data), _ZLIB.finditer(data)), _MAX_STARTS):
        unpacked, used = _unpack(data[match.start() :])
        if unpacked:
            yield PackedView(unpacked, (match.start(), match.start() + used))


def _unpack(packed: bytes) -> tuple[bytes, int]:
    """What a text unpacks to, and how many bytes that took; as much as is right of it."""
    unpacker, unpacked, start = zlib.decompressobj(_ANY_FORMAT), bytearray(), 0
    try:
        while not unpacker.eof and start < len(packed) and len(unpacked) < _MAX_UNPACKED_BYTES:
            chunk = packed[start : start + _CHUNK_BYTES]
            start += len(chunk)
            unpacked += unpacker.decompress(chunk, _MAX_UNPACKED_BYTES - len(unpacked))
    except zlib.error:
        pass
    return bytes(unpacked), start - len(unpacker.unused_data)
