"""The most that is read of the head of an answer: beyond that it is taken for none, before anything parses it.

HTTP sets no limit (RFC 9110, section 5.4), but every client does: many stop at 100 headers, or at 64 KiB.
"""

from __future__ import annotations

import re

import httpcore

from conformance.wire import failures

MAX_HEAD_BYTES, MAX_HEADERS, MAX_INTERIM_ANSWERS = 65_536, 1_000, 32
_START = b"HTTP/"
_HEAD_END = re.compile(rb"\n\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[0-9] 1")


class AnswerTooLong(httpcore.RemoteProtocolError):
    """An answer, or what comes before it, has too much of something. The text is that of the failure."""

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(failures.not_http(f"it has more than {limit:,} {what}"))


def require_few_headers(head: bytes) -> None:
    """Raises AnswerTooLong if a head, or what there is of it, has too many lines."""
    if head.count(b"\n") > MAX_HEADERS:
        raise AnswerTooLong(MAX_HEADERS, "headers")


class HeadReader:
    """Follows the bytes of an answer up to the end of its head, past the interim answers before it."""

    def __init__(self) -> None:
        self.is_over = False
        self._unread = b""
        self._interim_count = 0

    def add(self, data: bytes) -> None:
        """Takes the next bytes. Raises AnswerTooLong; what is no head at all is left to the parser."""
        self._unread += data
        while not self.is_over:
            if not self._unread.startswith(_START[: len(self._unread)]):
                self.is_over, self._unread = True, b""
                return
            end = _HEAD_END.search(self._unread)
            head = self._unread[: end.start()] if end else self._unread
            require_few_headers(head)
            if len(head) > MAX_HEAD_BYTES:
                raise AnswerTooLong(MAX_HEAD_BYTES, "bytes in its head")
            if end is None:
                return
            if _INTERIM.match(head):
                self._interim_count += 1
                if self._interim_count > MAX_INTERIM_ANSWERS:
                    raise AnswerTooLong(MAX_INTERIM_ANSWERS, "interim answers")
                self._unread = self._unread[end.end() :]
            else:
                self.is_over, self._unread = True, b""
