"""`conformance report` and `conformance compare`: JSON reports of earlier runs, shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.cli import writing
from conformance.cli.running import console
from conformance.report.changes import changes
from conformance.report.loading import load_all
from conformance.report.terminal import show_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORSE = 1


def report(options: Mapping[str, Any]) -> int:
    """Writes what was asked for of one report, or of several side by side; Markdown if nothing was."""
    wanted = writing.places(options) or {"markdown": writing.STDOUT}
    documents = [document for path in options["files"] for document in load_all(path)]
    if len(documents) > 1:
        writing.for_several(wanted)
    writing.write_reports(documents, wanted)
    return 0


def compare(options: Mapping[str, Any]) -> int:
    """Says what became of each check; 1 if one is broken that was not, or is no longer judged."""
    from conformance.report.markdown import markdown_changes

    wanted = writing.places(options, ("json", "markdown"))
    found = changes(load_all(options["old"]), load_all(options["new"]))
    for name, place in wanted.items():
        writing.write(name, place, found.text() if name == "json" else markdown_changes(found))
    if writing.STDOUT not in wanted.values():
        show_changes(found, console())
    return _WORSE if found.is_worse else 0


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"report": report, "compare": compare}
