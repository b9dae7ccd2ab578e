"""The parser of responses: what is cut off, what is not HTTP, and what needs more bytes."""

from __future__ import annotations

import h11
import pytest

from conformance.core.model import TransportFailure
from conformance.wire import failures
from conformance.wire.responses import PendingAnswer, Reply, ResponseReader

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def new_answer() -> PendingAnswer:
    """An answer of which nothing was received yet."""
    return PendingAnswer(ResponseReader())


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 200", CHUNKED, CHUNKED + b"5\r\nab", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"],
    ids=["in-the-head", "before-the-body", "in-a-chunk", "in-the-body"],
)
def test_an_incomplete_answer_is_cut_off_at_the_end_of_the_connection(data: bytes) -> None:
    """Until then, the rest may still come; afterwards it is a closed connection, not an answer that is not HTTP."""
    assert new_answer().feed(data, "POST") is None
    reply = new_answer().feed(data, "POST", at_eof=True)
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
    reply = new_answer().feed(data, "POST", at_eof=at_eof)
    assert reply is not None
    assert reply.failure is TransportFailure.NOT_HTTP


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    """It is complete only when the connection is closed."""
    data = b"HTTP/1.0 200 OK\r\n\r\nall of it"
    assert new_answer().feed(data, "POST") is None
    reply = new_answer().feed(data, "POST", at_eof=True)
    assert reply is not None
    assert (reply.status, reply.body) == (200, b"all of it")


PARTS = (b"one, ", b"two, ", b"three")
WHOLE = CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in PARTS) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 7, len(WHOLE)])
def test_an_answer_in_pieces_is_the_answer_as_a_whole(size: int) -> None:
    """However the bytes are cut, the reply comes with the last piece, and what follows it is kept apart."""
    answer = new_answer()
    pieces = [WHOLE[start : start + size] for start in range(0, len(WHOLE), size)]
    replies = [answer.feed(piece, "POST") for piece in pieces]
    assert replies[:-1] == [None] * (len(pieces) - 1)
    assert isinstance(replies[-1], Reply)
    assert (replies[-1].status, replies[-1].body) == (200, b"one, two, three")


def test_each_byte_of_an_answer_in_pieces_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that sends its answer in many pieces does not make the client parse all of it each time."""
    parsed: list[int] = []
    receive = h11.Connection.receive_data

    def count(self: h11.Connection, data: bytes) -> None:
        parsed.append(len(data))
        receive(self, data)

    monkeypatch.setattr(h11.Connection, "receive_data", count)
    answer = new_answer()
    for start in range(0, len(WHOLE), 3):
        answer.feed(WHOLE[start : start + 3], "POST")
    assert sum(parsed) == len(WHOLE)
