"""The shapes of a load: which rate comes when. A shape is a generator that yields steps and is told how each went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.loadtest.observer import Tally

PRECISION, GROWTH = 1.05, 1.5
_STEP_S, _REST_S, _MAX_CONFIRMATIONS, _RATE_OF_ONE = 3.0, 1.0, 8, 25.0
_MAX_SLOW_STEPS = 3
SPIKE_FACTOR, SPIKE_S = 10.0, 5.0
TOGETHER = 16
"""How many requests are due at once, each second: what breaks with some in flight does not break one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rate in requests a second for some seconds. `ends_early`: at the first broken promise.

    `together` requests a second are due at the same moment; 1 spreads all evenly. `restarts`: the target is restarted
    at its beginning, and requests without an answer are no broken promise while it lasts.
    """

    name: str
    rate: float
    duration_s: float
    together: int = TOGETHER
    ends_early: bool = False
    restarts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How a step went: whether every promise held, and what came of its requests in how many seconds.

    `stopped` says why there is no next step, if the load ends.
    """

    step: Step
    is_kept: bool
    tally: Tally
    seconds: float
    wait_s: float = 0.0
    is_client_limited: bool = False


Shape: TypeAlias = "Generator[Step, StepResult, float | None]"
"""Returns the highest rate at which every promise held, if the shape looks for it."""


def alone(rate: float) -> Step:
    """The first step of each load: little enough that what is broken there is not broken by load."""
    return Step(name="alone", rate=min(10.0, rate), duration_s=2.0, together=1)


def steady(rate: float, duration_s: float) -> Shape:
    """One rate, from the beginning to the end."""
    yield Step(name="steady", rate=rate, duration_s=duration_s)
    return None


def ramp(first: float, last: float, duration_s: float) -> Shape:
    """Ten steps of growing rates."""
    count = 10
    for number in range(count):
        rate = first * (last / first) ** (number / (count - 1))
        together = max(1, min(TOGETHER, int(rate / _RATE_OF_ONE)))
        yield Step(name=f"ramp {number + 1}", rate=rate, duration_s=duration_s / count, together=together)
    return None


def spike(rate: float, duration_s: float, max_rate: float | None) -> Shape:
    """A burst of ten times the rate for five seconds, in the middle."""
    part = max(2.0, (duration_s - SPIKE_S) / 2)
    yield Step(name="before the burst", rate=rate, duration_s=part)
    yield Step(name="burst", rate=min(rate * SPIKE_FACTOR, max_rate or rate * SPIKE_FACTOR), duration_s=SPIKE_S)
    yield Step(name="after the burst", rate=rate, duration_s=part)
    return None


def restart(rate: float, duration_s: float, recover_s: float) -> Shape:
    """A restart of the target in the middle of one rate; it may be away for `recover_s`."""
    part = max(3.0, (duration_s - recover_s) / 2)
    yield Step(name="before the restart", rate=rate, duration_s=part)
    yield Step(name="restart", rate=rate, duration_s=recover_s, restarts=True)
    yield Step(name="after the restart", rate=rate, duration_s=part)
    return None


def find_limit(first: float, highest: float, hold_s: float) -> Shape:
    """The highest rate at which every promise holds for `hold_s`, to five percent: grow, halve the gap, confirm."""
    low, high, rate, slow_steps = 0.0, 0.0, first, 0
    while not high:
        result = yield _search_step(rate)
        if result.is_client_limited and result.is_kept and slow_steps < _MAX_SLOW_STEPS:
            slow_steps += 1  # something else may have kept this machine busy for a moment
            yield _rest(result)
        elif result.is_client_limited and result.is_kept:
            high = rate
        elif result.is_kept:
            low = rate
            if rate >= highest:
                break
            rate = min(highest, rate * GROWTH)
        else:
            high = rate
            yield _rest(result)
    while high and low and high / low > PRECISION:
        rate = (low * high) ** 0.5
        result = yield _search_step(rate)
        if result.is_kept:
            low = rate
        else:
            high = rate
            yield _rest(result)
    return (yield from _confirm(low, hold_s)) if low else None


def _confirm(candidate: float, hold_s: float) -> Shape:
    """Holds a rate, and lower ones until every promise holds for so long."""
    for _ in range(_MAX_CONFIRMATIONS):
        result = yield Step(name="confirm", rate=candidate, duration_s=hold_s, together=1, ends_early=True)
        if result.is_kept:
            return candidate
        yield _rest(result)
        candidate /= PRECISION
    return None


def _search_step(rate: float) -> Step:
    return Step(name="search", rate=rate, duration_s=max(_STEP_S, 20 / rate), together=1, ends_early=True)


def _rest(result: StepResult) -> Step:
    """Time for a server to recover, and for what it asked to wait."""
    return Step(name="rest", rate=0.0, duration_s=min(30.0, max(_REST_S, result.wait_s)))
