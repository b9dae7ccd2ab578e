"""Trails: a search that is followed as far as the budget goes, with what it has seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import expect
from conformance.probe.search import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import Exchange
    from conformance.payloads import Draft
    from conformance.probe.inquiry import Inquiry
    from conformance.probe.search import Search

_LATER_REQUESTS = 60
"""So many requests are left for what comes after the limits."""


@dataclass(slots=True, kw_only=True)
class Trail:
    """What a search has seen: each size with what it was answered, and whether the budget cut it short."""

    answers: dict[int, Exchange]
    bounds: Bounds
    requests: int = 0
    is_cut: bool = False

    @property
    def refusal(self) -> Exchange | None:
        """The answer to the smallest size that was refused."""
        return None if self.bounds.refused is None else self.answers[self.bounds.refused]


async def follow(
    inquiry: Inquiry, steps: Search, make: Callable[[int], Draft], taken: int, share: float
) -> Trail:
    """Follows a search as far as a share of the budget of bytes goes."""
    trail = Trail(answers={}, bounds=Bounds(taken=taken, refused=None))
    room = int(inquiry.bytes_left * share)
    sent: bool | None = None
    try:
        while True:
            size = next(steps) if sent is None else steps.send(sent)
            request = make(size)
            room -= len(request.request().body)
            if room < 0 or inquiry.requests_left < _LATER_REQUESTS:
                trail.is_cut = True
                return trail
            trail.answers[size] = await inquiry.ask(request)
            trail.requests += 1
            sent = expect.is_accepted(trail.answers[size])
            trail.bounds = _narrowed(trail.bounds, size, is_taken=sent)
    except StopIteration:
        return trail


def _narrowed(bounds: Bounds, size: int, *, is_taken: bool) -> Bounds:
    """Bounds after one more size."""
    if is_taken:
        return replace(bounds, taken=max(bounds.taken, size))
    return replace(bounds, refused=size if bounds.refused is None else min(bounds.refused, size))
