"""Lines of files that others write: whole ones only, plain or in gzip, as far as they were written."""

from __future__ import annotations

import zlib

GZIP_MAGIC = b"\x1f\x8b"
MAX_LINE_BYTES = 64 * 1024 * 1024


class LineSplitter:
    """Makes lines of the bytes of one file, as they come; a last line without its end waits for it.

    `is_broken` once nothing more can be read: damaged gzip, or a line that is too long.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._unpacker: zlib._Decompress | None = None
        self._is_known = self.is_broken = False
        self.count = 0

    def feed(self, content: bytes) -> list[bytes]:
        """The lines that further bytes complete."""
        if not self._is_known and content:
            head = self._rest + content
            if len(head) < len(GZIP_MAGIC) and GZIP_MAGIC.startswith(head):
                self._rest = head
                return []
            self._rest, content, self._is_known = b"", head, True
            self._unpacker = zlib.decompressobj(wbits=31) if head.startswith(GZIP_MAGIC) else None
        try:
            content = content if self._unpacker is None else self._unpack(content)
        except zlib.error:
            self.is_broken = True
            return []
        *lines, self._rest = (self._rest + content).split(b"\n")
        self.is_broken = len(self._rest) > MAX_LINE_BYTES
        self.count += len(lines)
        return lines

    def finish(self) -> list[bytes]:
        """The last line, if it lacks its end: for a file that nobody writes any more."""
        rest, self._rest = self._rest, b""
        self.count += bool(rest)
        return [rest] if rest.strip() else []

    def _unpack(self, content: bytes) -> bytes:
        """All that can be decompressed so far, over all members."""
        pieces = []
        while content and self._unpacker is not None:
            pieces.append(self._unpacker.decompress(content))
            content = self._unpacker.unused_data.lstrip(b"\0") if self._unpacker.eof else b""
            if self._unpacker.eof:
                self._unpacker = zlib.decompressobj(wbits=31)
        return b"".join(pieces)
