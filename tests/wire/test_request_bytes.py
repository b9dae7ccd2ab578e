"""The bytes of requests over connections that stay open."""

from __future__ import annotations

import pytest

from conformance.core.model import Request
from conformance.wire.request_bytes import write_kept_alive

CLIENT_LINES = b"User-Agent: ingest-conformance\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"


@pytest.mark.parametrize(
    ("request_to_write", "expected"),
    [
        (Request(method="GET", path="/a"), b"GET /p/a HTTP/1.1\r\nHost: h:1\r\n" + CLIENT_LINES + b"\r\n"),
        (
            Request(method="POST", path="/a", body=b"{}", headers=(("X-A", "1"),)),
            b"POST /p/a HTTP/1.1\r\nHost: h:1\r\n" + CLIENT_LINES + b"X-A: 1\r\nContent-Length: 2\r\n\r\n{}",
        ),
        (
            Request(method="POST", path="/a"),
            b"POST /p/a HTTP/1.1\r\nHost: h:1\r\n" + CLIENT_LINES + b"Content-Length: 0\r\n\r\n",
        ),
        (
            Request(method="POST", path="/a", body=b"x" * 20_000, chunked=True),
            b"POST /p/a HTTP/1.1\r\nHost: h:1\r\n" + CLIENT_LINES + b"Transfer-Encoding: chunked\r\n\r\n"
            b"4000\r\n" + b"x" * 16_384 + b"\r\ne20\r\n" + b"x" * 3_616 + b"\r\n0\r\n\r\n",
        ),
        (
            Request(method="GET", path="/a b%20%é", query=(("k", "a b/&"), ("l", "é"))),
            b"GET /p/a%20b%20%%C3%A9?k=a+b%2F%26&l=%C3%A9 HTTP/1.1\r\nHost: h:1\r\n" + CLIENT_LINES + b"\r\n",
        ),
        (
            Request(method="GET", path="/", headers=(("accept", "text/html"), ("host", "other"))),
            (b"GET /p/ HTTP/1.1\r\nhost: other\r\nUser-Agent: ingest-conformance\r\nAccept-Encoding: identity\r\n"
            b"accept: text/html\r\n\r\n"),
        ),
    ],
    ids=["get", "body", "empty-body", "chunks", "escapes", "own-headers"],
)  # fmt: skip
def test_a_request_is_written_as_a_client_does(request_to_write: Request, expected: bytes) -> None:
    """The Host comes first, headers of the request replace those of the client, and a body says how long it is."""
    assert write_kept_alive(request_to_write, "h:1", "/p") == expected


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "a\0b"])
def test_a_header_can_not_begin_another_line(value: str) -> None:
    """It would be another request than the one that reports show."""
    with pytest.raises(ValueError, match="line break"):
        write_kept_alive(Request(method="GET", path="/", headers=(("X-A", value),)), "h", "")
