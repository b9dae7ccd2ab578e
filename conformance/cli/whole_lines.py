"""Output that is no terminal: a line is a line, not wrapped to a width and not padded to one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


class WholeLines(io.TextIOBase):
    """Writes lines to a stream without the spaces at their ends; what has no end yet waits for it, or for a flush."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._waiting = stream, ""

    @property
    def encoding(self) -> str:  # type: ignore[override] # read-only is enough for a writer
        """The encoding of the stream."""
        return self._stream.encoding

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return False

    def write(self, text: str) -> int:
        """Writes the lines that have ended."""
        *lines, self._waiting = f"{self._waiting}{text}".split("\n")
        self._stream.write("".join(f"{line.rstrip(' ')}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Writes what has no end yet."""
        self._stream.write(self._waiting)
        self._waiting = ""
        self._stream.flush()
