"""The ways to break a connection: small makers of protocols that hear, say or end something wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from conformance.refserver.protocol import Protocol

if TYPE_CHECKING:
    import asyncio

Ear: TypeAlias = Callable[[bytes], bytes]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def head(data: bytes) -> bytes:
    """The head of a request."""
    return data.partition(b"\r\n\r\n")[0]


def lengths(data: bytes) -> list[int]:
    """Every length that a head states."""
    return [int(found) for found in _LENGTH.findall(head(data))]


def relengthen(data: bytes, length: int) -> bytes:
    """A request that states another length."""
    first, end, body = data.partition(b"\r\n\r\n")
    return _LENGTH.sub(b"\r\nContent-Length: %d" % length, first) + end + body


def unheaded(data: bytes, name: bytes, which: int = 0) -> bytes:
    """A request without one of the headers of a name."""
    first, end, body = data.partition(b"\r\n\r\n")
    found = list(re.finditer(rb"\r\n%b:[^\r]*" % name, first, re.IGNORECASE))
    if len(found) <= which:
        return data
    return first[: found[which].start()] + first[found[which].end() :] + end + body


class Mouth:
    """A transport that says everything in words of its own."""

    def __init__(self, transport: asyncio.Transport, edit: Ear) -> None:
        self._transport = transport
        self._edit = edit

    def write(self, data: bytes) -> None:
        """Says it in other words."""
        self._transport.write(self._edit(data))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)


def saying(edit: Ear) -> type[Protocol]:
    """Says something else than it means."""

    class Saying(Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
            super().connection_made(cast("asyncio.Transport", Mouth(transport, edit)))

    return Saying


def hearing(ear: Ear) -> type[Protocol]:
    """Reads something else than what came."""

    class Hearing(Protocol):
        def data_received(self, data: bytes) -> None:
            super().data_received(ear(data))

    return Hearing


def blurting(trigger: Callable[[bytes], object], answer: bytes = _FAILURE) -> type[Protocol]:
    """Answers some requests before they are read, and hangs up."""

    class Blurting(Protocol):
        def data_received(self, data: bytes) -> None:
            if trigger(data):
                self.transport.write(answer)
                self.transport.close()
            else:
                super().data_received(data)

    return Blurting


def trailing(extra: bytes, when: Callable[[frozenset[bytes], int], bool]) -> type[Protocol]:
    """Says more after some answers, by the names of the request's headers and the status."""

    class Trailing(Protocol):
        def on_response_complete(self) -> None:
            if when(frozenset(name for name, _ in self.headers), self.session.last_status):
                self.transport.write(extra)
            super().on_response_complete()

    return Trailing


def abandoning(trigger: Callable[[bytes], object]) -> type[Protocol]:
    """Answers some requests without reading their bodies, which it then takes for the next request."""
    return hearing(lambda data: relengthen(data, 0) if trigger(data) and lengths(data) else data)
