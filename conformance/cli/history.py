"""`conformance history` and `conformance site`: many JSON reports as a trend, and as pages for any host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cli import output
from conformance.cli.execution import create_console
from conformance.redaction import redact_document
from conformance.report.history import LabelledReport, build_history, render_history_json
from conformance.report.loading import load_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def history(options: Mapping[str, Any]) -> int:
    """Shows reports over time: what was kept, and which causes came and went."""
    from conformance.report.html import render_html_history
    from conformance.report.terminal_history import print_history

    outputs = output.Outputs.requested(options, ("json", "html"), options["files"])
    document = redact_document(build_history(_labelled(options["files"])))
    outputs.publish_texts(
        lambda name: render_history_json(document) if name == "json" else render_html_history(document),
        lambda: print_history(document, create_console()),
    )
    return 0


def site(options: Mapping[str, Any]) -> int:
    """Writes pages of many reports into a directory, for any host of static files."""
    from conformance.cli.site_files import write_site
    from conformance.report.site import INDEX_FILE, build_site

    reports = [
        LabelledReport(label=item.label, document=redact_document(item.document))
        for item in _labelled(options["files"])
    ]
    files = build_site(reports)
    write_site(Path(options["directory"]), files)
    create_console().print(
        f"{len(files):,} files; start with {Path(options['directory']) / INDEX_FILE}", soft_wrap=True
    )
    return 0


def _labelled(files: Iterable[str]) -> list[LabelledReport]:
    """The reports in files, each named as its file. Raises UsageError for a file that is no complete report."""
    return [LabelledReport(label=Path(path).stem, document=item) for path in files for item in load_all(path)]


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"history": history, "site": site}
