"""The ways to break a connection: small makers of protocols that hear, say or end something wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from conformance.refserver.http_protocol import HttpProtocol

if TYPE_CHECKING:
    import asyncio

BytesEdit: TypeAlias = Callable[[bytes], bytes]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_INTERNAL_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def request_head(data: bytes) -> bytes:
    """The head of a request."""
    return data.partition(b"\r\n\r\n")[0]


def content_lengths(data: bytes) -> list[int]:
    """Every length that a head states."""
    return [int(digits) for digits in _LENGTH.findall(request_head(data))]


def with_content_length(data: bytes, length: int) -> bytes:
    """A request that states another length."""
    first, end, body = data.partition(b"\r\n\r\n")
    return _LENGTH.sub(b"\r\nContent-Length: %d" % length, first) + end + body


def without_header(data: bytes, name: bytes, index: int = 0) -> bytes:
    """A request without one of the headers of a name."""
    first, end, body = data.partition(b"\r\n\r\n")
    matches = list(re.finditer(rb"\r\n%b:[^\r]*" % name, first, re.IGNORECASE))
    if len(matches) <= index:
        return data
    return first[: matches[index].start()] + first[matches[index].end() :] + end + body


class RewritingTransport:
    """A transport that says everything in words of its own."""

    def __init__(self, transport: asyncio.Transport, edit: BytesEdit) -> None:
        self._transport = transport
        self._edit = edit

    def write(self, data: bytes) -> None:
        """Says it in other words."""
        self._transport.write(self._edit(data))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)


def rewrite_output(edit: BytesEdit) -> type[HttpProtocol]:
    """Says something else than it means."""

    class OutputRewritingProtocol(HttpProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
            super().connection_made(cast("asyncio.Transport", RewritingTransport(transport, edit)))

    return OutputRewritingProtocol


def rewrite_input(edit: BytesEdit) -> type[HttpProtocol]:
    """Reads something else than what came."""

    class InputRewritingProtocol(HttpProtocol):
        def data_received(self, data: bytes) -> None:
            super().data_received(edit(data))

    return InputRewritingProtocol


def reply_before_reading(trigger: Callable[[bytes], object], answer: bytes = _INTERNAL_ERROR) -> type[HttpProtocol]:
    """Answers some requests before they are read, and hangs up."""

    class EarlyReplyProtocol(HttpProtocol):
        def data_received(self, data: bytes) -> None:
            if trigger(data):
                self.transport.write(answer)
                self.transport.close()
            else:
                super().data_received(data)

    return EarlyReplyProtocol


def append_after_reply(extra: bytes, when: Callable[[frozenset[bytes], int], bool]) -> type[HttpProtocol]:
    """Says more after some answers, by the names of the request's headers and the status."""

    class AppendingProtocol(HttpProtocol):
        def on_response_complete(self) -> None:
            if when(frozenset(name for name, _ in self.headers), self.connection_state.last_status):
                self.transport.write(extra)
            super().on_response_complete()

    return AppendingProtocol


def leave_body_unread(trigger: Callable[[bytes], object]) -> type[HttpProtocol]:
    """Answers some requests without reading their bodies, which it then takes for the next request."""
    return rewrite_input(lambda data: with_content_length(data, 0) if trigger(data) and content_lengths(data) else data)
