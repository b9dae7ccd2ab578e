"""The most that a run may send: requests, bytes and events, counted when they are sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.core.errors import NoResponse

BUDGET_UNITS = ("requests", "bytes", "events")
_UNLIMITED = 10**12


class BudgetExhausted(NoResponse):
    """The budget is used up: the request was not sent, and there is no verdict.

    `unit` is one of BUDGET_UNITS, `limit` how many of them were allowed.
    """

    def __init__(self, unit: str, limit: int) -> None:
        self.unit, self.limit = unit, limit
        self.reason = f"the budget of {limit:,} {unit} is used up (--max-{unit})"
        super().__init__(f"no verdict: {self.reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Requests, their bytes with all headers, and the events in them."""

    requests: int = 0
    bytes: int = 0
    events: int = 0


@dataclass(slots=True, kw_only=True)
class Budget:
    """The most that may be sent (None is no limit), and what was sent so far.

    Events are counted whether they are acceptable or not. `exhausted` is the error of the first request that did not
    fit, if any.
    """

    requests: int | None = None
    bytes: int | None = None
    events: int | None = None
    spent: list[int] = field(default_factory=lambda: [0, 0, 0])
    exhausted: BudgetExhausted | None = None

    def spend(self, size: int, events: int) -> None:
        """Counts one request. Raises BudgetExhausted, and counts nothing, if it does not fit."""
        spent = self.spent
        after = (spent[0] + 1, spent[1] + size, spent[2] + events)
        for unit, limit, total in zip(BUDGET_UNITS, (self.requests, self.bytes, self.events), after, strict=True):
            if limit is not None and total > limit:
                self.exhausted = BudgetExhausted(unit, limit)
                raise self.exhausted
        spent[:] = after

    @property
    def exhausted_reason(self) -> str:
        """Why no more can be sent; empty if the budget is not used up."""
        return self.exhausted.reason if self.exhausted else ""

    @property
    def requests_left(self) -> int:
        """How many requests may still be sent; a very large number without a limit."""
        return _UNLIMITED if self.requests is None else self.requests - self.spent[0]

    @property
    def bytes_left(self) -> int:
        """How many bytes may still be sent; a very large number without a limit."""
        return _UNLIMITED if self.bytes is None else self.bytes - self.spent[1]

    @property
    def usage(self) -> Usage:
        """What was sent so far."""
        requests, size, events = self.spent
        return Usage(requests=requests, bytes=size, events=events)
