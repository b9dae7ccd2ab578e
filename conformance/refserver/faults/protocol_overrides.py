"""Factories of HTTP protocol classes that read, write or close a connection wrongly."""

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
    """Every Content-Length in the head of a request."""
    return [int(digits) for digits in _LENGTH.findall(request_head(data))]


def with_content_length(data: bytes, length: int) -> bytes:
    """A request with another Content-Length."""
    first, end, body = data.partition(b"\r\n\r\n")
    return _LENGTH.sub(b"\r\nContent-Length: %d" % length, first) + end + body


def without_header(data: bytes, name: bytes, index: int = 0) -> bytes:
    """A request without the header of a name, the one at `index` if there are several."""
    first, end, body = data.partition(b"\r\n\r\n")
    matches = list(re.finditer(rb"\r\n%b:[^\r]*" % name, first, re.IGNORECASE))
    if len(matches) <= index:
        return data
    return first[: matches[index].start()] + first[matches[index].end() :] + end + body


class RewritingTransport:
    """A transport that edits all bytes before it writes them."""

    def __init__(self, transport: asyncio.Transport, edit: BytesEdit) -> None:
        self._transport = transport
        self._edit = edit

    def write(self, data: bytes) -> None:
        """Writes the edited bytes."""
        self._transport.write(self._edit(data))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a transport
        return getattr(self._transport, name)


def rewrite_output(edit: BytesEdit) -> type[HttpProtocol]:
    """Edits the bytes that the server sends."""

    class OutputRewritingProtocol(HttpProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
            super().connection_made(cast("asyncio.Transport", RewritingTransport(transport, edit)))

    return OutputRewritingProtocol


def rewrite_input(edit: BytesEdit) -> type[HttpProtocol]:
    """Edits the bytes that the server receives."""

    class InputRewritingProtocol(HttpProtocol):
        def data_received(self, data: bytes) -> None:
            super().data_received(edit(data))

    return InputRewritingProtocol


def reply_before_reading(trigger: Callable[[bytes], object], answer: bytes = _INTERNAL_ERROR) -> type[HttpProtocol]:
    """Answers the requests that trigger it without reading them, and closes the connection."""

    class EarlyReplyProtocol(HttpProtocol):
        def data_received(self, data: bytes) -> None:
            if trigger(data):
                self.transport.write(answer)
                self.transport.close()
            else:
                super().data_received(data)

    return EarlyReplyProtocol


def append_after_reply(extra: bytes, when: Callable[[frozenset[bytes], int], bool]) -> type[HttpProtocol]:
    """Sends extra bytes after an answer. `when` gets the names of the request's headers and the status."""

    class AppendingProtocol(HttpProtocol):
        def on_response_complete(self) -> None:
            if when(frozenset(name for name, _ in self.headers), self.connection_state.last_status):
                self.transport.write(extra)
            super().on_response_complete()

    return AppendingProtocol


def leave_body_unread(trigger: Callable[[bytes], object]) -> type[HttpProtocol]:
    """Does not read the bodies of the requests that trigger it, and then takes them for the next request."""
    return rewrite_input(lambda data: with_content_length(data, 0) if trigger(data) and content_lengths(data) else data)
