"""Writes requests as bytes, as a client does that keeps its connections open."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from conformance.core.model import Request

USER_AGENT = "ingest-conformance"
_CHUNK_BYTES = 16_384
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Their requests say that a body is empty (RFC 9110, section 8.6)."""
_PATH_SAFE = "!$&'()*+,/:;=@%[\\]^|~"
"""What stands in a path as it is, beside letters, digits and `-._`; what is encoded already stays so."""
_DEFAULT_HEADERS = (("User-Agent", USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "identity"))
_LINE_BREAKS = re.compile(r"[\r\n\0]")


def write_kept_alive(request: Request, authority: str, prefix: str) -> bytes:
    """The bytes of a request; with the headers of a client, except for those that the request has itself.

    Raises ValueError if a header has a line break in it.
    """
    names = {name.lower() for name, _ in request.headers}
    headers = [*(pair for pair in _DEFAULT_HEADERS if pair[0].lower() not in names), *request.headers]
    hosts = [pair for pair in request.headers if pair[0].lower() == "host"]
    headers = [*(hosts or [("Host", authority)]), *(pair for pair in headers if pair[0].lower() != "host")]
    if request.chunked:
        headers.append(("Transfer-Encoding", "chunked"))
    elif "content-length" not in names and (request.body or request.method in _METHODS_WITH_BODY):
        headers.append(("Content-Length", str(len(request.body))))
    lines = [f"{request.method} {_target_of(prefix + request.path, request.query)} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    if _LINE_BREAKS.search("".join(lines)):
        raise ValueError("a header of a request has a line break in it")
    head = "\r\n".join([*lines, "", ""]).encode()
    return head + (_in_chunks(request.body) if request.chunked else request.body)


@lru_cache(maxsize=256)
def _target_of(path: str, query: tuple[tuple[str, str], ...]) -> str:
    """The target of a request line; most requests of a run share a few."""
    target = quote(path, safe=_PATH_SAFE)
    return f"{target}?{urlencode(query)}" if query else target


def _in_chunks(body: bytes) -> bytes:
    """A body in chunks (RFC 9112, section 7.1)."""
    parts = [body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES)]
    return b"".join([*(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"])
