"""Shows a trace: as lines for a terminal, as Markdown, as a page of HTML, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.text import escape_controls, join_first
from conformance.report.document import dump_json
from conformance.report.html.page import render_page
from conformance.report.markdown.markup import escape_markdown, markdown_table
from conformance.trace.tracing import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.trace.tracing import Trace, TracedRequirement

_FORMAT_VERSION = 1
_SHOWN_CHECKS = 3
_WORDS = {
    Kind.JUDGED: "judged",
    Kind.OBSERVED: "observed only",
    Kind.KEPT_BY_SUITE: "kept by the suite itself",
    Kind.EXCLUDED: "excluded",
}


def render_lines(shown: Trace) -> Iterator[str]:
    """A line for each requirement, then the totals."""
    for row in shown.rows:
        requirement = row.requirement
        columns = [requirement.id, f"{row.outcome or row.kind:14}", f"{row.level or '-':6}", requirement.says]
        yield escape_controls("  ".join(columns))
        names = _judged_by(row, row.deciding or row.check_ids)
        yield escape_controls(f"      {row.document}, lines {requirement.lines}: {names}")
    yield ""
    yield escape_controls(_summary(shown))


def render_markdown(shown: Trace) -> str:
    """A table of the requirements, with the totals above it."""
    rows = (
        (
            row.requirement.id, row.requirement.says, f"{row.document}, {row.requirement.lines}", row.level or "-",
            row.outcome or row.kind, _judged_by(row, row.deciding or row.check_ids),
        )
        for row in shown.rows
    )  # fmt: skip
    head = ("id", "the document says", "where", "level", "outcome", "by")
    table = markdown_table(head, (tuple(map(escape_markdown, row)) for row in rows))
    subject = f"{shown.title}, {shown.target}" if shown.target else shown.title
    title = f"# What the documents say: {escape_markdown(subject)}"
    return f"{title}\n\n{escape_markdown(_summary(shown))}\n\n{table}\n"


def render_html(shown: Trace) -> str:
    """The trace as one self-contained page, with the statements of each document in a table."""
    return render_page(
        "trace.html",
        profile=shown.profile,
        target=shown.target,
        title=shown.title,
        summary=_summary(shown),
        documents=rows_by_document(shown),
    )


def rows_by_document(shown: Trace) -> dict[str, list[Any]]:
    """The statements of each document, as in the JSON of a trace."""
    found: dict[str, list[Any]] = {}
    for row in shown.rows:
        found.setdefault(row.document, []).append(_row_as_json(row))
    return found


def render_json(shown: Trace) -> str:
    """The trace as JSON text; `specs/trace.schema.json` describes it."""
    return dump_json(as_document(shown))


def as_document(shown: Trace) -> dict[str, Any]:
    """The trace as a JSON document."""
    return {
        "format": _FORMAT_VERSION,
        "profile": shown.profile,
        "target": shown.target,
        "totals": {**shown.totals, "outcomes": shown.outcomes},
        "requirements": [_row_as_json(row) for row in shown.rows],
    }


def _row_as_json(row: TracedRequirement) -> dict[str, object]:
    requirement = row.requirement
    return {
        "id": requirement.id,
        "document": row.document,
        "lines": requirement.lines,
        "says": requirement.says,
        "kind": row.kind,
        "level": row.level,
        "checks": [*row.check_ids],
        "reason": requirement.excluded or requirement.kept_by,
        "outcome": row.outcome,
        "deciding": [*row.deciding],
    }


def _judged_by(row: TracedRequirement, names: Iterable[str]) -> str:
    """What judges a requirement, or why nothing does."""
    requirement = row.requirement
    if requirement.excluded:
        return f"excluded: {requirement.excluded}"
    if requirement.kept_by:
        return f"kept by the suite: {requirement.kept_by}"
    return join_first(names, _SHOWN_CHECKS)


def _summary(shown: Trace) -> str:
    totals = ", ".join(f"{count} {_WORDS[Kind(kind)]}" for kind, count in shown.totals.items())
    outcomes = ", ".join(f"{count} {name}" for name, count in shown.outcomes.items())
    return f"{len(shown.rows)} requirements of {shown.title}: {totals}" + (f"; {outcomes}" if outcomes else "")
