"""Several reports side by side: a column each, a row for each check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.model import WORST_FIRST, Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BAD = frozenset({Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR})
_JUDGED = _BAD | {Outcome.PASS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A report. `kept` and `judged` count its checks at the level must; `failure` is why none was judged."""

    name: str
    url: str
    profile: str
    title: str
    verdict: str
    counts: Mapping[str, int]
    kept: int
    judged: int
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The worst that a check came to in a report, over its calls, and on how many of them it failed."""

    outcome: str
    count: int
    failed: int
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A check, with a cell for each column; None where the report lacks it."""

    id: str
    area: str
    title: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Reports side by side."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def matrix(documents: Sequence[Mapping[str, Any]]) -> Matrix:
    """The matrix of reports, given as their JSON documents, in their order."""
    found: list[dict[str, list[Mapping[str, Any]]]] = []
    for document in documents:
        checks: dict[str, list[Mapping[str, Any]]] = {}
        for item in document["checks"]:
            checks.setdefault(item["id"], []).append(item)
        found.append(checks)
    firsts = {name: items[0] for checks in reversed(found) for name, items in checks.items()}
    rows = tuple(
        Row(
            id=name,
            area=firsts[name]["area"],
            title=firsts[name]["title"],
            cells=tuple(_cell(checks[name]) if name in checks else None for checks in found),
        )
        for name in sorted(firsts)
    )
    columns = [_column(document, documents) for document in documents]
    return Matrix(columns=tuple(_apart(columns)), rows=rows)


def _apart(columns: Iterable[Column]) -> Iterator[Column]:
    """Columns whose names differ: the second of a target and a profile says that it is."""
    seen: Counter[str] = Counter()
    for column in columns:
        seen[column.name] += 1
        number = seen[column.name]
        yield column if number == 1 else replace(column, name=f"{column.name} ({number})")


def _column(document: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> Column:
    """A report, named by what sets it apart: its target, its profile, or both."""
    url, profile = document["target"]["url"], document["profile"]["name"]
    is_same_url = len({other["target"]["url"] for other in documents}) == 1
    is_same_profile = len({other["profile"]["name"] for other in documents}) == 1
    musts = [Outcome(item["outcome"]) for item in document["checks"] if item["level"] == Level.MUST]
    return Column(
        name=profile if is_same_url else url if is_same_profile else f"{url} by {profile}",
        url=url,
        profile=profile,
        title=document["profile"]["title"],
        verdict=document["verdict"],
        counts=document["counts"],
        kept=musts.count(Outcome.PASS),
        judged=sum(outcome in _JUDGED for outcome in musts),
        failure=document["run"].get("failure", ""),
    )


def _cell(checks: Iterable[Mapping[str, Any]]) -> Cell:
    """The worst of what a check came to."""
    found = sorted(checks, key=lambda item: (WORST_FIRST.index(item["outcome"]), Level(item["level"]).rank))
    worst = found[0]
    return Cell(
        outcome=worst["outcome"],
        count=len(found),
        failed=sum(item["outcome"] in _BAD for item in found),
        level=worst["level"],
        message=worst["message"],
    )
