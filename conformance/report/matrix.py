"""Several reports side by side: a column for each report, a row for each check, and counts by area."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.core.model import JUDGED_OUTCOMES, PROBLEM_OUTCOMES, WORST_FIRST, Level, Outcome
from conformance.report.cause_view import view_causes
from conformance.report.tallies import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A report. `kept` and `judged` count its MUST checks; `unjudged_reason` says why not all was.

    `to_mend` says how many causes its failures have at its gate; it is empty if there are none, or nobody looked.
    """

    label: str
    url: str
    profile_name: str
    profile_title: str
    verdict: str
    counts: Mapping[str, int]
    kept: int
    judged: int
    unjudged_reason: str
    to_mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """The worst outcome of a check on any call of a report, and the number of calls with a problem.

    Calls on which nothing is accepted are not among them if there are others; `missing_count` is their number.
    """

    outcome: str
    call_count: int
    failed_count: int
    missing_count: int
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """A check, with a cell for each column, None if the report lacks the check."""

    id: str
    area: str
    title: str
    cells: tuple[MatrixCell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Reports side by side."""

    columns: tuple[Column, ...]
    rows: tuple[CheckRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """A check over all columns: its worst outcome, and all its levels."""

    row: CheckRow
    worst_outcome: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaSummary:
    """The checks of an area, with a tally for each column."""

    name: str
    tallies: tuple[Tally, ...]
    checks: tuple[CheckSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixSummary:
    """A matrix by areas. `title` says in one line what is compared, `shares` hold the kept share of each column."""

    title: str
    columns: tuple[Column, ...]
    shares: tuple[str, ...]
    areas: tuple[AreaSummary, ...]


def build_matrix(documents: Sequence[Mapping[str, Any]]) -> Matrix:
    """The matrix of reports, given as their JSON documents, in their order."""
    checks_by_document: list[dict[str, list[Mapping[str, Any]]]] = []
    for document in documents:
        checks: dict[str, list[Mapping[str, Any]]] = {}
        for item in document["checks"]:
            checks.setdefault(item["id"], []).append(item)
        checks_by_document.append(checks)
    sample_checks = {name: items[0] for checks in reversed(checks_by_document) for name, items in checks.items()}
    rows = tuple(
        CheckRow(
            id=name,
            area=sample_checks[name]["area"],
            title=sample_checks[name]["title"],
            cells=tuple(_cell(checks[name]) if name in checks else None for checks in checks_by_document),
        )
        for name in sorted(sample_checks)
    )
    columns = [_column(document, documents) for document in documents]
    return Matrix(columns=tuple(_with_unique_labels(columns)), rows=rows)


def _with_unique_labels(columns: Iterable[Column]) -> Iterator[Column]:
    """Numbers columns that have the same label."""
    seen: Counter[str] = Counter()
    for column in columns:
        seen[column.label] += 1
        number = seen[column.label]
        yield column if number == 1 else replace(column, label=f"{column.label} ({number})")


def _column(document: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> Column:
    """A report, labelled by what differs between the reports: target, profile, or both."""
    url, profile = document["target"]["url"], document["profile"]["name"]
    is_same_url = len({other["target"]["url"] for other in documents}) == 1
    is_same_profile = len({other["profile"]["name"] for other in documents}) == 1
    musts = [Outcome(item["outcome"]) for item in document["checks"] if item["level"] == Level.MUST]
    return Column(
        label=profile if is_same_url else url if is_same_profile else f"{url} by {profile}",
        url=url,
        profile_name=profile,
        profile_title=document["profile"]["title"],
        verdict=document["verdict"],
        counts=document["counts"],
        kept=musts.count(Outcome.PASS),
        judged=sum(outcome in JUDGED_OUTCOMES for outcome in musts),
        unjudged_reason=document["run"].get("failure") or document["run"].get("stopped", ""),
        to_mend=_words_to_mend(document),
    )


def _words_to_mend(document: Mapping[str, Any]) -> str:
    overview = view_causes(document)
    count = len(overview.gated) if overview else 0
    return f"{count:,} cause{'s' if count != 1 else ''}" if count else ""


def _cell(checks: Iterable[Mapping[str, Any]]) -> MatrixCell:
    """The worst outcome of a check on several calls."""
    check_list = list(checks)
    asked = [item for item in check_list if not item.get("path_state")]
    worst_first = sorted(
        asked or check_list, key=lambda item: (WORST_FIRST.index(item["outcome"]), Level(item["level"]).rank)
    )
    worst = worst_first[0]
    return MatrixCell(
        outcome=worst["outcome"],
        call_count=len(worst_first),
        failed_count=sum(item["outcome"] in PROBLEM_OUTCOMES for item in worst_first),
        level=worst["level"],
        message=worst["message"],
        missing_count=len(check_list) - len(asked) if asked else 0,
    )


def summarize_matrix(matrix: Matrix) -> MatrixSummary:
    """The summary of a matrix."""
    names = sorted({row.area for row in matrix.rows})
    return MatrixSummary(
        title=_describe_title(matrix.columns),
        columns=matrix.columns,
        shares=tuple(format_share(column.kept, column.judged) for column in matrix.columns),
        areas=tuple(
            _summarize_area(name, [row for row in matrix.rows if row.area == name], len(matrix.columns))
            for name in names
        ),
    )


def format_share(kept: int, judged: int) -> str:
    """The kept share in whole percent, rounded down: 100 % means all."""
    return f"{100 * kept // judged} %" if judged else "nothing judged"


def _describe_title(columns: Sequence[Column]) -> str:
    """The title: profiles, targets, or both are compared."""
    urls, titles = {column.url for column in columns}, {column.profile_title for column in columns}
    if len(columns) == 1:
        return f"{columns[0].url} and {columns[0].profile_title}"
    if len(urls) == 1:
        owner = columns[0].profile_title if len(titles) == 1 else f"{len(titles)} profiles"
        return f"How far {columns[0].url} keeps the promises of {owner}"
    if len(titles) == 1:
        return f"How far {len(urls)} servers keep the promises of {columns[0].profile_title}"
    return f"How far {len(urls)} servers keep the promises of {len(titles)} profiles"


def _summarize_area(name: str, rows: Sequence[CheckRow], column_count: int) -> AreaSummary:
    """The tallies and checks of one area."""
    tallies = []
    for index in range(column_count):
        counts = Counter(cell.outcome for row in rows if (cell := row.cells[index]))
        tallies.append(Tally(counts={outcome: counts[outcome] for outcome in Outcome}))
    return AreaSummary(name=name, tallies=tuple(tallies), checks=tuple(map(_summarize_check, rows)))


def _summarize_check(row: CheckRow) -> CheckSummary:
    """The worst outcome and the levels of a check over all columns."""
    cells = [cell for cell in row.cells if cell]
    outcomes = {cell.outcome for cell in cells}
    return CheckSummary(
        row=row,
        worst_outcome=next(outcome.value for outcome in WORST_FIRST if outcome in outcomes),
        levels=tuple(sorted({cell.level for cell in cells})),
    )
