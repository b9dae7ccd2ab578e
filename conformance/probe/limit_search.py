"""Searches for a limit with few requests and few bytes, and records the answer to each size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.profile.facts import SizeLimit
from conformance.run.kept_exchanges import without_body

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.profile.profile import Profile
    from conformance.requests import Draft

COMMON_SIZES = (
    1_000, 1_024, 2_000, 2_048, 4_000, 4_096, 5_000, 8_000, 8_192, 10_000, 10_240, 16_000, 16_384, 20_000,
    50_000, 100_000, 102_400, 128_000, 131_072, 200_000, 250_000, 256_000, 262_144, 524_288, 1_000_000,
    1_048_576, 2_000_000, 2_097_152, 5_000_000, 5_242_880,
)  # fmt: skip
"""Common limits of servers and proxies, in bytes."""
COMMON_EVENT_COUNTS = (1, 2, 5, 10, 20, 25, 50, 100, 128, 200, 250, 256, 500, 512, 1_000)
"""Common limits for the number of events in a batch."""
_MAX_SIZE_FOR_ONE_LESS = 1_048_576
"""Up to this size, one less than a refused size is tried: the limit may be exclusive."""
_MAX_ROUND_NUMBERS = 15
"""About how many round numbers are tried between two sizes."""
_LATER_REQUESTS = 60
"""Requests that are reserved for the phases after the limits."""


def documented_sizes(profiles: Iterable[Profile]) -> set[int]:
    """Both ends of every size limit that these profiles document."""
    facts = [fact for profile in profiles for fact in profile.facts.values() if isinstance(fact, SizeLimit)]
    return {size for fact in facts for size in (fact.at_least, fact.at_most)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The largest accepted size, and the smallest refused one, if any."""

    accepted: int
    refused: int | None

    @property
    def is_exact(self) -> bool:
        """Whether no size is left between the two."""
        return self.refused is not None and self.refused - self.accepted == 1


SearchSteps: TypeAlias = "Generator[int, bool, Bounds]"
"""Yields sizes, receives whether each was accepted, and returns the bounds."""


def search_limit(smallest: int, likely_sizes: Iterable[int], largest: int) -> SearchSteps:
    """Searches for a limit above an accepted size: among likely sizes first, then among all."""
    candidates = sorted({size for size in (*likely_sizes, largest) if smallest < size <= largest})
    bounds = yield from _bisect_candidates(Bounds(accepted=smallest, refused=None), candidates)
    bounds = yield from _try_neighbours(bounds)
    if bounds.refused is not None and not bounds.is_exact:
        bounds = yield from _bisect_candidates(bounds, round_numbers(bounds.accepted, bounds.refused))
        bounds = yield from _try_neighbours(bounds)
    return (yield from _bisect(bounds))


def round_numbers(low: int, high: int) -> list[int]:
    """Some round numbers between two others, decimal and binary ones."""
    numbers: set[int] = set()
    for base in (10, 2):
        step = 1
        while (high - low) // step > _MAX_ROUND_NUMBERS // 2:
            step *= base
        numbers |= {number for number in range(low - low % step + step, high, step) if low < number < high}
    return sorted(numbers)


def _bisect_candidates(bounds: Bounds, candidates: Sequence[int]) -> SearchSteps:
    """Bisects a list of sizes."""
    below, above = -1, len(candidates)
    while above - below > 1:
        middle = (below + above) // 2
        if (yield candidates[middle]):
            below = middle
        else:
            above = middle
    return Bounds(
        accepted=candidates[below] if below >= 0 else bounds.accepted,
        refused=candidates[above] if above < len(candidates) else bounds.refused,
    )


def _try_neighbours(bounds: Bounds) -> SearchSteps:
    """Tries one more than the accepted size, and one less than the refused one, since one of them may be the limit."""
    low, high = bounds.accepted, bounds.refused
    if high is not None and high - low > 1:
        if not (yield low + 1):
            return Bounds(accepted=low, refused=low + 1)
        low += 1
    if high is not None and high - low > 1 and high <= _MAX_SIZE_FOR_ONE_LESS:
        if (yield high - 1):
            return Bounds(accepted=high - 1, refused=high)
        high -= 1
    return Bounds(accepted=low, refused=high)


def _bisect(bounds: Bounds) -> SearchSteps:
    """Bisects the remaining sizes."""
    low, high = bounds.accepted, bounds.refused
    while high is not None and high - low > 1:
        middle = (low + high) // 2
        if (yield middle):
            low = middle
        else:
            high = middle
    return Bounds(accepted=low, refused=high)


@dataclass(slots=True, kw_only=True)
class SearchTrace:
    """The answers to the sizes that a search has tried, and whether the budget ended it."""

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
    """Runs a search with a share of the remaining bytes of the budget."""
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
            trace.exchanges[size] = without_body(await client.send(draft))
            trace.request_count += 1
            was_accepted = client.accepts(trace.exchanges[size])
            trace.bounds = _narrow(trace.bounds, size, is_accepted=was_accepted)
    except StopIteration:
        return trace


def _narrow(bounds: Bounds, size: int, *, is_accepted: bool) -> Bounds:
    """The bounds after one more size."""
    if is_accepted:
        return replace(bounds, accepted=max(bounds.accepted, size))
    return replace(bounds, refused=size if bounds.refused is None else min(bounds.refused, size))
