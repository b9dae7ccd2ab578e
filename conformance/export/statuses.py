"""Statuses: the few that tell checks apart, and the many that stand behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from conformance.export.script import FIRST, LAST
from conformance.profile.facts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract
    from conformance.export.script import Ranges

_KNOWN = frozenset({200, 207, 401, 403, 411, 429, 501, 505})
"""Those that checks know by number."""
_NOBODYS = 90
"""The last two digits of statuses that nobody knows: such a one stands for all of its class."""

T = TypeVar("T")


def telling(contract: Contract) -> tuple[int, ...]:
    """The statuses that tell checks of a contract apart: all with a meaning, and one more of each class."""
    facts = [
        *contract.profile.facts.values(),
        *(answer for event in contract.profile.events.values() for answer in event.required.values()),
    ]
    stated = {status for fact in facts if isinstance(fact, Answer) for status in fact.statuses}
    nobodys = {_class(status) for status in range(FIRST, LAST, 100)}
    return tuple(sorted(status for status in stated | _KNOWN | nobodys if FIRST <= status <= LAST))


def ranges(sorts: Mapping[int, T], *wanted: T) -> Ranges:
    """All statuses that are one of what is wanted, given what the telling ones are."""
    found: list[tuple[int, int]] = []
    for status in range(FIRST, LAST + 1):
        if (sorts[status] if status in sorts else sorts[_class(status)]) not in wanted:
            continue
        if found and found[-1][1] == status - 1:
            found[-1] = (found[-1][0], status)
        else:
            found.append((status, status))
    return tuple(found)


def _class(status: int) -> int:
    """The status that stands for a class."""
    return status // 100 * 100 + _NOBODYS
