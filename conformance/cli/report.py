"""`conformance report` and `conformance compare`: show JSON reports of earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.cli import output
from conformance.cli.execution import create_console
from conformance.cli.line_stream import STDOUT
from conformance.report import load_changes
from conformance.report.changes import compare_reports
from conformance.report.loading import load_all
from conformance.report.terminal import print_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORSE_CODE = 1


def report(options: Mapping[str, Any]) -> int:
    """Writes the requested kinds of report, for one JSON report or several; Markdown by default."""
    outputs = output.Outputs.requested(options, inputs=options["files"])
    outputs.destinations = outputs.destinations or {"markdown": STDOUT}
    documents = [document for path in options["files"] for document in load_all(path)]
    if len(documents) > 1:
        output.require_combinable(outputs.destinations)
    outputs.publish_texts(lambda name: output.render_report(name, documents))
    return 0


def compare(options: Mapping[str, Any]) -> int:
    """Compares two reports and returns the exit code: 1 if a check newly fails or is no longer judged."""
    from conformance.report.markdown import render_markdown_changes

    outputs = output.Outputs.requested(options, ("json", "markdown"), (options["old"], options["new"]))
    if (old := load_changes.read_load(options["old"])) and (new := load_changes.read_load(options["new"])):
        return _compare_loads(outputs, old, new)
    report_changes = compare_reports(load_all(options["old"]), load_all(options["new"]))
    outputs.publish_texts(
        lambda name: report_changes.json_text() if name == "json" else render_markdown_changes(report_changes),
        lambda: print_changes(report_changes, create_console()),
    )
    return _WORSE_CODE if report_changes.is_worse else 0


def _compare_loads(outputs: output.Outputs, old: Mapping[str, Any], new: Mapping[str, Any]) -> int:
    """Compares two loads: 1 if the new one is slower, or breaks a promise that the old one kept."""
    changes = load_changes.compare_loads(old, new)
    console = create_console()

    def show() -> None:
        for line in load_changes.change_lines(changes):
            console.print(line, markup=False, soft_wrap=True)

    outputs.publish_texts(lambda name: load_changes.render_changes(name, changes), show)
    return _WORSE_CODE if changes["is_worse"] else 0


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"report": report, "compare": compare}
