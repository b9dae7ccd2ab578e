"""Where reports go: files, or standard output, and a stream of lines while a run goes on."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from conformance.cli.options import REPORT_OPTIONS
from conformance.core.errors import InconclusiveError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import IO

STDOUT = "-"
COMBINED_KINDS = ("json", "html", "markdown")
"""The kinds of report that several documents can make together."""
Document: TypeAlias = "dict[str, Any]"


def requested_destinations(options: Mapping[str, Any], names: Iterable[str] = REPORT_OPTIONS) -> dict[str, str]:
    """The reports that were asked for, and where to. Raises UsageError if two want standard output."""
    chosen = {name: options[name] for name in names if options[name]}
    if list(chosen.values()).count(STDOUT) > 1:
        raise UsageError("only one report can go to standard output")
    return chosen


def require_combinable(kinds_wanted: Iterable[str]) -> None:
    """Raises UsageError for a kind of report that several documents can't make."""
    for name in kinds_wanted:
        if name not in COMBINED_KINDS:
            kinds = ", ".join(f"--{kind}" for kind in COMBINED_KINDS)
            raise UsageError(f"--{name} is of one report, and there are several; what shows them is {kinds}")


def write_reports(documents: Sequence[Document], report_destinations: Mapping[str, str]) -> None:
    """Writes the reports of one document, or of several. Raises CannotJudge if one can't be written."""
    for name, destination in report_destinations.items():
        write(
            name,
            destination,
            _render_single(name, documents[0]) if len(documents) == 1 else _render_combined(name, documents),
        )


def write(name: str, destination: str, text: str) -> None:
    """Writes a report. Raises CannotJudge if it can't be written."""
    try:
        if destination == STDOUT:
            sys.stdout.write(text)
        else:
            Path(destination).write_text(text, encoding="utf-8")
    except OSError as error:
        raise _write_failure(name, destination, error) from None


def _render_single(name: str, document: Document) -> str:
    """The report of a document; what nobody asks for is not imported."""
    match name:
        case "html":
            from conformance.report.html import render_html

            return render_html(document)
        case "markdown":
            from conformance.report.markdown import render_markdown

            return render_markdown(document)
        case "junit":
            from conformance.report.junit import render_junit

            return render_junit(document)
        case "sarif":
            from conformance.report.sarif import render_sarif

            return render_sarif(document)
        case "badge":
            from conformance.report.badge import render_badge

            return render_badge(document)
    from conformance.report.document import dump_json

    return dump_json(document)


def _render_combined(name: str, documents: Sequence[Document]) -> str:
    """The report of several documents."""
    match name:
        case "html":
            from conformance.report.html import render_html_matrix

            return render_html_matrix(documents)
        case "markdown":
            from conformance.report.markdown import render_markdown_matrix

            return render_markdown_matrix(documents)
    from conformance.report.loading import combine_reports

    return combine_reports(documents)


class LineStream:
    """Lines that go out one by one, to a file, to standard output or to nowhere.

    What keeps a line from being written is raised at the end, as CannotJudge: it must not end a run.
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
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            self._problem = error


def _write_failure(name: str, destination: str, error: OSError) -> InconclusiveError:
    option = name.replace("_", "-")
    return InconclusiveError(f"--{option} {destination}: the report can't be written: {error.strerror}")
