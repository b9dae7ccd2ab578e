"""Where reports go: files, or standard output, and a stream of lines while a run goes on."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from conformance.cli.options import REPORTS
from conformance.errors import CannotJudge, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import IO

STDOUT = "-"
SEVERAL = ("json", "html", "markdown")
"""The kinds of report that several documents can make together."""
Document: TypeAlias = "dict[str, Any]"


def places(options: Mapping[str, Any], names: Iterable[str] = REPORTS) -> dict[str, str]:
    """The reports that were asked for, and where to. Raises UsageError if two want standard output."""
    found = {name: options[name] for name in names if options[name]}
    if list(found.values()).count(STDOUT) > 1:
        raise UsageError("only one report can go to standard output")
    return found


def for_several(wanted: Iterable[str]) -> None:
    """Raises UsageError for a kind of report that several documents can't make."""
    for name in wanted:
        if name not in SEVERAL:
            kinds = ", ".join(f"--{kind}" for kind in SEVERAL)
            raise UsageError(f"--{name} is of one report, and there are several; what shows them is {kinds}")


def write_reports(documents: Sequence[Document], wanted: Mapping[str, str]) -> None:
    """Writes the reports of one document, or of several. Raises CannotJudge if one can't be written."""
    for name, place in wanted.items():
        write(name, place, _of_one(name, documents[0]) if len(documents) == 1 else _of(name, documents))


def write(name: str, place: str, text: str) -> None:
    """Writes a report. Raises CannotJudge if it can't be written."""
    try:
        if place == STDOUT:
            sys.stdout.write(text)
        else:
            Path(place).write_text(text, encoding="utf-8")
    except OSError as error:
        raise _lost(name, place, error) from None


def _of_one(name: str, document: Document) -> str:
    """The report of a document; what nobody asks for is not imported."""
    match name:
        case "html":
            from conformance.report.html import html

            return html(document)
        case "markdown":
            from conformance.report.markdown import markdown

            return markdown(document)
        case "junit":
            from conformance.report.junit import junit

            return junit(document)
        case "sarif":
            from conformance.report.sarif import sarif

            return sarif(document)
        case "badge":
            from conformance.report.badge import badge

            return badge(document)
    from conformance.report.document import text

    return text(document)


def _of(name: str, documents: Sequence[Document]) -> str:
    """The report of several documents."""
    match name:
        case "html":
            from conformance.report.html import html_matrix

            return html_matrix(documents)
        case "markdown":
            from conformance.report.markdown import markdown_matrix

            return markdown_matrix(documents)
    from conformance.report.loading import together

    return together(documents)


class Stream:
    """Lines that go out one by one, to a file, to standard output or to nowhere.

    What keeps a line from being written is raised at the end, as CannotJudge: it must not end a run.
    """

    def __init__(self, name: str, place: str | None) -> None:
        self._name, self._place = name, place or ""
        self._stack = ExitStack()
        self._file: IO[str] | None = sys.stdout if place == STDOUT else None
        self._problem: OSError | None = None
        if place and place != STDOUT:
            try:
                file = Path(place).open("w", encoding="utf-8")  # noqa: SIM115 - closed with the stream
                self._file = self._stack.enter_context(file)
            except OSError as error:
                raise _lost(name, place, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._stack.close()
        except OSError as error:
            self._problem = self._problem or error
        if self._problem is not None and kind is None:
            raise _lost(self._name, self._place, self._problem)

    def tell(self, line: str) -> None:
        """Writes a line, at once."""
        if self._file is None or self._problem is not None:
            return
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            self._problem = error


def _lost(name: str, place: str, error: OSError) -> CannotJudge:
    option = name.replace("_", "-")
    return CannotJudge(f"--{option} {place}: the report can't be written: {error.strerror}")
