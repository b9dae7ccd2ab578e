"""Several reports side by side: a column each, a row for each check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.core.model import JUDGED_OUTCOMES, PROBLEM_OUTCOMES, WORST_FIRST, Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A report. `kept` and `judged` count its checks at the level must; `failure` is why none was judged."""

    label: str
    url: str
    profile_name: str
    profile_title: str
    verdict: str
    counts: Mapping[str, int]
    kept: int
    judged: int
    unjudged_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """The worst that a check came to in a report, over its calls, and on how many of them it failed."""

    outcome: str
    call_count: int
    failed_count: int
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """A check, with a cell for each column; None where the report lacks it."""

    id: str
    area: str
    title: str
    cells: tuple[MatrixCell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Reports side by side."""

    columns: tuple[Column, ...]
    rows: tuple[CheckRow, ...]


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
    """Columns whose names differ: the second of a target and a profile says that it is."""
    seen: Counter[str] = Counter()
    for column in columns:
        seen[column.label] += 1
        number = seen[column.label]
        yield column if number == 1 else replace(column, label=f"{column.label} ({number})")


def _column(document: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> Column:
    """A report, named by what sets it apart: its target, its profile, or both."""
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
        unjudged_reason=document["run"].get("failure", ""),
    )


def _cell(checks: Iterable[Mapping[str, Any]]) -> MatrixCell:
    """The worst of what a check came to."""
    worst_first = sorted(checks, key=lambda item: (WORST_FIRST.index(item["outcome"]), Level(item["level"]).rank))
    worst = worst_first[0]
    return MatrixCell(
        outcome=worst["outcome"],
        call_count=len(worst_first),
        failed_count=sum(item["outcome"] in PROBLEM_OUTCOMES for item in worst_first),
        level=worst["level"],
        message=worst["message"],
    )
