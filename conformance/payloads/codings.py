"""Codings: bodies packed with gzip, well and badly, and what is called gzip and is none."""

from __future__ import annotations

import functools
import gzip
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.payloads.call import Call
    from conformance.payloads.draft import Draft

BOMB_BYTES = 10_000_000
_BEST, _STORED = 9, 0
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_RAW_DEFLATE = -zlib.MAX_WBITS
_STAND_IN = "conformance-bomb"
_MASK = 0xFFFF_FFFF


def packed(draft: Draft) -> Draft:
    """The same in gzip."""
    return _coded(draft, _packer(draft))


def corrupt(draft: Draft) -> Draft:
    """The same as something that begins like gzip, and is none for any reader."""
    return _coded(draft, lambda body: _HEAD + b"\xff" * len(body))


def truncated(draft: Draft) -> Draft:
    """The same in gzip that breaks off in the middle."""
    pack = _packer(draft)
    return _coded(draft, lambda body: pack(body)[: len(pack(body)) // 2])


def mislabelled(draft: Draft) -> Draft:
    """The same, called gzip and not packed at all."""
    return _coded(draft, lambda body: body)


def uncalled(draft: Draft) -> Draft:
    """The same under the name of a coding that nobody knows."""
    return draft.headed("Content-Encoding", "conformance")


def bomb(call: Call) -> Draft:
    """An event of ten million bytes, packed into ten thousand."""
    draft = call.event().put(call.event().layout.filler, _STAND_IN)
    level = _level(draft)

    def respell(body: bytes) -> bytes:
        before, _, after = body.partition(_STAND_IN.encode())
        return _around(before, after, level)

    return _coded(draft, respell)


def _coded(draft: Draft, respell: Callable[[bytes], bytes]) -> Draft:
    return draft.headed("Content-Encoding", "gzip").spelled(respell)


def _packer(draft: Draft) -> Callable[[bytes], bytes]:
    level = _level(draft)
    return lambda body: gzip.compress(body, level, mtime=0)


def _level(draft: Draft) -> int:
    """How much to compress: not at all where the body has the key, which reports could not hide then."""
    return _BEST if draft.credentials.body_key is None else _STORED


def _around(before: bytes, after: bytes, level: int) -> bytes:
    """Gzip of a text with the filler in the middle, which is compressed only once."""
    deflate = _deflate(before, level) + _filler() + _deflate(after, level, zlib.Z_FINISH)
    checksum = zlib.crc32(after, zlib.crc32(b"a" * BOMB_BYTES, zlib.crc32(before)))
    length = len(before) + BOMB_BYTES + len(after)
    return _HEAD + deflate + struct.pack("<LL", checksum, length & _MASK)


def _deflate(data: bytes, level: int, flush: int = zlib.Z_FULL_FLUSH) -> bytes:
    """A part of a deflate stream that does not look back at what is before it."""
    engine = zlib.compressobj(level, zlib.DEFLATED, _RAW_DEFLATE)
    return engine.compress(data) + engine.flush(flush)


@functools.cache
def _filler() -> bytes:
    return _deflate(b"a" * BOMB_BYTES, _BEST)
