"""Framings of an acceptable request that mean the same: cut into pieces, and into chunks, of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.requests.raw_writers import Pieces, SlowPieces, write_request, write_standard
from conformance.requests.spellings import written

if TYPE_CHECKING:
    from conformance.core.model import RawWriter
    from conformance.requests.raw_writers import HeaderPairs

_MOST_SINGLE_BYTES = 24
"""How many bytes of a body are sent one by one: the rest takes too long."""


def _split_head(start: str, headers: HeaderPairs, body: bytes) -> Pieces:
    data = write_standard(start, headers, body)[0]
    middle = data.index(b"\r\n\r\n") // 2
    return Pieces((data[:middle], data[middle:]))


def _split_body(start: str, headers: HeaderPairs, body: bytes) -> Pieces:
    data, half = write_standard(start, headers, b"")[0], len(body) // 2
    head = write_request(start, [*headers, ("Content-Length", str(len(body)))], b"")
    return Pieces((head, body[:half], body[half:])) if body else Pieces((data,))


def write_in_pieces(start: str, headers: HeaderPairs, body: bytes) -> Pieces:
    """The head, and the body in a piece of its own."""
    head, *rest = _split_body(start, headers, body)
    return Pieces((head, b"".join(rest)) if rest else (head,))


def _split_blank_line(start: str, headers: HeaderPairs, body: bytes) -> Pieces:
    """Cut between the line breaks that end the head."""
    data = write_standard(start, headers, body)[0]
    end = data.index(b"\r\n\r\n") + 2
    return Pieces((data[: end - 1], data[end - 1 : end], data[end:]))


def _each_byte(start: str, headers: HeaderPairs, body: bytes) -> Pieces:
    head, *rest = write_in_pieces(start, headers, body)
    data = b"".join(rest)
    singles = [bytes((byte,)) for byte in data[:_MOST_SINGLE_BYTES]]
    return Pieces(piece for piece in (head, *singles, data[_MOST_SINGLE_BYTES:]) if piece)


def _half_a_second(start: str, headers: HeaderPairs, body: bytes) -> SlowPieces:
    return SlowPieces(write_in_pieces(start, headers, body))


PIECE_FORMS = (
    written("head and body in separate pieces", write_in_pieces),
    written("the head in two pieces", _split_head),
    written("the body in two pieces", _split_body),
    written("pieces that end within the end of the head", _split_blank_line),
)
SLOW_PIECE_FORMS = (
    written("a byte of the body in each piece", _each_byte),
    written("half a second between head and body", _half_a_second),
)


def _chunks(size: int | None, name: str = "chunked", format_size: str = "{:x}") -> RawWriter:
    """Writes chunks of `size` bytes, or one of all; the sizes are written as `format_size` says."""

    def write(start: str, headers: HeaderPairs, body: bytes) -> tuple[bytes, ...]:
        step = size or max(1, len(body))
        parts = [body[index : index + step] for index in range(0, len(body), step)]
        chunks = b"".join(b"%b\r\n%b\r\n" % (format_size.format(len(part)).encode(), part) for part in parts)
        return (write_request(start, [*headers, ("Transfer-Encoding", name)], chunks + b"0\r\n\r\n"),)

    return write


def _pieceed_chunks(start: str, headers: HeaderPairs, body: bytes) -> Pieces:
    """The head, the beginning of the first chunk and the rest in pieces of their own."""
    (data,) = _chunks(None)(start, headers, body)
    end = data.index(b"\r\n\r\n") + 4
    return Pieces((data[:end], data[end : end + 1], data[end + 1 : end + 12], data[end + 12 : -2], data[-2:]))


CHUNK_FORMS = (
    written("a body in one chunk", _chunks(None)),
    written("a body in chunks of one byte", _chunks(1)),
    written("a body in chunks of seven bytes", _chunks(7)),
    written("Transfer-Encoding: Chunked", _chunks(None, "Chunked")),
    written("Transfer-Encoding: CHUNKED", _chunks(None, "CHUNKED")),
    written("the sizes of chunks in upper case with zeros before them", _chunks(None, "chunked", "000{:X}")),
    written("a chunk in several pieces", _pieceed_chunks),
)
