"""Decodes headers and bodies of answers; bodies are cut at a maximum size."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING

from conformance.wire.head_limits import MAX_PARTS, AnswerTooLong
from conformance.wire.sockets import RECEIVED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

MAX_BODY_BYTES = 131_072
"""What is kept of a body: hundreds of answers are held at once."""
MAX_READ_BYTES = 1_048_576
"""What is read of a body, with all that frames it, before its connection is given up."""
MAX_TRAILING_BYTES = 16_384
"""What is kept of bytes that belong to no answer."""
_MAX_HEADERS, _MAX_HEADER_CHARS, _MAX_VALUE_CHARS = 256, 32_768, 8_192
"""What is kept of the headers of an answer, together and each."""
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def headers_to_text(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Header names and values as text, cut as by `cut_headers`."""
    return cut_headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


def cut_headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The first headers of an answer, up to a number and a size; longer values are cut."""
    kept: list[tuple[str, str]] = []
    room = _MAX_HEADER_CHARS
    for name, value in itertools.islice(pairs, _MAX_HEADERS):
        short = (name[:_MAX_VALUE_CHARS], value[:_MAX_VALUE_CHARS])
        room -= len(short[0]) + len(short[1])
        if room < 0:
            break
        kept.append(short)
    return tuple(kept)


class BodyBuffer:
    """The beginning of a body that is being received, and how many bytes there were."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._received = self._received_with_framing = self._parts = 0

    def add(self, part: bytes) -> None:
        """Receives a part; what is over MAX_BODY_BYTES is only counted. Raises AnswerTooLong."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise AnswerTooLong(MAX_PARTS, "pieces in its body")
        self._received += len(part)
        self._kept += part[: MAX_BODY_BYTES - len(self._kept)]

    def count_with_framing(self, received_bytes: int) -> None:
        """Takes how many bytes came for this answer so far: extensions of chunks may be longer than the chunks."""
        self._received_with_framing = received_bytes

    @property
    def is_over(self) -> bool:
        """Whether no more is read of this body."""
        return max(self._received, self._received_with_framing) > MAX_READ_BYTES

    def decode(self, encoding: str) -> tuple[bytes, bool]:
        """The body without its content coding, and whether it was cut, as by `decode_body`."""
        body, is_cut = decode_body(bytes(self._kept), encoding)
        return body, is_cut or self.is_over or self._received > len(self._kept)


async def read_body(response: httpx.Response) -> tuple[bytes, bool]:
    """The decoded body, and whether it was cut at MAX_BODY_BYTES. Raises httpcore's errors."""
    body = BodyBuffer()
    stream = response.extensions["network_stream"]
    async for part in response.aiter_raw():
        body.add(part)
        body.count_with_framing(stream.get_extra_info(RECEIVED_BYTES))
        if body.is_over:
            break
    return body.decode(response.headers.get("content-encoding", ""))


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
