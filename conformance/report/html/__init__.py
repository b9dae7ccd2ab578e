"""Reports as HTML: one file, readable without network and without scripts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.core.model import Level
from conformance.report import diff_summary
from conformance.report.cause_view import view_causes
from conformance.report.delivery_table import COLUMNS as DELIVERY_COLUMNS
from conformance.report.delivery_table import build_delivery_table
from conformance.report.failure_groups import group_failures
from conformance.report.html.gauges import SCALE, build_gauge
from conformance.report.html.page import MAX_TEXT_LENGTH, render_page
from conformance.report.html.trend import build_trend
from conformance.report.html.waterfall import build_waterfall
from conformance.report.matrix import build_matrix, summarize_matrix
from conformance.report.sdk_table import build_sdk_table
from conformance.report.tallies import build_call_grid, report_headline, tallies_by_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.report.cause_view import CauseOverview
    from conformance.report.failure_groups import FailureGroup

__all__ = ["render_html", "render_html_diff", "render_html_history", "render_html_matrix", "render_html_site"]

_MAX_TRANSCRIPT_LENGTH = 350_000
"""The characters of transcripts on a page, which thus stays below 1.5 MB."""


def render_html(document: Mapping[str, Any], statements: Mapping[str, Sequence[Any]] | None = None) -> str:
    """The page of one report, given as its JSON document. The same document gives the same text.

    `statements` are those of the profile's documents, by the document, with how they came out in the report.
    """
    checks, causes = document["checks"], view_causes(document)
    return render_page(
        "report.html",
        document=document,
        headline=report_headline(document),
        causes=causes,
        levels=tallies_by_level(checks),
        gated=[level.value for level in Level if level.is_at_least(Level(document["run"]["gate"]))],
        findings=_trim_transcripts(group_failures(checks), causes),
        grid=build_call_grid(checks),
        gauges=[build_gauge(limit) for limit in document.get("limits", [])],
        scale=SCALE,
        sdks=build_sdk_table(document),
        delivery=build_delivery_table(document),
        delivery_columns=list(DELIVERY_COLUMNS.values()),
        times=build_waterfall(document),
        statements=statements or {},
    )


def render_html_matrix(documents: Sequence[Mapping[str, Any]], pages: Sequence[str] = ()) -> str:
    """The page of several reports side by side, in their order: targets, profiles, or both.

    `pages` are the addresses of their own pages, to which columns and cells lead.
    """
    comparison = summarize_matrix(build_matrix(documents))
    return render_page("matrix.html", documents=documents, comparison=comparison, pages=pages)


def render_html_site(
    *,
    servers: Sequence[tuple[str, Sequence[object]]],
    profiles: Sequence[tuple[str, str]],
    history: str,
    report_count: int,
) -> str:
    """The first page of a site: a row for each server, with a cell for each profile; see `conformance.report.site`."""
    return render_page("site.html", servers=servers, profiles=profiles, history=history, report_count=report_count)


def render_html_history(document: Mapping[str, Any]) -> str:
    """The page of reports over time, given as the JSON document of their history."""
    series = document["series"]
    titles = (
        " and ".join(item["profile"]["title"] for item in series) if len(series) <= 2 else f"{len(series)} profiles"
    )
    return render_page(
        "history.html",
        title=f"Promises of {titles} over time",
        views=[(item, build_trend(item["runs"])) for item in series],
        run_count=sum(len(item["runs"]) for item in series),
    )


def render_html_diff(document: Mapping[str, Any]) -> str:
    """The page of a comparison of two servers, given as its JSON document."""
    return render_page(
        "differences.html",
        document=document,
        headline=diff_summary.diff_headline(document),
        remarks=[*diff_summary.diff_remarks(document), diff_summary.describe_scope(document)],
        keeps=diff_summary.describe_kept_by,
        ways=diff_summary.describe_changes,
        reactions=diff_summary.describe_reactions,
    )


def _trim_transcripts(
    groups_by_outcome: Mapping[str, tuple[FailureGroup, ...]], causes: CauseOverview | None
) -> dict[str, tuple[FailureGroup, ...]]:
    """The findings, without transcripts that do not fit on a page, or that show no more than that of their cause."""
    room = _MAX_TRANSCRIPT_LENGTH
    shown_ids = {view.data["shown_by"]["id"] for view in causes.all} if causes else set()
    trimmed_groups = {}
    for outcome, items in groups_by_outcome.items():
        kept = []
        for item in items:
            is_repeated = "cause" in item.first and not shown_ids.intersection(member.id for member in item.members)
            room -= 0 if is_repeated else _rendered_length([item.first["exchanges"], item.first["curl"]])
            kept.append(replace(item, has_transcript=False) if is_repeated or room <= 0 else item)
        trimmed_groups[outcome] = tuple(kept)
    return trimmed_groups


def _rendered_length(value: object) -> int:
    """About how many characters a JSON value takes on a page."""
    if isinstance(value, str):
        return min(len(value), MAX_TEXT_LENGTH)
    if isinstance(value, dict):
        return sum(len(name) + _rendered_length(inner) for name, inner in value.items())
    return sum(map(_rendered_length, value)) if isinstance(value, list | tuple) else 1
