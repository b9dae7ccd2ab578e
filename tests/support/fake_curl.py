"""As much of curl as the suite's shell lines use, for machines without it."""

from __future__ import annotations

import http.client
import sys
from urllib.parse import urlsplit

CHUNK = 16_384


def main(arguments: list[str]) -> None:
    """Sends one request: -X METHOD, -H HEADER, --data-binary TEXT or @-, and the URL."""
    method, headers, body, url = "GET", list[tuple[str, str]](), b"", ""
    words = iter(arguments)
    for word in words:
        match word:
            case "-g" | "-sS" | "-i":
                pass
            case "-X":
                method = next(words)
            case "-H":
                headers += header(next(words))
            case "--data-binary":
                data = next(words)
                body = sys.stdin.buffer.read() if data == "@-" else data.encode(errors="surrogateescape")
            case _:
                url = word
    send(method, url, headers, body)


def header(line: str) -> list[tuple[str, str]]:
    """`Name: value` is a header, `Name;` an empty one, `Name:` none at all."""
    if line.endswith(";"):
        return [(line[:-1], "")]
    name, _, value = line.partition(":")
    return [(name, value.strip())] if value.strip() else []


def send(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> None:
    """Sends a request and reads its answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.putrequest(method, target, skip_accept_encoding=True)
    is_chunked = ("Transfer-Encoding", "chunked") in headers
    for name, value in headers:
        connection.putheader(name, value.encode())
    if not is_chunked and (body or method == "POST"):
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(pieces(body) if is_chunked else body, encode_chunked=is_chunked)
    connection.getresponse().read()
    connection.close()


def pieces(body: bytes) -> list[bytes]:
    """A body in pieces, for chunks."""
    return [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]


if __name__ == "__main__":
    main(sys.argv[1:])
