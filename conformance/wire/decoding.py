"""Reads the body of an answer up to a cap, before and after decoding."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

CAP_BYTES = 1_048_576
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read(response: httpx.Response) -> tuple[bytes, bool]:
    """The decoded body, and whether the cap cut it. Raises httpcore's errors as they are."""
    raw = bytearray()
    async for part in response.aiter_raw():
        raw += part
        if len(raw) > CAP_BYTES:
            break
    return decode(bytes(raw), response.headers.get("content-encoding", ""))


def decode(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    """A body without its content coding, and whether the cap cut it.

    A body that is not what its Content-Encoding says is returned as it came.
    """
    window = _WINDOWS.get(encoding.strip().lower())
    if window is None:
        return raw[:CAP_BYTES], len(raw) > CAP_BYTES
    decoder = zlib.decompressobj(window)
    try:
        body = decoder.decompress(raw, CAP_BYTES)
    except zlib.error:
        return raw[:CAP_BYTES], len(raw) > CAP_BYTES
    return body, bool(decoder.unconsumed_tail)
