"""Covering arrays: few rows of values in which each pair of values of two axes is met."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TypeAlias

_Cell: TypeAlias = tuple[int, int]
"""An axis, and one of its values."""


@lru_cache(maxsize=64)
def covering_rows(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Rows with a value from 0 to below its size for each axis, so that any two values of two axes share a row.

    Each row begins with a pair that is not met yet, and takes on each other axis the value that meets most new pairs.
    The same sizes give the same rows.
    """
    cells = [[(axis, value) for value in range(size)] for axis, size in enumerate(sizes)]
    missing = {
        frozenset((first, second)): None for one, other in combinations(cells, 2) for first in one for second in other
    }
    rows: list[tuple[int, ...]] = []
    while missing:
        row = dict(sorted(next(iter(missing))))
        for axis, size in sorted(enumerate(sizes), key=lambda item: -item[1]):
            if axis not in row:
                row[axis] = _best_value(axis, size, row, missing, len(rows))
        for pair in combinations(row.items(), 2):
            missing.pop(frozenset(pair), None)
        rows.append(tuple(row[axis] for axis in range(len(sizes))))
    return tuple(rows)


def _best_value(axis: int, size: int, row: dict[int, int], missing: dict[frozenset[_Cell], None], turn: int) -> int:
    """The value of an axis that meets most new pairs with a row; of equal ones, another one in each turn."""

    def new_pairs(value: int) -> int:
        return sum(frozenset(((axis, value), cell)) in missing for cell in row.items())

    return max(((value + turn) % size for value in range(size)), key=new_pairs)
