"""Controls that were accepted lately, for the checks that share them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.requests.rate_limits import equal_control

if TYPE_CHECKING:
    from conformance.contract import Operation
    from conformance.core.model import Exchange, Request
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

    def equal_to(self, draft: Draft, acceptable: Draft | None) -> Request | None:
        """An acceptable request that weighs as much as a draft; None if none is known.

        It is made from the last control that was kept, however old, else from another acceptable draft.
        """
        cached = self._controls.get(draft.operation)
        source = cached.draft if cached else acceptable
        control = equal_control(draft, source) if source is not None else None
        return control.build_request() if control is not None else None

    def expire(self) -> None:
        """Makes new controls due, for all operations."""
        for control in self._controls.values():
            control.uses_left = 0
