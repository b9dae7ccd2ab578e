"""Watchdog: ends a run that takes too long, that makes no progress, or that could not end in time at its pace."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.core.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conformance.run.rate_limit_waits import RateLimitWaits

DEFAULT_DURATION_S = 900.0
_IDLE_S, _IDLE_DEADLINES = 55.0, 3
"""The longest time without progress in seconds, and in deadlines of one exchange; the longer one counts."""
_MAX_WAITING_S = 62.0
"""The same in seconds while the run waits for a rate limit that has let something pass before."""
_PACE_FACTOR = 1.25
"""A run is ended early only if its pace would exceed its limit by this factor."""
_TICK_S, _MAX_TICK_S = 0.1, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """How long a run may take, and how long without progress, in seconds; an `idle_s` of None: not watched.

    `used_s` is what earlier parts of the run have used up of the duration, `idle_before_s` the time without progress
    at their end.
    """

    duration_s: float = DEFAULT_DURATION_S
    used_s: float = 0.0
    idle_s: float | None = _IDLE_S
    idle_before_s: float = 0.0

    @classmethod
    def of(cls, max_duration_s: float | None, deadline_s: float) -> TimeLimits:
        """The limits for what a user asked for; whoever names a duration has all of it, with progress or without."""
        if max_duration_s is not None:
            return cls(duration_s=max_duration_s, idle_s=None)
        return cls(idle_s=max(_IDLE_S, _IDLE_DEADLINES * deadline_s))

    def after(self, elapsed_s: float) -> TimeLimits:
        """The limits for the next part of a run, once so many seconds are used up."""
        return replace(self, duration_s=max(self.duration_s - elapsed_s, 0.0), used_s=self.used_s + elapsed_s)

    def of_next_run(self, elapsed_s: float, idle_before_s: float = 0.0) -> TimeLimits:
        """The limits for the next of several runs: a named duration is that of all together, the default of each.

        The time without progress is that of all together, too.
        """
        return self.after(elapsed_s) if self.idle_s is None else replace(self, idle_before_s=idle_before_s)


@dataclass(slots=True, kw_only=True)
class Watchdog:
    """Bounds a run, waits included.

    `signs` are counts: if none of them grows, the run makes no progress; `idle_s` is for how long. `done_share` says
    how much of the planned work is done, from 0 to 1. Time that this process was busy with itself is not held against
    the target.
    """

    limits: TimeLimits
    signs: list[Callable[[], int]] = field(default_factory=list)
    done_share: Callable[[], float] | None = None
    waits: RateLimitWaits | None = None
    idle_s: float = 0.0
    _reason: str = ""

    @contextlib.asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Ends what is done under it when the time is up. Raises Stopped, which says why and how to go on."""
        self.idle_s = self.limits.idle_before_s
        self._reason = self._reason_to_end(0.0, 0.0, has_progress=False)
        if self._reason:
            raise Stopped(self._reason)
        try:
            async with asyncio.timeout(None) as scope:
                ticker = asyncio.get_running_loop().create_task(self._watch(scope))
                try:
                    yield
                finally:
                    ticker.cancel()
        except TimeoutError:
            if not self._reason:
                raise
            raise Stopped(self._reason) from None

    @property
    def has_ended(self) -> bool:
        """Whether the time was up."""
        return bool(self._reason)

    async def _watch(self, scope: asyncio.Timeout) -> None:
        """Ends a scope when the time is up."""
        start_s = before_s = time.monotonic()
        work_s, seen = 0.0, 0
        while not self._reason:
            await asyncio.sleep(_TICK_S)
            now_s = time.monotonic()
            tick_s = min(now_s - before_s, _MAX_TICK_S)
            before_s, work_s, self.idle_s = now_s, work_s + tick_s, self.idle_s + tick_s
            if (count := sum(sign() for sign in self.signs)) > seen:
                seen, self.idle_s = count, 0.0
            self._reason = self._reason_to_end(now_s - start_s, work_s, has_progress=seen > 0)
        scope.reschedule(asyncio.get_running_loop().time())

    def _reason_to_end(self, elapsed_s: float, work_s: float, *, has_progress: bool) -> str:
        """Why the run has to end now, or nothing. All times in seconds."""
        limits = self.limits
        if elapsed_s >= limits.duration_s:
            whole_s = round(limits.duration_s + limits.used_s, 1)
            return f"the time is up ({whole_s:g} s); to give it more, pass --max-duration SECONDS"
        if limits.idle_s is None:
            return ""
        is_waiting = has_progress and self.waits is not None and time.monotonic() < self.waits.ends_s + _MAX_TICK_S
        if self.idle_s >= (max(_MAX_WAITING_S, limits.idle_s) if is_waiting else limits.idle_s):
            return (
                f"no progress for {self.idle_s:.0f} s: nothing that the target answered led to a verdict"
                f"{self._asked_waits(', and it asked for {} s of waits')}; to wait longer, pass --max-duration SECONDS"
            )
        share = self.done_share() if self.done_share else 0.0
        projected_s = elapsed_s + work_s * (1 / share - 1) if share > 0 else 0.0
        if work_s >= limits.idle_s and projected_s > _PACE_FACTOR * limits.duration_s:
            return (
                f"the target is too slow: at the pace of the first {elapsed_s:.0f} s"
                f"{self._asked_waits(', with {} s of waits that it asked for,')} the run would take about "
                f"{projected_s / 60:.0f} minutes; pass --max-duration SECONDS to give it that time, "
                "--jobs N for more requests at once, or --select for fewer checks"
            )
        return ""

    def _asked_waits(self, text: str) -> str:
        """A text about the seconds that the target asked to wait; nothing if there are none."""
        waited_s = self.waits.total_s if self.waits else 0.0
        return text.format(f"{waited_s:.0f}") if waited_s >= 1 else ""
