"""Writing reports to files or standard output, and a stream of lines during a run."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from conformance.cli.options import REPORT_OPTIONS
from conformance.core.errors import InconclusiveError, UsageError
from conformance.redaction import redact_document, redact_file_text
from conformance.redaction.gate import write_to_stdout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import IO

STDOUT = "-"
_SINGLE_RENDERERS = {
    "json": ("document", "dump_json"),
    "html": ("html", "render_html"),
    "markdown": ("markdown", "render_markdown"),
    "junit": ("junit", "render_junit"),
    "sarif": ("sarif", "render_sarif"),
    "badge": ("badge", "render_badge"),
}
"""The renderer of each kind of report of one document: a module of `conformance.report`, and its function."""
_COMBINED_RENDERERS = {
    "json": ("loading", "combine_reports"),
    "html": ("html", "render_html_matrix"),
    "markdown": ("markdown", "render_markdown_matrix"),
}
"""The same for a report that shows several documents together."""
Document: TypeAlias = "dict[str, Any]"


def requested_destinations(options: Mapping[str, Any], names: Iterable[str] = REPORT_OPTIONS) -> dict[str, str]:
    """The requested kinds of report with their destinations. Raises UsageError if two go to standard output."""
    chosen = {name: options[name] for name in names if options[name]}
    if list(chosen.values()).count(STDOUT) > 1:
        raise UsageError("only one report can go to standard output")
    return chosen


def require_combinable(kinds_wanted: Iterable[str]) -> None:
    """Raises UsageError for a kind of report that can't show several documents."""
    for name in kinds_wanted:
        if name not in _COMBINED_RENDERERS:
            kinds = ", ".join(f"--{kind}" for kind in _COMBINED_RENDERERS)
            raise UsageError(f"--{name} can show only one report; for several use {kinds}")


def write_reports(documents: Sequence[Document], report_destinations: Mapping[str, str]) -> None:
    """Writes the reports of one document, or of several. Raises InconclusiveError if one can't be written."""
    for name, destination in report_destinations.items():
        is_single = len(documents) == 1
        content, renderers = (documents[0], _SINGLE_RENDERERS) if is_single else (documents, _COMBINED_RENDERERS)
        write(name, destination, render(name, content, renderers))


def write(name: str, destination: str, text: str) -> None:
    """Writes a report. Raises InconclusiveError if it can't be written."""
    text = redact_file_text(text)
    try:
        if destination == STDOUT:
            write_to_stdout(text)
        else:
            Path(destination).write_text(text, encoding="utf-8")
    except OSError as error:
        raise _write_failure(name, destination, error) from None


def render(name: str, content: Any, renderers: Mapping[str, tuple[str, str]]) -> str:  # noqa: ANN401 - one document or several
    """A report of one kind. Imports only the module of its renderer."""
    module, function = renderers[name]
    text: str = getattr(import_module(f"conformance.report.{module}"), function)(redact_document(content))
    return text


class LineStream:
    """Lines that are written at once, to a file, to standard output or to nowhere.

    An error in writing must not end a run: it is raised when the stream is closed, as InconclusiveError.
    """

    def __init__(self, name: str, destination: str | None) -> None:
        self._name, self._destination = name, destination or ""
        self._stack = ExitStack()
        self._file: IO[str] | None = sys.stdout if destination == STDOUT else None
        self._problem: OSError | None = None
        if destination and destination != STDOUT:
            try:
                file = Path(destination).open("w", encoding="utf-8")  # noqa: SIM115 - closed with the stream
                self._file = self._stack.enter_context(file)
            except OSError as error:
                raise _write_failure(name, destination, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._stack.close()
        except OSError as error:
            self._problem = self._problem or error
        if self._problem is not None and kind is None:
            raise _write_failure(self._name, self._destination, self._problem)

    def write_line(self, line: str) -> None:
        """Writes a line, at once."""
        if self._file is None or self._problem is not None:
            return
        try:
            if self._destination == STDOUT:
                write_to_stdout(redact_file_text(line))
            else:
                self._file.write(redact_file_text(line))
            self._file.flush()
        except OSError as error:
            self._problem = error


def _write_failure(name: str, destination: str, error: OSError) -> InconclusiveError:
    option = name.replace("_", "-")
    return InconclusiveError(f"--{option} {destination}: the report can't be written: {error.strerror}")
