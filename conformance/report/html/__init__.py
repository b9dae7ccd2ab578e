"""The report as a page of HTML: one file that needs no network, and no script to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.model import Level
from conformance.report import differences
from conformance.report.comparison import compare
from conformance.report.consequences import table
from conformance.report.findings import findings
from conformance.report.html.gauges import SCALE, gauge
from conformance.report.html.page import page
from conformance.report.html.transcripts import trimmed
from conformance.report.matrix import matrix
from conformance.report.tallies import grid, headline, levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["html", "html_differences", "html_matrix"]


def html(document: Mapping[str, Any]) -> str:
    """The page of one report, given as its JSON document. The same document gives the same text."""
    checks = document["checks"]
    return page(
        "report.html",
        document=document,
        headline=headline(document),
        levels=levels(checks),
        gated=[level.value for level in Level if level.reaches(Level(document["run"]["gate"]))],
        findings=trimmed(findings(checks)),
        grid=grid(checks),
        gauges=[gauge(limit) for limit in document.get("limits", [])],
        scale=SCALE,
        sdks=table(document),
    )


def html_matrix(documents: Sequence[Mapping[str, Any]]) -> str:
    """The page of several reports side by side, in their order: targets, profiles, or both."""
    return page("matrix.html", documents=documents, comparison=compare(matrix(documents)))


def html_differences(document: Mapping[str, Any]) -> str:
    """The page of two servers compared, given as the JSON document of the comparison."""
    return page(
        "differences.html",
        document=document,
        headline=differences.headline(document),
        remarks=[*differences.remarks(document), differences.compared(document)],
        keeps=differences.keeps,
        ways=differences.ways,
        reactions=differences.reactions,
    )
