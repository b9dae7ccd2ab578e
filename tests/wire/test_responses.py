"""The parser of responses: what is cut off, what is not HTTP, and what needs more bytes."""

from __future__ import annotations

import pytest

from conformance.core.model import TransportFailure
from conformance.wire import failures
from conformance.wire.responses import ResponseReader

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 200", CHUNKED, CHUNKED + b"5\r\nab", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"],
    ids=["in-the-head", "before-the-body", "in-a-chunk", "in-the-body"],
)
def test_an_incomplete_answer_is_cut_off_at_the_end_of_the_connection(data: bytes) -> None:
    """Until then, the rest may still come; afterwards it is a closed connection, not an answer that is not HTTP."""
    assert ResponseReader().read(data, "POST") is None
    reply = ResponseReader().read(data, "POST", at_eof=True)
    assert reply is not None
    assert (reply.failure, reply.failure_detail) == (TransportFailure.CLOSED, failures.CLOSED_IN_ANSWER)


@pytest.mark.parametrize("at_eof", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize(
    "data",
    [CHUNKED + b"no chunk\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"],
    ids=["chunk", "status", "protocol"],
)
def test_an_answer_that_is_not_http_stays_so_when_the_connection_is_closed(data: bytes, *, at_eof: bool) -> None:
    """The end of the connection does not turn nonsense into an answer that was merely cut off."""
    reply = ResponseReader().read(data, "POST", at_eof=at_eof)
    assert reply is not None
    assert reply.failure is TransportFailure.NOT_HTTP


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    """It is complete only when the connection is closed."""
    data = b"HTTP/1.0 200 OK\r\n\r\nall of it"
    assert ResponseReader().read(data, "POST") is None
    reply = ResponseReader().read(data, "POST", at_eof=True)
    assert reply is not None
    assert (reply.status, reply.body) == (200, b"all of it")
