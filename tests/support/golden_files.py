"""The reports that every renderer makes of a small sample; `python -m tests.regenerate goldens` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.report.badge import render_badge
from conformance.report.changes import compare_reports
from conformance.report.document import dump_json
from conformance.report.junit import render_junit
from conformance.report.markdown import render_markdown, render_markdown_changes, render_markdown_matrix
from conformance.report.sarif import render_sarif
from tests.support import paths, sample_reports

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTORY = paths.GOLDEN
HOSTILE_TEXT = (
    "a\x00\x1b[31mb\x7f\x9b\u202e\ufffe\U0001f600\r\n\t</failure>]]>&<script>alert(1)</script>"
    "`|[x](http://e)@all {0} #1"
)
"""What a target might say."""
_CHANGED = {("auth.key.unknown", sample_reports.TRACK): "pass", ("accept.event.minimal", sample_reports.PAGE): "fail"}
_REMOVED = {("accept.event.minimal", sample_reports.BATCH), ("pixel.key.unknown", "")}


def later_report() -> dict[str, Any]:
    """The small report's server some time later: one check fixed, one broken, one gone and one new."""
    checks = [
        {**item, "outcome": _CHANGED.get((item["id"], item["operation"]), item["outcome"])}
        for item in sample_reports.full_report()["checks"]
        if (item["id"], item["operation"]) not in _REMOVED
    ]
    return sample_reports.report(*checks, sample_reports.check("json.syntax.bom"))


def hostile_report() -> dict[str, Any]:
    """The small report of a server that says what breaks files and terminals."""
    fields = dict.fromkeys(("message", "expected", "received", "curl", "title"), HOSTILE_TEXT)
    document = sample_reports.full_report()
    return {**document, "checks": [item | fields for item in document["checks"]]}


def golden_texts() -> Mapping[str, str]:
    """Every golden file with what it should hold."""
    document = sample_reports.full_report()
    return {
        "report.json": dump_json(document),
        "report.md": render_markdown(document),
        "report.junit.xml": render_junit(document),
        "report.sarif": render_sarif(document),
        "causes.md": render_markdown(sample_reports.report_with_causes()),
        "causes.junit.xml": render_junit(sample_reports.report_with_causes()),
        "causes.sarif": render_sarif(sample_reports.report_with_causes()),
        "badge.svg": render_badge(document),
        "hostile.md": render_markdown(hostile_report()),
        "matrix.md": render_markdown_matrix([document, sample_reports.conforming_report(), later_report()]),
        "changes.md": render_markdown_changes(compare_reports([document], [later_report()])),
        "changes.json": compare_reports([document], [later_report()]).json_text(),
    }
