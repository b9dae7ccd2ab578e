"""Controls that were accepted lately, for the checks that share them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.contract import Operation
    from conformance.core.model import Exchange
    from conformance.requests import Draft

_USES = 8
"""The number of checks that share one control before it is sent again."""


@dataclass(slots=True)
class _CachedControl:
    """A control that was answered, and the number of checks that may still reuse it."""

    draft: Draft
    exchange: Exchange
    uses_left: int


@dataclass(slots=True)
class ControlCache:
    """The last control of each operation."""

    _controls: dict[Operation, _CachedControl] = field(default_factory=dict)

    def keep(self, draft: Draft, exchange: Exchange) -> None:
        """Keeps a control and the answer to it."""
        self._controls[draft.operation] = _CachedControl(draft, exchange, _USES)

    def reuse(self, operation: Operation) -> Exchange | None:
        """The recent exchange of a control of the operation; None if a new one is due."""
        cached = self._controls.get(operation)
        if cached is None or cached.uses_left <= 0:
            return None
        cached.uses_left -= 1
        return cached.exchange

    def draft_of(self, operation: Operation) -> Draft | None:
        """The last control of an operation that was kept, however old."""
        cached = self._controls.get(operation)
        return cached.draft if cached else None

    def expire(self) -> None:
        """Makes new controls due, for all operations."""
        for control in self._controls.values():
            control.uses_left = 0
