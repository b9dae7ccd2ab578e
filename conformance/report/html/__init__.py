"""The report as a page of HTML: one file that needs no network, and no script to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.model import Level
from conformance.report import diff_summary
from conformance.report.failure_groups import group_failures
from conformance.report.html.gauges import SCALE, build_gauge
from conformance.report.html.page import render_page
from conformance.report.html.transcripts import trim_transcripts
from conformance.report.matrix import build_matrix
from conformance.report.matrix_summary import summarize_matrix
from conformance.report.sdk_table import build_sdk_table
from conformance.report.tallies import build_call_grid, report_headline, tallies_by_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["render_html", "render_html_diff", "render_html_matrix"]


def render_html(document: Mapping[str, Any]) -> str:
    """The page of one report, given as its JSON document. The same document gives the same text."""
    checks = document["checks"]
    return render_page(
        "report.html",
        document=document,
        headline=report_headline(document),
        levels=tallies_by_level(checks),
        gated=[level.value for level in Level if level.is_at_least(Level(document["run"]["gate"]))],
        findings=trim_transcripts(group_failures(checks)),
        grid=build_call_grid(checks),
        gauges=[build_gauge(limit) for limit in document.get("limits", [])],
        scale=SCALE,
        sdks=build_sdk_table(document),
    )


def render_html_matrix(documents: Sequence[Mapping[str, Any]]) -> str:
    """The page of several reports side by side, in their order: targets, profiles, or both."""
    return render_page("matrix.html", documents=documents, comparison=summarize_matrix(build_matrix(documents)))


def render_html_diff(document: Mapping[str, Any]) -> str:
    """The page of two servers compared, given as the JSON document of the comparison."""
    return render_page(
        "differences.html",
        document=document,
        headline=diff_summary.diff_headline(document),
        remarks=[*diff_summary.diff_remarks(document), diff_summary.describe_scope(document)],
        keeps=diff_summary.describe_kept_by,
        ways=diff_summary.describe_changes,
        reactions=diff_summary.describe_reactions,
    )
