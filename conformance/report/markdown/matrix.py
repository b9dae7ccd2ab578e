"""Several reports side by side, as Markdown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from conformance.core.model import PROBLEM_OUTCOMES, Outcome
from conformance.report.markdown.markup import escape_markdown, inline_code, markdown_table, row_size, take_fitting
from conformance.report.matrix import build_matrix, summarize_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.report.matrix import AreaSummary, CheckRow, MatrixCell

MAX_SUMMARY_BYTES = 900_000
"""A job summary on GitHub takes 1 MiB."""
_EMPTY_CELL = "\N{EN DASH}"
_OUTCOME_WORDS = {
    Outcome.PASS: "kept",
    Outcome.FAIL: "**broken**",
    Outcome.UNTESTABLE: "**untestable**",
    Outcome.ERROR: "**no verdict**",
    Outcome.OBSERVED: "observed",
    Outcome.NOT_APPLICABLE: _EMPTY_CELL,
}


def render_markdown_matrix(documents: Sequence[Mapping[str, Any]]) -> str:
    """The page of several reports side by side, in their order: targets, profiles, or both."""
    summary = summarize_matrix(build_matrix(documents))
    names = [escape_markdown(column.label) for column in summary.columns]
    verdicts = [
        [
            escape_markdown(column.label),
            inline_code(column.url),
            column.verdict,
            share,
            f"{column.kept:,} of {column.judged:,}",
            column.to_mend or _EMPTY_CELL,
        ]
        for column, share in zip(summary.columns, summary.shares, strict=True)
    ]
    blocks = [
        f"# {escape_markdown(summary.title)}",
        markdown_table(["report", "target", "verdict", "MUST kept", "checks", "to mend"], verdicts),
        *(
            f"{inline_code(column.label)}: {escape_markdown(column.unjudged_reason)}."
            for column in summary.columns
            if column.unjudged_reason
        ),
        "## By area",
        "Checks that are kept, of those that were judged; each counts once, by its worst outcome on any call.",
        markdown_table(["area", *names], [[area.name, *_shares(area)] for area in summary.areas]),
        "## By check",
        _omitted_sentence([line.row for area in summary.areas for line in area.checks]),
        markdown_table(["check", *names], _rows([line.row for area in summary.areas for line in area.checks])),
    ]
    return "\n\n".join(blocks) + "\n"


def _shares(area: AreaSummary) -> list[str]:
    """How many checks of an area are kept, for each report."""
    return [f"{tally.kept:,} of {tally.judged:,}" if tally.judged else _EMPTY_CELL for tally in area.tallies]


def _has_problem(row: CheckRow) -> bool:
    """Whether a check has a problem in any report."""
    return any(cell is not None and cell.outcome in PROBLEM_OUTCOMES for cell in row.cells)


def _omitted_sentence(rows: Sequence[CheckRow]) -> str:
    """How many checks the table below leaves out, in a sentence."""
    omitted_count = Counter(_has_problem(row) for row in rows)[False]
    return (
        f"{omitted_count:,} checks have no problem in any report and are left out."
        if omitted_count
        else "Each check has a problem in some report."
    )


def _rows(rows: Sequence[CheckRow]) -> list[list[str]]:
    """The checks with a problem, with their cells, as many as fit."""
    all_rows = [[inline_code(row.id), *map(_cell, row.cells)] for row in rows if _has_problem(row)]
    kept = take_fitting(all_rows, MAX_SUMMARY_BYTES, row_size)
    return kept if len(kept) == len(all_rows) else [*kept, ["*and more*", *[""] * (len(all_rows[0]) - 1)]]


def _cell(cell: MatrixCell | None) -> str:
    """The outcome of a check, its level, and on how many calls it has a problem, and how many calls are missing."""
    if cell is None:
        return ""
    words = _OUTCOME_WORDS[Outcome(cell.outcome)]
    missing = f", {cell.missing_count:,} missing" if cell.missing_count else ""
    if cell.outcome not in PROBLEM_OUTCOMES:
        return f"{words}{missing}"
    return f"{words} {cell.level.upper()} {cell.failed_count:,}/{cell.call_count:,}{missing}"
