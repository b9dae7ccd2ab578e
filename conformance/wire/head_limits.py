"""The most that is read of an answer's head and trailers: beyond that it is none, before anything parses it.

HTTP sets no limit (RFC 9110, section 5.4), but every client does: many stop at 100 headers, or at 64 KiB.
"""

from __future__ import annotations

import re

import httpcore

from conformance.wire import failures

MAX_HEAD_BYTES, MAX_HEADERS, MAX_INTERIM_ANSWERS = 65_536, 1_000, 32
MAX_PARTS = 1_024
"""How many parts a body may have, however small: each takes as long as a small answer."""
_START = b"HTTP/"
_HEAD_END = re.compile(rb"\n\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[0-9] 1")
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\n]{0,200}chunked", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,20}")
_LINE_START_BYTES = 64
"""What is kept of a line to tell the size of a chunk, or an empty line."""


class AnswerTooLong(httpcore.RemoteProtocolError):
    """An answer, or what comes before it, has too much of something. The text is that of the failure."""

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(failures.not_http(f"it has more than {limit:,} {what}"))


def require_few_headers(head: bytes) -> None:
    """Raises AnswerTooLong if a head, or what there is of it, has too many lines."""
    if head.count(b"\n") > MAX_HEADERS:
        raise AnswerTooLong(MAX_HEADERS, "headers")


class HeadReader:
    """Follows the bytes of an answer through interim answers, its head and its trailers."""

    def __init__(self) -> None:
        self.is_over = False
        self._unread = b""
        self._interim_count = 0
        self._chunks: ChunkReader | None = None

    def add(self, data: bytes) -> None:
        """Takes the next bytes. Raises AnswerTooLong; what is no head, or no chunk, is left to the parser."""
        if not self.is_over:
            self._unread += data
            while self._read_head():
                pass
        elif self._chunks is not None:
            self._chunks.add(data)

    def _read_head(self) -> bool:
        """Reads one head; whether another one follows it. Raises AnswerTooLong."""
        if not self._unread.startswith(_START[: len(self._unread)]):
            self.is_over, self._unread = True, b""
            return False
        end = _HEAD_END.search(self._unread)
        head = self._unread[: end.start()] if end else self._unread
        require_few_headers(head)
        if len(head) > MAX_HEAD_BYTES:
            raise AnswerTooLong(MAX_HEAD_BYTES, "bytes in its head")
        if end is None:
            return False
        rest = self._unread[end.end() :]
        if _INTERIM.match(head):
            self._interim_count += 1
            if self._interim_count > MAX_INTERIM_ANSWERS:
                raise AnswerTooLong(MAX_INTERIM_ANSWERS, "interim answers")
            self._unread = rest
            return True
        self.is_over, self._unread = True, b""
        if _CHUNKED.search(head):
            self._chunks = ChunkReader()
            self._chunks.add(rest)
        return False


class ChunkReader:
    """Follows a body of chunks up to the trailers behind it (RFC 9112, section 7.1), and limits these.

    What is no chunk is left to the parser, as are chunks beyond those that are read.
    """

    def __init__(self) -> None:
        self._is_over = self._is_in_trailers = False
        self._line = b""
        self._bytes_to_skip = self._chunks = self._trailers = self._trailer_bytes = 0

    def add(self, data: bytes) -> None:
        """Takes the next bytes. Raises AnswerTooLong."""
        start = 0
        while start < len(data) and not self._is_over:
            skipped = min(self._bytes_to_skip, len(data) - start)
            self._bytes_to_skip -= skipped
            start += skipped
            end = data.find(b"\n", start)
            stop = end + 1 if end >= 0 else len(data)
            self._line = (self._line + data[start:stop])[:_LINE_START_BYTES]
            self._trailer_bytes += (stop - start) * self._is_in_trailers
            if self._trailer_bytes > MAX_HEAD_BYTES:
                raise AnswerTooLong(MAX_HEAD_BYTES, "bytes in its trailers")
            if end >= 0:
                self._end_line()
            start = stop

    def _end_line(self) -> None:
        """Takes in that a line has ended. Raises AnswerTooLong."""
        line, self._line = self._line.strip(), b""
        if self._is_in_trailers:
            self._trailers += 1
            self._is_over = not line
            if self._trailers > MAX_HEADERS:
                raise AnswerTooLong(MAX_HEADERS, "trailers")
        elif line:
            size = _CHUNK_SIZE.match(line)
            self._chunks += 1
            self._bytes_to_skip = int(size[0], 16) if size else 0
            self._is_in_trailers = self._bytes_to_skip == 0
            self._is_over = size is None or self._chunks > MAX_PARTS
