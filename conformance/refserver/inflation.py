"""Compressed bodies: unpacked as far as a limit, and not a byte further."""

from __future__ import annotations

import zlib

_GZIP = 31
"""zlib's number for the gzip format with the largest window."""


class Corrupt(ValueError):
    """Bytes that are not what their coding says."""


def inflate(packed: bytes, most_bytes: int) -> bytes:
    """What gzip has packed; of more than `most_bytes`, only one byte more. Raises Corrupt."""
    unpacked, rest = bytearray(), packed
    try:
        while rest and len(unpacked) <= most_bytes:
            member = zlib.decompressobj(_GZIP)
            unpacked += member.decompress(rest, most_bytes + 1 - len(unpacked))
            if not member.eof and len(unpacked) <= most_bytes:
                raise Corrupt("the stream breaks off")
            rest = member.unused_data
    except zlib.error as error:
        raise Corrupt(str(error)) from None
    if not packed:
        raise Corrupt("there is no stream")
    return bytes(unpacked)
