"""What a run may send in all: requests, bytes and events, counted where they leave."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.core.errors import NoResponse

BUDGET_UNITS = ("requests", "bytes", "events")
_UNLIMITED = 10**12


class BudgetExhausted(NoResponse):
    """A budget is used up: the request was not sent, and nothing can be said of what it was for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Requests, their bytes with all headers, and the events in them."""

    requests: int = 0
    bytes: int = 0
    events: int = 0


@dataclass(slots=True, kw_only=True)
class Budget:
    """What may be sent at most, None being no limit, and what was sent so far.

    The count errs upwards: events are counted whether they are acceptable or not.
    """

    requests: int | None = None
    bytes: int | None = None
    events: int | None = None
    spent: list[int] = field(default_factory=lambda: [0, 0, 0])
    exhausted_reason: str = ""

    def spend(self, size: int, events: int) -> None:
        """Takes one request out. Raises Exhausted, and takes nothing, if there is not enough left."""
        spent = self.spent
        after = (spent[0] + 1, spent[1] + size, spent[2] + events)
        for unit, limit, total in zip(BUDGET_UNITS, (self.requests, self.bytes, self.events), after, strict=True):
            if limit is not None and total > limit:
                self.exhausted_reason = f"the budget of {limit:,} {unit} is used up (--max-{unit})"
                raise BudgetExhausted(f"no verdict: {self.exhausted_reason}")
        spent[:] = after

    @property
    def requests_left(self) -> int:
        """How many requests may still be sent; without a limit, more than anybody sends."""
        return _UNLIMITED if self.requests is None else self.requests - self.spent[0]

    @property
    def bytes_left(self) -> int:
        """How many bytes may still be sent; without a limit, more than anybody sends."""
        return _UNLIMITED if self.bytes is None else self.bytes - self.spent[1]

    @property
    def usage(self) -> Usage:
        """What was sent so far."""
        requests, size, events = self.spent
        return Usage(requests=requests, bytes=size, events=events)
