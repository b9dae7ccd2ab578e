"""Searching for a limit: which sizes to try, so that few requests and few bytes are spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

COMMON_SIZES = (
    1_000, 1_024, 2_000, 2_048, 4_000, 4_096, 5_000, 8_000, 8_192, 10_000, 10_240, 16_000, 16_384, 20_000,
    50_000, 100_000, 102_400, 128_000, 131_072, 200_000, 250_000, 256_000, 262_144, 524_288, 1_000_000,
    1_048_576, 2_000_000, 2_097_152, 5_000_000, 5_242_880,
)  # fmt: skip
"""Sizes that servers and the proxies before them have for limits, in bytes."""
COMMON_EVENT_COUNTS = (1, 2, 5, 10, 20, 25, 50, 100, 128, 200, 250, 256, 500, 512, 1_000)
"""Numbers of events that batches have for limits."""
_MAX_SIZE_FOR_ONE_LESS = 1_048_576
"""Up to such a size, one less than what is refused is tried: it may be the limit itself."""
_MAX_ROUND_NUMBERS = 15
"""About so many round numbers are tried between two sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What was seen of a limit: the largest size that was taken, the smallest that was refused, if any."""

    accepted: int
    refused: int | None

    @property
    def is_exact(self) -> bool:
        """Whether nothing is left between the two."""
        return self.refused is not None and self.refused - self.accepted == 1


SearchSteps: TypeAlias = "Generator[int, bool, Bounds]"
"""Yields sizes, is sent whether each was taken, and returns what that comes to."""


def search_limit(smallest: int, likely_sizes: Iterable[int], largest: int) -> SearchSteps:
    """Looks for a limit above a size that is taken: among likely numbers first, then anywhere."""
    candidates = sorted({mark for mark in (*likely_sizes, largest) if smallest < mark <= largest})
    bounds = yield from _bisect_candidates(Bounds(accepted=smallest, refused=None), candidates)
    bounds = yield from _try_neighbours(bounds)
    if bounds.refused is not None and not bounds.is_exact:
        bounds = yield from _bisect_candidates(bounds, round_numbers(bounds.accepted, bounds.refused))
        bounds = yield from _try_neighbours(bounds)
    return (yield from _bisect(bounds))


def round_numbers(low: int, high: int) -> list[int]:
    """Some round numbers, decimal and binary ones, between two others."""
    numbers: set[int] = set()
    for base in (10, 2):
        step = 1
        while (high - low) // step > _MAX_ROUND_NUMBERS // 2:
            step *= base
        numbers |= {number for number in range(low - low % step + step, high, step) if low < number < high}
    return sorted(numbers)


def _bisect_candidates(bounds: Bounds, candidates: Sequence[int]) -> SearchSteps:
    """Halves a list of sizes until two neighbours are left."""
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
    """Tries the two sizes that make a round number a limit: one more than is taken, one less than is not."""
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
    """Halves what is left."""
    low, high = bounds.accepted, bounds.refused
    while high is not None and high - low > 1:
        middle = (low + high) // 2
        if (yield middle):
            low = middle
        else:
            high = middle
    return Bounds(accepted=low, refused=high)
