"""Consoles that don't end a command: a report that can't be printed is an error, progress that can't is not."""

from __future__ import annotations

import io
import sys
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console

if TYPE_CHECKING:
    from typing import NoReturn


class ReportConsole(Console):
    """A console whose errors are raised: a reader that has gone away gets no exit code of rich's."""

    def on_broken_pipe(self) -> NoReturn:
        """Raises the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704 - rich calls this where it handles one


class LossyStream(io.TextIOBase):
    """Writes to a stream what it takes, and drops what it does not: a terminal that is gone, a character unknown."""

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override] # read-only is enough for a writer
        """The encoding of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        try:
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """The descriptor of the stream. Raises OSError if there is none."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Writes a text, or as much of it as can be."""
        try:
            if self._stream is not None:
                self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        except (OSError, ValueError):
            self._stream = None
        return len(text)

    def flush(self) -> None:
        """Flushes the stream."""
        try:
            if self._stream is not None:
                self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


def progress_console(*, is_quiet: bool = False) -> Console:
    """A console on standard error for what a command does meanwhile."""
    return Console(file=cast("IO[str]", LossyStream(sys.stderr)), highlight=False, quiet=is_quiet)


def say(text: str) -> None:
    """Writes a line to standard error, if that is possible."""
    stream = LossyStream(sys.stderr)
    stream.write(f"{text}\n")
    stream.flush()
