"""Statuses: the few that a dry run tries, and the ranges that they represent."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from conformance.export.exported_checks import FIRST_FINAL_STATUS, LAST_FINAL_STATUS
from conformance.profile.facts import ExpectedResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract
    from conformance.export.exported_checks import StatusRanges

_STATUSES_IN_CHECKS = frozenset({200, 207, 401, 403, 411, 429, 501, 505})
"""Statuses that checks name by number."""
_UNASSIGNED_DIGITS = 90
"""Last two digits of an unassigned status, which represents all other statuses of its class."""

T = TypeVar("T")


def representative_statuses(contract: Contract) -> tuple[int, ...]:
    """The statuses to try with checks of a contract: all that are named somewhere, and one more of each class."""
    facts = [
        *contract.profile.facts.values(),
        *(answer for event in contract.profile.events.values() for answer in event.required.values()),
    ]
    documented = {status for fact in facts if isinstance(fact, ExpectedResponse) for status in fact.statuses}
    unassigned = {_class_representative(status) for status in range(FIRST_FINAL_STATUS, LAST_FINAL_STATUS, 100)}
    return tuple(
        sorted(
            status
            for status in documented | _STATUSES_IN_CHECKS | unassigned
            if FIRST_FINAL_STATUS <= status <= LAST_FINAL_STATUS
        )
    )


def status_ranges(kinds: Mapping[int, T], *wanted_kinds: T) -> StatusRanges:
    """All statuses of the wanted kinds, given the kinds of the representative ones."""
    pairs: list[tuple[int, int]] = []
    for status in range(FIRST_FINAL_STATUS, LAST_FINAL_STATUS + 1):
        if (kinds[status] if status in kinds else kinds[_class_representative(status)]) not in wanted_kinds:
            continue
        if pairs and pairs[-1][1] == status - 1:
            pairs[-1] = (pairs[-1][0], status)
        else:
            pairs.append((status, status))
    return tuple(pairs)


def _class_representative(status: int) -> int:
    """The status that represents its class."""
    return status // 100 * 100 + _UNASSIGNED_DIGITS
