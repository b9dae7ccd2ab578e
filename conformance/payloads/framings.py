"""Framings: requests whose length is wrong, doubtful or told in rare ways, and heads of rare kinds.

Each is a spelling: it writes a request from its start line, headers and body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from conformance.payloads.spelling import spell, usual

if TYPE_CHECKING:
    from conformance.model import Spelling
    from conformance.payloads.spelling import Pairs

Pieces: TypeAlias = "tuple[bytes, ...]"

MISSING_BYTES, CUT_BYTES = 100, 10
HEADERS, LONG_BYTES = 300, 60_000
_BLANK = b"\r\n\r\n"
_LAST = b"0\r\n\r\n"
_CHUNKED = ("Transfer-Encoding", "chunked")
_FEW_BYTES = 5


def _length(count: int) -> tuple[str, str]:
    return ("Content-Length", str(count))


def too_small(start: str, headers: Pairs, body: bytes) -> Pieces:
    """A length that ends within the JSON; the rest of it and a blank line follow."""
    return (spell(start, [*headers, _length(len(body) - CUT_BYTES)], body + _BLANK),)


def too_large(start: str, headers: Pairs, body: bytes) -> Pieces:
    """A length beyond all that is sent; the JSON is whole."""
    return (spell(start, [*headers, _length(len(body) + MISSING_BYTES)], body),)


def lengthless(start: str, headers: Pairs, body: bytes) -> Pieces:
    """No length at all before a body: then HTTP says that there is none."""
    return (spell(start, headers, body + _BLANK),)


def doubled(start: str, headers: Pairs, body: bytes) -> Pieces:
    """The right length, twice."""
    return (spell(start, [*headers, _length(len(body)), _length(len(body))], body),)


def conflicting(start: str, headers: Pairs, body: bytes) -> Pieces:
    """The right length, then a smaller one."""
    return (spell(start, [*headers, _length(len(body)), _length(len(body) - CUT_BYTES)], body),)


def contradicting(start: str, headers: Pairs, body: bytes) -> Pieces:
    """A length that is too small, then the right one."""
    return (spell(start, [*headers, _length(len(body) - CUT_BYTES), _length(len(body))], body),)


def smuggling(start: str, headers: Pairs, body: bytes) -> Pieces:
    """Chunks, and a length that covers a second request behind the last of them."""
    host = dict(headers)["Host"]
    second = f"GET /conformance-smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    whole = _chunk(body) + _LAST + second
    return (spell(start, [*headers, _length(len(whole)), _CHUNKED], whole),)


def overtaking(start: str, headers: Pairs, body: bytes) -> Pieces:
    """Chunks, and a length of a few bytes: who believes it takes the rest for a second request."""
    return (spell(start, [*headers, _length(_FEW_BYTES), _CHUNKED], _chunk(body) + _LAST),)


def expecting(start: str, headers: Pairs, body: bytes) -> Pieces:
    """A head that asks whether to go on, and the body only after the answer."""
    head = spell(start, [*headers, _length(len(body)), ("Expect", "100-continue")], b"")
    return (head, body)


def extended(start: str, headers: Pairs, body: bytes) -> Pieces:
    """Chunks with extensions that nobody knows."""
    middle = len(body) // 2
    chunks = _chunk(body[:middle], b";conformance") + _chunk(body[middle:], b';conformance="a; b"')
    return (spell(start, [*headers, _CHUNKED], chunks + b"0;conformance=1\r\n\r\n"),)


def trailed(start: str, headers: Pairs, body: bytes) -> Pieces:
    """Chunks with a header after the last of them."""
    end = b"0\r\nConformance-Trailer: 1\r\n\r\n"
    return (spell(start, [*headers, _CHUNKED], _chunk(body) + end),)


def old(start: str, headers: Pairs, body: bytes) -> Pieces:
    """The same in HTTP/1.0."""
    return usual(start.replace("HTTP/1.1", "HTTP/1.0"), headers, body)


def doubly_hosted(start: str, headers: Pairs, body: bytes) -> Pieces:
    """A second, other Host."""
    return usual(start, [*headers, ("Host", "conformance.example")], body)


def flooded(start: str, headers: Pairs, body: bytes) -> Pieces:
    """Hundreds of small headers."""
    return usual(start, [*headers, *((f"Conformance-{number}", "1") for number in range(HEADERS))], body)


def bloated(start: str, headers: Pairs, body: bytes) -> Pieces:
    """One header of tens of thousands of bytes."""
    return usual(start, [*headers, ("Conformance-Long", "a" * LONG_BYTES)], body)


CONFLICTS: tuple[tuple[str, Spelling], ...] = (
    ("a length and then a smaller one", conflicting),
    ("a length and then a larger one", contradicting),
)
DOUBTS: tuple[tuple[str, Spelling], ...] = (
    ("chunks and a length that covers a second request", smuggling),
    ("chunks and a length of a few bytes", overtaking),
)
EXTRAS: tuple[tuple[str, Spelling], ...] = (
    ("chunks with extensions", extended),
    ("chunks with a trailer", trailed),
)
FLOODS: tuple[tuple[str, Spelling], ...] = (
    (f"a request with {HEADERS} headers", flooded),
    (f"a request with a header of {LONG_BYTES:,} bytes", bloated),
)


def _chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)
