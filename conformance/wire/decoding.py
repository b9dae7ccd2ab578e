"""Reads the body of an answer up to a cap, before and after decoding."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

MAX_BODY_BYTES = 1_048_576
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read_body(response: httpx.Response) -> tuple[bytes, bool]:
    """The decoded body, and whether the cap cut it. Raises httpcore's errors as they are."""
    raw = bytearray()
    async for part in response.aiter_raw():
        raw += part
        if len(raw) > MAX_BODY_BYTES:
            break
    return decode_body(bytes(raw), response.headers.get("content-encoding", ""))


def decode_body(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    """A body without its content coding, and whether the cap cut it.

    A body that is not what its Content-Encoding says is returned as it came.
    """
    window_bits = _WINDOW_BITS.get(encoding.strip().lower())
    if window_bits is None:
        return raw[:MAX_BODY_BYTES], len(raw) > MAX_BODY_BYTES
    decoder = zlib.decompressobj(window_bits)
    try:
        body = decoder.decompress(raw, MAX_BODY_BYTES)
    except zlib.error:
        return raw[:MAX_BODY_BYTES], len(raw) > MAX_BODY_BYTES
    return body, bool(decoder.unconsumed_tail)
