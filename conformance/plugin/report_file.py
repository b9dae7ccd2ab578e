"""The JSON report of a session: its place is tried before anything is sent, and it is there whole or not at all."""

from __future__ import annotations

from conformance.core import atomic_files
from conformance.core.errors import UsageError
from conformance.core.text import escape_controls
from conformance.redaction import redact

OPTION = "--conformance-json"


class ReportFile:
    """The place of the report; None for no report."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._mode: int | None = None

    def clear(self) -> None:
        """Removes the report of an earlier session. Raises UsageError if none could be written."""
        if self._path is None:
            return
        if not self._path:
            raise UsageError(f"{OPTION}: a file is needed")
        try:
            atomic_files.require_writable(self._path)
            self._mode = atomic_files.remove(self._path)
        except OSError as error:
            raise UsageError(self._problem(error)) from None

    def write(self, text: str) -> str:
        """Writes the report; returns what went wrong, or an empty text."""
        try:
            if self._path:
                atomic_files.write_text(self._path, text, mode=self._mode)
        except OSError as error:
            return self._problem(error)
        return ""

    def _problem(self, error: OSError) -> str:
        reason = error.strerror or str(error)
        return f"{OPTION} {escape_controls(redact(self._path or ''))}: the report can't be written: {reason}"
