"""Compressed bodies: unpacked as far as a limit, and not a byte further."""

from __future__ import annotations

import zlib

_GZIP = 31
"""zlib's number for the gzip format with the largest window."""


class CorruptStream(ValueError):
    """Bytes that are not what their coding says."""


def decompress_gzip(compressed: bytes, max_bytes: int) -> bytes:
    """What gzip has packed; of more than `most_bytes`, only one byte more. Raises Corrupt."""
    decompressed, remaining = bytearray(), compressed
    try:
        while remaining and len(decompressed) <= max_bytes:
            member = zlib.decompressobj(_GZIP)
            decompressed += member.decompress(remaining, max_bytes + 1 - len(decompressed))
            if not member.eof and len(decompressed) <= max_bytes:
                raise CorruptStream("the stream breaks off")
            remaining = member.unused_data
    except zlib.error as error:
        raise CorruptStream(str(error)) from None
    if not compressed:
        raise CorruptStream("there is no stream")
    return bytes(decompressed)
