"""Reports: their places and their texts."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from conformance.cli.line_stream import STDOUT, LineStream
from conformance.cli.option_makers import REPORT_OPTIONS
from conformance.core import atomic_files, interruption
from conformance.core.errors import InconclusiveError, UsageError
from conformance.redaction import redact_document, redact_file_text
from conformance.redaction.gate import write_to_stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

_STDOUT_PATHS = frozenset({"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
_SINGLE_RENDERERS = {
    "json": ("document", "dump_json"),
    "html": ("html", "render_html"),
    "markdown": ("markdown", "render_markdown"),
    "junit": ("junit", "render_junit"),
    "sarif": ("sarif", "render_sarif"),
    "badge": ("badge", "render_badge"),
    "code_quality": ("code_quality", "render_code_quality"),
    "har": ("har", "render_har"),
    "annotations": ("annotations", "render_annotations"),
}
"""The renderer of each kind of report of one document: a module of `conformance.report`, and its function."""
_COMBINED_RENDERERS = {
    "json": ("loading", "combine_reports"),
    "html": ("html", "render_html_matrix"),
    "markdown": ("markdown", "render_markdown_matrix"),
}
"""The same for a report that shows several documents together."""
Document: TypeAlias = "dict[str, Any]"


def require_combinable(kinds_wanted: Iterable[str]) -> None:
    """Raises UsageError for a kind of report that can't show several documents."""
    for name in kinds_wanted:
        if name not in _COMBINED_RENDERERS:
            kinds = ", ".join(f"--{kind}" for kind in _COMBINED_RENDERERS)
            raise UsageError(f"--{_option(name)} can show only one report; for several use {kinds}")


def render_report(name: str, documents: Sequence[Document]) -> str:
    """A report of one kind, of one document or of several."""
    if len(documents) == 1 and name == "html":
        return _render_page(documents[0])
    if len(documents) == 1:
        return render(name, documents[0], _SINGLE_RENDERERS)
    return render(name, documents, _COMBINED_RENDERERS)


def _render_page(document: Document) -> str:
    """The page of one report, with what the documents of its vendor say."""
    from conformance.report.html import render_html
    from conformance.trace import statements_of_report

    shown: Document = redact_document(document)
    return render_html(shown, statements_of_report(shown))


def render(name: str, content: Any, renderers: Mapping[str, tuple[str, str]]) -> str:  # noqa: ANN401 - one document or several
    """A report of one kind. Imports only the module of its renderer."""
    module, function = renderers[name]
    text: str = getattr(import_module(f"conformance.report.{module}"), function)(redact_document(content))
    return text


class Content(Protocol):
    """What a command has to say, as far as it came."""

    def text(self, name: str) -> str:
        """The report of a kind."""

    def show(self) -> None:
        """Prints it for people, where no report goes to standard output."""


class Outputs:
    """Where the reports of a command go, and what could not be written.

    Nothing that goes wrong with one report keeps another from being written.
    """

    def __init__(self, destinations: Mapping[str, str], kept: Collection[str] = ()) -> None:
        self.destinations = dict(destinations)
        self._kept = [path for path in kept if path]
        self._modes: dict[str, int | None] = {}
        self.problems: dict[str, str] = {}

    @classmethod
    def requested(
        cls, options: Mapping[str, Any], names: Iterable[str] = REPORT_OPTIONS, inputs: Iterable[str] = ()
    ) -> Outputs:
        """The requested kinds of report, each with a place that can be written.

        `inputs` are files that the command reads. Raises UsageError for a place that is no place, or that of two
        reports, and InconclusiveError for one that can't be written.
        """
        chosen = {name: _standard_name(options[name]) for name in names if options[name] is not None}
        for name, destination in chosen.items():
            if not destination:
                raise UsageError(f"--{_option(name)}: a file is needed, or - for standard output")
        if list(chosen.values()).count(STDOUT) > 1:
            raise UsageError("only one report can go to standard output")
        outputs = cls(chosen, [*inputs])
        outputs._require_own_places()
        for name, destination in outputs._files():
            with outputs._noting(name, destination):
                atomic_files.require_writable(destination)
        if outputs.problems:
            outputs.clear()
        return outputs

    def _require_own_places(self) -> None:
        """Raises UsageError if two reports go to one file."""
        names_by_place: dict[Path, str] = {}
        for name, destination in self._files():
            place = Path(os.path.realpath(Path(destination).parent), Path(destination).name)
            if _is_replaced(place) and (other := names_by_place.setdefault(place, name)) != name:
                raise UsageError(f"--{_option(other)} and --{_option(name)} can't both go to {destination}")

    def clear(self) -> None:
        """Removes what an earlier command left at these places: a report that is there is of this one.

        Files that this command reads stay until they are replaced. Raises InconclusiveError if one can't be removed.
        """
        for name, destination in self._files():
            if name not in self.problems and not self.is_input(name):
                with self._noting(name, destination):
                    mode = atomic_files.remove(destination)
                    self._modes[name] = self._modes.get(name) if mode is None else mode
        self.raise_problems()

    @contextlib.contextmanager
    def cleared_if_inconclusive(self) -> Iterator[None]:
        """Clears the places if what is done here ends the command, or a signal does, and its settings were right."""
        try:
            yield
        except (InconclusiveError, KeyboardInterrupt):
            self.clear()
            raise

    def is_input(self, name: str) -> bool:
        """Whether the place of a report is a file that the command reads."""
        return any(_is_same_file(path, self.destinations.get(name, "")) for path in self._kept)

    @property
    def has_stdout(self) -> bool:
        """Whether a report goes to standard output."""
        return STDOUT in self.destinations.values()

    def publish(self, make: Callable[[], Content], but: Collection[str] = ()) -> None:
        """Writes all reports but some, and prints what is not a report; `make` says what there is to say.

        It is asked again, and the files are written again, if a signal comes meanwhile: the reports of an interrupted
        command say so.
        """
        names = [name for name, _ in self._files() if name not in but]
        content, had_come = self._write_files(make, names)
        stdout_names = [name for name, destination in self.destinations.items() if destination == STDOUT]
        for name in stdout_names:
            if name not in but:
                self.write(name, content)
        if not stdout_names:
            self._show(content)
        if interruption.has_come() and not had_come:
            self._write_files(make, names)

    def publish_texts(self, text: Callable[[str], str], show: Callable[[], None] = lambda: None) -> None:
        """Writes all reports of a command that can be repeated at will. Raises InconclusiveError as `raise_problems`.

        What an earlier one left is gone even if that fails.
        """
        self.clear()
        self.publish(lambda: _Texts(text, show))
        self.raise_problems()

    def _write_files(self, make: Callable[[], Content], names: Sequence[str]) -> tuple[Content, bool]:
        """Writes some reports until no signal comes meanwhile; returns what they say, and whether one had come."""
        while True:
            had_come = interruption.has_come()
            content = make()
            for name in names:
                self.write(name, content)
            if interruption.has_come() == had_come:
                return content, had_come

    def _show(self, content: Content) -> None:
        """Prints what is not a report. Notes an error of standard output."""
        try:
            content.show()
            sys.stdout.flush()
        except OSError as error:
            self.problems[STDOUT] = f"standard output can't be written: {(error.strerror or str(error)).lower()}"

    def write(self, name: str, content: Content) -> None:
        """Writes a report if it is requested, and notes what goes wrong."""
        destination = self.destinations.get(name)
        if destination is None:
            return
        self.problems.pop(name, None)
        with self._noting(name, destination):
            text = redact_file_text(content.text(name))
            if destination == STDOUT:
                write_to_stdout(text)
                sys.stdout.flush()
            else:
                atomic_files.write_text(destination, text, mode=self._modes.get(name))

    def open_stream(self, name: str) -> LineStream:
        """The stream of a kind, which goes nowhere if it is not requested."""
        destination = self.destinations.get(name)
        return LineStream(
            destination, self._modes.get(name), lambda reason: self.note_problem(name, destination or "", reason)
        )

    def raise_problems(self) -> None:
        """Raises InconclusiveError for all that could not be written."""
        if self.problems:
            raise InconclusiveError("\n".join(self.problems.values()))

    def note_problem(self, name: str, destination: str, reason: str) -> None:
        """Notes why a report can't be written."""
        self.problems[name] = f"--{_option(name)} {destination}: the report can't be written: {reason}"

    @contextlib.contextmanager
    def _noting(self, name: str, destination: str) -> Iterator[None]:
        """Notes what goes wrong with one report, a fault of ours included."""
        try:
            yield
        except OSError as error:
            self.note_problem(name, destination, error.strerror or str(error))
        except KeyboardInterrupt:
            self.note_problem(name, destination, "interrupted")
        except InconclusiveError as error:
            self.problems[name] = f"--{_option(name)} {destination}: {error}"
        except Exception as error:
            if os.environ.get("CONFORMANCE_DEBUG"):
                raise
            reason = f"a fault of the suite, not of the target: {type(error).__name__}: {error}"
            self.note_problem(name, destination, reason)

    def _files(self) -> Iterator[tuple[str, str]]:
        return ((name, path) for name, path in self.destinations.items() if path != STDOUT)


@dataclass(frozen=True, slots=True)
class _Texts:
    """What a command has to say, by functions."""

    text: Callable[[str], str]
    show: Callable[[], None]


def _option(name: str) -> str:
    return name.replace("_", "-")


def _standard_name(destination: str) -> str:
    """The place of a report; what stands for standard output is that."""
    return STDOUT if destination in _STDOUT_PATHS else destination


def _is_replaced(place: Path) -> bool:
    """Whether a file at a place is replaced, so that no two can be there."""
    try:
        return not place.exists() or place.is_file()
    except OSError:
        return True  # a name that is too long; that it can't be written is said where it is tried


def _is_same_file(path: str, other: str) -> bool:
    try:
        return Path(path).samefile(other)
    except OSError:
        return False
