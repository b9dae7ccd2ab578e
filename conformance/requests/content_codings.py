"""Content codings: gzip bodies, valid and corrupt, and bodies that are labelled gzip but are not."""

from __future__ import annotations

import functools
import gzip
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

BOMB_BYTES = 10_000_000
_BEST_COMPRESSION, _NO_COMPRESSION = 9, 0
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_RAW_DEFLATE = -zlib.MAX_WBITS
_PLACEHOLDER = "conformance-bomb"
_UINT32_MASK = 0xFFFF_FFFF


def with_gzip(draft: Draft) -> Draft:
    """The same, compressed with gzip."""
    return _with_gzip_coding(draft, _compressor(draft))


def compress(draft: Draft, body: bytes) -> bytes:
    """A body in gzip, as of a draft: not compressed if it holds the key, since reports could not recognize it."""
    return gzip.compress(body, _compression_level(draft), mtime=0)


def store(_: Draft, body: bytes) -> bytes:
    """A body in gzip without compression."""
    return gzip.compress(body, _NO_COMPRESSION, mtime=0)


def compress_in_members(draft: Draft, body: bytes) -> bytes:
    """A body in gzip of two members, each half of it (RFC 1952, section 2.2)."""
    middle = len(body) // 2
    return compress(draft, body[:middle]) + compress(draft, body[middle:])


def compress_with_names(draft: Draft, body: bytes) -> bytes:
    """A body in gzip with a file's name and a comment in its header (RFC 1952, section 2.3)."""
    plain = compress(draft, body)
    return plain[:3] + b"\x18" + plain[4:10] + b"event.json\0conformance\0" + plain[10:]


def with_corrupt_gzip(draft: Draft) -> Draft:
    """The same with a body that begins like gzip but can't be decompressed."""
    return _with_gzip_coding(draft, lambda body: _GZIP_HEADER + b"\xff" * len(body))


def with_truncated_gzip(draft: Draft) -> Draft:
    """The same with the first half of its gzip body."""
    compress = _compressor(draft)
    return _with_gzip_coding(draft, lambda body: compress(body)[: len(compress(body)) // 2])


def with_gzip_of_nothing(draft: Draft) -> Draft:
    """The same with an empty body in gzip."""
    return _with_gzip_coding(draft, lambda _: gzip.compress(b"", mtime=0))


def with_gzip_label_only(draft: Draft) -> Draft:
    """The same, labelled gzip but not compressed."""
    return _with_gzip_coding(draft, lambda body: body)


def with_unknown_coding(draft: Draft) -> Draft:
    """The same with an unknown Content-Encoding."""
    return draft.with_header("Content-Encoding", "conformance")


def gzip_bomb(call: Call) -> Draft:
    """An event of ten million bytes, compressed to about ten thousand."""
    draft = call.acceptable_request().with_field(call.acceptable_request().layout.filler_pointer, _PLACEHOLDER)
    level = _compression_level(draft)

    def replace_placeholder(body: bytes) -> bytes:
        before, _, after = body.partition(_PLACEHOLDER.encode())
        return _gzip_around_filler(before, after, level)

    return _with_gzip_coding(draft, replace_placeholder)


def _with_gzip_coding(draft: Draft, edit_bytes: Callable[[bytes], bytes]) -> Draft:
    return draft.with_header("Content-Encoding", "gzip").with_json_bytes(edit_bytes)


def _compressor(draft: Draft) -> Callable[[bytes], bytes]:
    level = _compression_level(draft)
    return lambda body: gzip.compress(body, level, mtime=0)


def _compression_level(draft: Draft) -> int:
    """Compression level: none if the body holds the key, since redaction does not look into compressed bytes."""
    return _BEST_COMPRESSION if draft.credentials.body_key is None else _NO_COMPRESSION


def _gzip_around_filler(before: bytes, after: bytes, level: int) -> bytes:
    """Gzip of a body with the filler in the middle; the filler is compressed once for all bodies."""
    deflate = _deflate(before, level) + _deflated_filler() + _deflate(after, level, zlib.Z_FINISH)
    checksum = zlib.crc32(after, zlib.crc32(b"a" * BOMB_BYTES, zlib.crc32(before)))
    length = len(before) + BOMB_BYTES + len(after)
    return _GZIP_HEADER + deflate + struct.pack("<LL", checksum, length & _UINT32_MASK)


def _deflate(data: bytes, level: int, flush: int = zlib.Z_FULL_FLUSH) -> bytes:
    """A part of a deflate stream that does not refer to the parts before it."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, _RAW_DEFLATE)
    return compressor.compress(data) + compressor.flush(flush)


@functools.cache
def _deflated_filler() -> bytes:
    return _deflate(b"a" * BOMB_BYTES, _BEST_COMPRESSION)
