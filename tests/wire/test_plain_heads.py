"""Heads that are read in one step say what h11 reads from them; all others are left to h11."""

from __future__ import annotations

import h11
import pytest

from conformance.wire.plain_heads import read_plain_head

PLAIN = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5",
    b"HTTP/1.1 200\r\ncontent-length:5\r\nConnection: close",
    b"HTTP/1.1 404 Not Found here\r\nX-A:\r\nX-B: a  b \t\r\nContent-Length: 0\r\nConnection: Keep-Alive, X-A",
    b"HTTP/1.1 204 No Content\r\nDate: today",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9",
)
NOT_PLAIN = (
    b"HTTP/1.0 200 OK\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 100 Continue\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5",
    b"HTTP/1.1 200 OK\r\nContent-Length: +5",
    b"HTTP/1.1 204 OK\r\nContent-Length: x",
    b"HTTP/1.1 200 OK\r\nContent-Length: 999999999",
    b"HTTP/1.1 200 OK\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nX-A: \xff\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 5",
    b"HTTP/1.1  200 OK\r\nContent-Length: 5",
    b"",
)


@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize("data", PLAIN)
def test_a_plain_head_says_what_h11_reads(data: bytes, method: str) -> None:
    """Status, headers, the length of the body, and whether the connection stays open."""
    head = read_plain_head(data, method)
    assert head is not None
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(data + b"\r\n\r\n" + b"x" * head.body_length)
    response = parser.next_event()
    assert isinstance(response, h11.Response)
    body = b""
    while isinstance(event := parser.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    raw_headers = [(name.decode(), value.decode()) for name, value in response.headers.raw_items()]
    assert (head.status, list(head.headers)) == (response.status_code, raw_headers)
    assert len(body) == head.body_length
    assert head.keeps_alive == (parser.their_state is h11.DONE)


@pytest.mark.parametrize("data", NOT_PLAIN)
def test_any_other_head_is_left_to_h11(data: bytes) -> None:
    """Interim answers, chunks, other versions, doubtful lengths, and all that is not HTTP."""
    assert read_plain_head(data, "POST") is None
