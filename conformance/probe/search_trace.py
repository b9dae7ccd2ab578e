"""Trails: a search that is followed as far as the budget goes, with what it has seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.probe.limit_search import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.probe.limit_search import SearchSteps
    from conformance.requests import Draft

_LATER_REQUESTS = 60
"""So many requests are left for what comes after the limits."""


@dataclass(slots=True, kw_only=True)
class SearchTrace:
    """What a search has seen: each size with what it was answered, and whether the budget cut it short."""

    exchanges: dict[int, Exchange]
    bounds: Bounds
    request_count: int = 0
    is_cut_by_budget: bool = False

    @property
    def refusal(self) -> Exchange | None:
        """The answer to the smallest size that was refused."""
        return None if self.bounds.refused is None else self.exchanges[self.bounds.refused]


async def run_search(
    client: ProbeClient, steps: SearchSteps, make_draft: Callable[[int], Draft], accepted_size: int, budget_share: float
) -> SearchTrace:
    """Follows a search as far as a share of the budget of bytes goes."""
    trace = SearchTrace(exchanges={}, bounds=Bounds(accepted=accepted_size, refused=None))
    bytes_left = int(client.bytes_left * budget_share)
    was_accepted: bool | None = None
    try:
        while True:
            size = next(steps) if was_accepted is None else steps.send(was_accepted)
            draft = make_draft(size)
            bytes_left -= len(draft.build_request().body)
            if bytes_left < 0 or client.requests_left < _LATER_REQUESTS:
                trace.is_cut_by_budget = True
                return trace
            trace.exchanges[size] = await client.send(draft)
            trace.request_count += 1
            was_accepted = expect.is_accepted(trace.exchanges[size])
            trace.bounds = _narrow(trace.bounds, size, is_accepted=was_accepted)
    except StopIteration:
        return trace


def _narrow(bounds: Bounds, size: int, *, is_accepted: bool) -> Bounds:
    """Bounds after one more size."""
    if is_accepted:
        return replace(bounds, accepted=max(bounds.accepted, size))
    return replace(bounds, refused=size if bounds.refused is None else min(bounds.refused, size))
