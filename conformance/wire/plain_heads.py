"""Heads of answers that are as plain as nearly all are, read in one step; h11 reads all others."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from conformance.wire.decoding import MAX_BODY_BYTES, cut_headers
from conformance.wire.head_limits import MAX_HEADERS

HEAD_END = b"\r\n\r\n"
_PLAIN = re.compile(
    rb"HTTP/1\.1 [2-9][0-9]{2}(?: [\t\x20-\x7e]*)?"
    rb"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?[ \t]*)*+"
)
_MAX_PLAIN_BYTES, _MAX_LENGTH_DIGITS = 8_192, 12
_WITHOUT_BODY = frozenset({204, 304})


class PlainHead(NamedTuple):
    """The head of an answer whose end is known from its Content-Length, or from its status."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body_length: int
    keeps_alive: bool
    content_encoding: str


@lru_cache(maxsize=512)
def read_plain_head(data: bytes, method: str) -> PlainHead | None:
    """The head of the answer to a request with a method, without its last line break; None if it is not plain."""
    if len(data) > _MAX_PLAIN_BYTES or data.count(b"\n") > MAX_HEADERS or not _PLAIN.fullmatch(data):
        return None
    status_line, *lines = data.decode("ascii").split("\r\n")
    headers = tuple((name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines))
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    status = int(status_line[9:12])
    length = _body_length(status, method, values)
    if length is None or length > MAX_BODY_BYTES:
        return None
    options = {item.strip().lower() for value in values.get("connection", ()) for item in value.split(",")}
    return PlainHead(
        status, cut_headers(headers), length, "close" not in options, ", ".join(values.get("content-encoding", ()))
    )


def _body_length(status: int, method: str, values: dict[str, list[str]]) -> int | None:
    """How many bytes follow a head, if that is plain."""
    lengths = values.get("content-length", [])
    if "transfer-encoding" in values or len(lengths) > 1:
        return None
    if lengths and not (lengths[0].isdecimal() and len(lengths[0]) <= _MAX_LENGTH_DIGITS):
        return None
    if method == "HEAD" or status in _WITHOUT_BODY:
        return 0
    return int(lengths[0]) if lengths else None
