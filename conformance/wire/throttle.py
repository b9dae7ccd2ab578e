"""The rate of requests of a run."""

from __future__ import annotations

import asyncio


class Throttle:
    """Spaces the requests of all tasks evenly: at most `per_s` a second; None is no limit."""

    def __init__(self, per_s: float | None) -> None:
        self._interval_s = 1 / per_s if per_s else 0.0
        self._next_turn_s = 0.0

    async def wait(self) -> None:
        """Waits until the next request may be sent."""
        if self._interval_s:
            await asyncio.sleep(self.reserve_turn_s())

    def reserve_turn_s(self) -> float:
        """Reserves the next turn and returns in how many seconds it comes."""
        if not self._interval_s:
            return 0.0
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next_turn_s)
        self._next_turn_s = turn + self._interval_s
        return turn - now
