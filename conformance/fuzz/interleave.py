"""Interleaving: items of several generators, and equal cases of several paths, in turn."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.contract import Operation
    from conformance.fuzz.case import Case

T = TypeVar("T")


def interleave(sources: Sequence[Iterable[T]], shares: Sequence[int] | None = None) -> Iterator[T]:
    """Items of each source in turn until all are exhausted: one at a time, or the source's share."""
    remaining = list(zip(map(iter, sources), shares or [1] * len(sources), strict=True))
    while remaining:
        for source, share in list(remaining):
            items = list(itertools.islice(source, share))
            if not items:
                remaining.remove((source, share))
            yield from items


def spread_over_paths(cases: Iterable[Case], operations: Sequence[Operation]) -> Iterator[Case]:
    """Cases that suit all of some operations, with these operations in turn."""
    calls = itertools.cycle([str(operation) for operation in operations])
    for case in cases:
        yield case._replace(call=next(calls))
