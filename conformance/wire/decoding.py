"""Decodes headers and bodies of answers; bodies are cut at a maximum size."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

MAX_BODY_BYTES = 1_048_576
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def headers_to_text(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Header names and values as text."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


async def read_body(response: httpx.Response) -> tuple[bytes, bool]:
    """The decoded body, and whether it was cut at MAX_BODY_BYTES. Raises httpcore's errors."""
    raw = bytearray()
    async for part in response.aiter_raw():
        raw += part
        if len(raw) > MAX_BODY_BYTES:
            break
    return decode_body(bytes(raw), response.headers.get("content-encoding", ""))


def decode_body(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    """A body without its content coding, and whether it was cut at MAX_BODY_BYTES.

    A body that does not match its Content-Encoding is returned as it was received.
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
