"""Raw writers for unusual HTTP/1.1 framing: wrong, missing or conflicting lengths, rare chunk features, unusual heads.

Each writes a request from its request line, headers and body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from conformance.requests.raw_writers import LatePieces, write_request, write_standard

if TYPE_CHECKING:
    from conformance.core.model import RawWriter, Request
    from conformance.requests.raw_writers import HeaderPairs

RequestPieces: TypeAlias = "tuple[bytes, ...]"

EXCESS_LENGTH_BYTES, LENGTH_SHORTFALL_BYTES = 100, 10
HEADER_COUNT, LONG_HEADER_BYTES = 300, 60_000
_BLANK_LINE = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_CHUNKED_HEADER = ("Transfer-Encoding", "chunked")
_FEW_BYTES = 5


def _content_length(count: int) -> tuple[str, str]:
    return ("Content-Length", str(count))


def write_length_too_small(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A Content-Length that ends within the JSON; the rest of the JSON and a blank line follow."""
    return (write_request(start, [*headers, _content_length(len(body) - LENGTH_SHORTFALL_BYTES)], body + _BLANK_LINE),)


def write_length_too_large(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A Content-Length larger than what is sent; the JSON is complete."""
    return (write_request(start, [*headers, _content_length(len(body) + EXCESS_LENGTH_BYTES)], body),)


def write_without_length(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A body without a Content-Length; by HTTP, the request then has no body."""
    return (write_request(start, headers, body + _BLANK_LINE),)


def write_length_twice(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """The right Content-Length, twice."""
    return (write_request(start, [*headers, _content_length(len(body)), _content_length(len(body))], body),)


def write_smaller_length_second(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """The right Content-Length, then a smaller one."""
    return (
        write_request(
            start, [*headers, _content_length(len(body)), _content_length(len(body) - LENGTH_SHORTFALL_BYTES)], body
        ),
    )


def write_smaller_length_first(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A Content-Length that is too small, then the right one."""
    return (
        write_request(
            start, [*headers, _content_length(len(body) - LENGTH_SHORTFALL_BYTES), _content_length(len(body))], body
        ),
    )


def write_smuggled_request(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """Chunked, with a Content-Length that covers a second request after the last chunk."""
    host = dict(headers)["Host"]
    second = f"GET /conformance-smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    whole = _chunk(body) + _LAST_CHUNK + second
    return (write_request(start, [*headers, _content_length(len(whole)), _CHUNKED_HEADER], whole),)


def write_chunks_with_short_length(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """Chunked, with a Content-Length of a few bytes.

    A server that trusts the length reads the rest as a second request (request smuggling).
    """
    return (write_request(start, [*headers, _content_length(_FEW_BYTES), _CHUNKED_HEADER], _chunk(body) + _LAST_CHUNK),)


def write_expect_continue(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A head with Expect: 100-continue, and the body only after the answer."""
    head = write_request(start, [*headers, _content_length(len(body)), ("Expect", "100-continue")], b"")
    return (head, body)


def write_body_late(start: str, headers: HeaderPairs, body: bytes) -> LatePieces:
    """The head, and the body after the answer to the head, or a while later."""
    return LatePieces((write_request(start, [*headers, _content_length(len(body))], b""), body))


def write_chunk_extensions(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """Chunks with unknown extensions."""
    middle = len(body) // 2
    chunks = _chunk(body[:middle], b";conformance") + _chunk(body[middle:], b';conformance="a; b"')
    return (write_request(start, [*headers, _CHUNKED_HEADER], chunks + b"0;conformance=1\r\n\r\n"),)


def write_trailer(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """Chunks with a trailer."""
    trailer = b"0\r\nConformance-Trailer: 1\r\n\r\n"
    return (write_request(start, [*headers, _CHUNKED_HEADER], _chunk(body) + trailer),)


def write_http_10(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A request in HTTP/1.0."""
    return write_standard(start.replace("HTTP/1.1", "HTTP/1.0"), headers, body)


def write_second_host(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A request with a second, different Host."""
    return write_standard(start, [*headers, ("Host", "conformance.example")], body)


def write_many_headers(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A request with hundreds of small headers."""
    return write_standard(start, [*headers, *((f"Conformance-{number}", "1") for number in range(HEADER_COUNT))], body)


def write_long_header(start: str, headers: HeaderPairs, body: bytes) -> RequestPieces:
    """A request with one header of tens of thousands of bytes."""
    return write_standard(start, [*headers, ("Conformance-Long", "a" * LONG_HEADER_BYTES)], body)


CONFLICTING_LENGTHS: tuple[tuple[str, RawWriter], ...] = (
    ("a length and then a smaller one", write_smaller_length_second),
    ("a length and then a larger one", write_smaller_length_first),
)
CHUNKS_AND_LENGTH: tuple[tuple[str, RawWriter], ...] = (
    ("chunks and a length that covers a second request", write_smuggled_request),
    ("chunks and a length of a few bytes", write_chunks_with_short_length),
)
OPTIONAL_CHUNK_PARTS: tuple[tuple[str, RawWriter], ...] = (
    ("chunks with extensions", write_chunk_extensions),
    ("chunks with a trailer", write_trailer),
)
LARGE_HEADS: tuple[tuple[str, RawWriter], ...] = (
    (f"a request with {HEADER_COUNT} headers", write_many_headers),
    (f"a request with a header of {LONG_HEADER_BYTES:,} bytes", write_long_header),
)

_WRONG_LENGTHS = frozenset({
    write_length_too_small, write_length_too_large, write_without_length,
    *(writer for _, writer in (*CONFLICTING_LENGTHS, *CHUNKS_AND_LENGTH)),
})  # fmt: skip
_MALFORMED = frozenset({write_length_twice, write_second_host, *_WRONG_LENGTHS})


def has_wrong_length(request: Request) -> bool:
    """Whether a request does not say where its body ends, or says it wrongly: a server may wait, or close."""
    return request.raw_writer in _WRONG_LENGTHS


def is_well_formed(request: Request) -> bool:
    """Whether a request is one that HTTP allows, whatever its body is: its lengths and chunks are right.

    A header may be there only once, unless it is a list, and no request of ours repeats one of these (RFC 9110,
    section 5.3).
    """
    names = [name.lower() for name, _ in request.headers]
    return request.raw_writer not in _MALFORMED and len(set(names)) == len(names)


def _chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)
