"""Waits after answers that ask for them, each and in all bounded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.errors import NoResponse
from conformance.requests.rate_limits import names_a_time, retry_after_s

if TYPE_CHECKING:
    from conformance.core.model import Exchange

MAX_WAIT_S, MAX_TOTAL_WAIT_S = 30.0, 120.0
"""The longest wait after one answer, and of all waits in a run; in seconds."""
MAX_TRIES = 6
"""How often a refused request is sent again: the waits grow, from a second to a minute in all."""


@dataclass(slots=True)
class RateLimitWaits:
    """The waits of a run. `total_s` is what they took so far, in seconds."""

    total_s: float = 0.0
    last_end_s: float = 0.0

    async def wait(self, exchange: Exchange, attempt: int) -> None:
        """Waits as long as a refusal asks for, and longer each time that this was not enough.

        `attempt` counts from 0. Raises NoResponse if the wait is longer than a run waits.
        """
        wait_s = retry_after_s(exchange)
        if wait_s <= MAX_WAIT_S:
            wait_s = min(wait_s * 2**attempt, MAX_WAIT_S)
        if wait_s > MAX_WAIT_S or self.total_s + wait_s > MAX_TOTAL_WAIT_S:
            raise NoResponse(_too_long(exchange, wait_s, self.total_s), exchange=exchange)
        self.total_s += wait_s
        await asyncio.sleep(wait_s)
        self.last_end_s = time.monotonic()


def still_limited(exchange: Exchange) -> str:
    """Why there is no verdict on a request that kept being put off."""
    return (
        f"no verdict: the target kept answering {exchange.status} after {MAX_TRIES} tries, "
        "and no acceptable request of the same weight shows that this is not its rate limit"
    )


def _too_long(exchange: Exchange, wait_s: float, total_s: float) -> str:
    """Why there is no verdict on a request that is put off for longer than a run waits."""
    asked = f"asks to wait {wait_s:g} s" if names_a_time(exchange) else f"would have to be given {wait_s:g} s"
    return (
        f"no verdict: after {exchange.status} the target {asked}, longer than this run waits "
        f"(at most {MAX_WAIT_S:g} s after one answer and {MAX_TOTAL_WAIT_S:g} s in all; {total_s:.0f} s so far)"
    )
