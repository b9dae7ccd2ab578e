"""Answers that were swapped between two requests, where their bodies have no ids.

Each alone looks like a wrong status. Swapped they come in pairs: two requests were in flight at the same time, and each
had a status that is documented for the other and not for itself.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.loadtest.journal import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.loadtest.journal import Sent

SWAPPED = (
    "robustness.concurrency.matched",
    "the answer to another request: two in flight at the same time have each other's statuses",
)
Cause: TypeAlias = tuple[str, str]
_MAX_WAITING, _NEARLY_ALL = 200, 0.95


class Swaps:
    """Finds pairs among requests with wrong statuses, as they come. `traffic` has the items and their rules."""

    def __init__(self, traffic: Mapping[str, Any]) -> None:
        rules = traffic["rules"]
        self._statuses = [frozenset(rules[item["rule"]]["statuses"]) for item in traffic["items"]]
        self._waiting: deque[tuple[Sent, Cause]] = deque(maxlen=_MAX_WAITING)
        self._invalid: Counter[int] = Counter()
        self._accepted: Counter[int] = Counter()

    def note(self, sent: Sent) -> None:
        """Counts a request: invalid ones that are nearly always accepted are no sign of swapped answers."""
        if sent.kind is Kind.BAD:
            self._invalid[sent.item] += 1
            self._accepted[sent.item] += sent.status in range(200, 300)

    def partner(self, sent: Sent, cause: Cause) -> tuple[Sent, Cause] | None:
        """The request whose answer this one has, and how it was named; None if there is none so far."""
        if not sent.status or sent.status in self._statuses[sent.item]:
            return None
        for other in self._waiting:
            if self._is_pair(sent, other[0]):
                self._waiting.remove(other)
                return other
        self._waiting.append((sent, cause))
        return None

    def _is_pair(self, one: Sent, other: Sent) -> bool:
        return (
            one.status in self._statuses[other.item]
            and other.status in self._statuses[one.item]
            and one.due_s + one.wait_s <= other.due_s + other.wait_s + other.took_s
            and other.due_s + other.wait_s <= one.due_s + one.wait_s + one.took_s
            and not self._is_always_accepted(one)
            and not self._is_always_accepted(other)
        )

    def _is_always_accepted(self, sent: Sent) -> bool:
        accepted = self._accepted[sent.item]
        return sent.kind is Kind.BAD and accepted > 2 and accepted >= _NEARLY_ALL * self._invalid[sent.item]
