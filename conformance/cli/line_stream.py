"""A stream of lines during a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from conformance.core import atomic_files
from conformance.redaction import redact_file_text
from conformance.redaction.gate import write_to_stdout

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

STDOUT = "-"
"""The place that stands for standard output."""


class LineStream:
    """Lines that are written at once, to a file, to standard output or to nowhere.

    A stream is in its place from its first line on. An error in writing must not end a run: `on_problem` is called with
    its reason, and nothing more is written.
    """

    def __init__(self, destination: str | None, mode: int | None, on_problem: Callable[[str], None]) -> None:
        self._on_problem = on_problem
        self._owned: IO[str] | None = None
        if destination and destination != STDOUT:
            self._attempt(lambda: self._open(destination, mode))
        self._is_open = destination == STDOUT or self._owned is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._owned is not None:
            self._attempt(self._owned.close)

    def write_line(self, line: str | Callable[[], str]) -> None:
        """Writes a line, at once; one that takes time to make may come as a function, called only if it is written."""
        if self._is_open:
            text = line if isinstance(line, str) else line()
            self._attempt(lambda: self._write(text))

    def _open(self, destination: str, mode: int | None) -> None:
        self._owned = atomic_files.open_stream(destination, mode=mode)

    def _write(self, line: str) -> None:
        text = redact_file_text(line)
        if self._owned is not None:
            self._owned.write(text)
            self._owned.flush()
        else:
            write_to_stdout(text)
            sys.stdout.flush()

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            self._is_open = False
            self._on_problem(error.strerror or str(error))
