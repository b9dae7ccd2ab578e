"""Bodies in codings other than gzip, in several, or under the name of one that they do not have."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.profile.facts import MAX_EVENTS_FACT
from conformance.profile.size_unit import SizeUnit
from conformance.requests import content_codings

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

_MAX_UNPACKED_BYTES = 4_000_000
_FILL_PERCENT = 60
_ZSTD_HEADER = b"\x28\xb5\x2f\xfd\xa0"
_ZSTD_LAST_RAW_BLOCK = 1
_DEFLATE_STORED = 0


@dataclass(frozen=True, slots=True)
class CodedBody:
    """A body and the Content-Encoding that it is sent under. `encode` gets the body of an acceptable request."""

    description: str
    name: str
    encode: Callable[[Draft, bytes], bytes]

    def make_draft(self, call: Call) -> Draft:
        """An acceptable request, its body encoded so."""
        draft = call.acceptable_request()
        coded = draft.with_header("Content-Encoding", self.name)
        return coded.with_json_bytes(lambda body: self.encode(draft, body))


def _plain(_: Draft, body: bytes) -> bytes:
    return body


def _brotli(_: Draft, body: bytes) -> bytes:
    """A body as one uncompressed block of Brotli (RFC 7932, section 9.2), or the first 64 KiB of it."""
    part = body[:65_536]
    header = (len(part) - 1) << 4 | 1 << 20
    return header.to_bytes(3, "little") + part + b"\x03"


def _zstd(_: Draft, body: bytes) -> bytes:
    """A body as one raw block of Zstandard (RFC 8878, section 3.1.1)."""
    block = _ZSTD_LAST_RAW_BLOCK | len(body) << 3
    return _ZSTD_HEADER + struct.pack("<I", len(body)) + block.to_bytes(3, "little") + body


def _gzip_twice(draft: Draft, body: bytes) -> bytes:
    return content_codings.compress(draft, content_codings.compress(draft, body))


def _wrong_checksum(draft: Draft, body: bytes) -> bytes:
    packed = content_codings.compress(draft, body)
    return packed[:-8] + bytes(byte ^ 0xFF for byte in packed[-8:-4]) + packed[-4:]


MISLABELLED = (
    CodedBody("a plain body under the name of deflate", "deflate", _plain),
    CodedBody("a plain body under the name of br", "br", _plain),
    CodedBody("a plain body under the name of zstd", "zstd", _plain),
    CodedBody("a plain body in an unknown coding", "conformance", _plain),
    CodedBody("a body in gzip under the names of gzip and br", "gzip, br", content_codings.compress),
    CodedBody("a body in gzip under its name twice", "gzip, gzip", content_codings.compress),
)
"""Bodies that no server can read by their Content-Encoding."""

UNUSUAL = (
    CodedBody("a body in deflate", "deflate", lambda _, body: zlib.compress(body, _DEFLATE_STORED)),
    CodedBody("a body in deflate without a header", "deflate",
              lambda _, body: zlib.compress(body, _DEFLATE_STORED)[2:-4]),
    CodedBody("a body in br", "br", _brotli),
    CodedBody("a body in zstd", "zstd", _zstd),
    CodedBody("a plain body under the name of identity", "identity", _plain),
    CodedBody("a plain body under an empty name", "", _plain),
    CodedBody("a body in gzip twice", "gzip, gzip", _gzip_twice),
    CodedBody("a body in gzip with bytes after it", "gzip",
              lambda draft, body: content_codings.compress(draft, body) + b"conformance"),
    CodedBody("a body in gzip with a wrong checksum", "gzip", _wrong_checksum),
    CodedBody("the header of gzip alone", "gzip", lambda *_: gzip.compress(b"")[:10]),
    CodedBody("nothing under the name of gzip", "gzip", lambda *_: b""),
)  # fmt: skip
"""Bodies that a server may read or refuse."""


def gzip_of(call: Call, percent: int) -> Draft:
    """Gzip that unpacks to a share of the limit of a body. Raises NotApplicable where that shows nothing."""
    limit, draft = call.contract.body_size_limit(call.operation), call.acceptable_request()
    size = limit.at_most * percent // 100
    if draft.credentials.body_key is not None or limit.unit is not SizeUnit.BYTES or size > _MAX_UNPACKED_BYTES:
        raise NotApplicable(
            "such a body is as large when it is packed, or too large, or the limit does not count bytes"
        )
    if not call.is_batch:
        return content_codings.with_gzip(draft.with_field(draft.layout.filler_pointer, "a" * size))
    filling = (draft.layout.max_event_bytes or size) * _FILL_PERCENT // 100
    count = -(-size // filling)
    if call.contract.has_fact(MAX_EVENTS_FACT) and count > call.contract.max_events:
        raise NotApplicable(f"a batch may have {call.contract.max_events} events at most")
    events = [call.baseline_event(call.operation.event_type) for _ in range(count)]
    where = draft.layout.filler_pointer
    return content_codings.with_gzip(
        draft.with_events(*(pointers.put(event, where, "a" * filling) for event in events))
    )
