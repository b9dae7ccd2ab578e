"""`conformance report` and `conformance compare`: JSON reports of earlier runs, shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.cli import output
from conformance.cli.execution import create_console
from conformance.report.changes import compare_reports
from conformance.report.loading import load_all
from conformance.report.terminal import print_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORSE_CODE = 1


def report(options: Mapping[str, Any]) -> int:
    """Writes what was asked for of one report, or of several side by side; Markdown if nothing was."""
    destinations = output.requested_destinations(options) or {"markdown": output.STDOUT}
    documents = [document for path in options["files"] for document in load_all(path)]
    if len(documents) > 1:
        output.require_combinable(destinations)
    output.write_reports(documents, destinations)
    return 0


def compare(options: Mapping[str, Any]) -> int:
    """Says what became of each check; 1 if one is broken that was not, or is no longer judged."""
    from conformance.report.markdown import render_markdown_changes

    destinations = output.requested_destinations(options, ("json", "markdown"))
    report_changes = compare_reports(load_all(options["old"]), load_all(options["new"]))
    for name, destination in destinations.items():
        output.write(
            name, destination, report_changes.json_text() if name == "json" else render_markdown_changes(report_changes)
        )
    if output.STDOUT not in destinations.values():
        print_changes(report_changes, create_console())
    return _WORSE_CODE if report_changes.is_worse else 0


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"report": report, "compare": compare}
