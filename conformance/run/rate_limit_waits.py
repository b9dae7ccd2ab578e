"""Waits after answers that ask for them, each and in all bounded; how long they must be is learned."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.errors import NoResponse
from conformance.core.statuses import UNAVAILABLE
from conformance.requests.rate_limits import names_a_time, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.core.model import Exchange
    from conformance.requests.rate_limits import Weight

MAX_WAIT_S, MAX_TOTAL_WAIT_S = 60.0, 900.0
"""The longest wait after one answer, and of all waits in a run; in seconds."""
MAX_TRIES, MAX_WAIT_S_OF_REQUEST = 6, 60.5
"""How often a refused request is sent again, and how many seconds of waits it gets in all: a little over a minute."""
_OVERLOADS = 3
"""After so many refusals with 503, which say nothing of a rate, fewer requests are in flight."""
_PRECISION = 0.1
"""Where the shortest time that is enough is known as precisely as this, no shorter one is tried."""


class WaitsUsedUp(NoResponse):
    """All waits of a run are used up, so that its target's rate limit leaves no room for more requests."""


@dataclass(slots=True)
class _Recovery:
    """How long a rate limit refuses: longer than `too_short_s`, no longer than `enough_s` (None: unknown)."""

    too_short_s: float = 0.0
    enough_s: float | None = None

    def next_wait_s(self, asked_s: float, waited_s: float, least_s: float) -> float:
        """How long to wait for a request that has waited so long already; `least_s` is the shortest first wait."""
        if self.enough_s is None or waited_s >= self.enough_s:
            return asked_s + waited_s
        is_known = waited_s > 0 or self.enough_s - self.too_short_s <= self.enough_s * _PRECISION
        until_s = self.enough_s if is_known else (self.too_short_s + self.enough_s) / 2
        return max(until_s - waited_s, 0.0 if waited_s else least_s)

    def learn(self, waited_s: float, *, is_enough: bool) -> None:
        """Takes in whether a request was let pass after it had waited so long."""
        if is_enough:
            self.enough_s = waited_s
            self.too_short_s = 0.0 if self.too_short_s >= waited_s else self.too_short_s
        else:
            self.too_short_s = max(self.too_short_s, waited_s)
            self.enough_s = None if self.enough_s is not None and self.enough_s <= waited_s else self.enough_s


@dataclass(slots=True)
class RateLimitWaits:
    """The waits of a run. `total_s` is what they took so far, in seconds.

    A limit that names no time, or always the same one, is learned: later waits are as long as those that were enough.
    A request that is at least as heavy as one that never passed is not tried as often. `ends_s` is when the last
    wait ends, or has ended, on the monotonic clock.
    """

    total_s: float = 0.0
    ends_s: float = 0.0
    last_end_s: float = 0.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _recoveries: dict[int, _Recovery] = field(default_factory=dict)
    _too_heavy: list[Weight] = field(default_factory=list)
    _overloads: int = 0

    async def wait(self, refusal: Exchange, waited_s: float) -> float:
        """Waits as long as a refusal asks for, and longer if it has to; returns for how long.

        `waited_s` is how long the request has waited already. Raises NoResponse if one wait is longer than a run
        waits, and WaitsUsedUp if all of them are.
        """
        asked_s = retry_after_s(refusal)
        wait_s = asked_s
        if asked_s <= MAX_WAIT_S:
            least_s = asked_s if names_a_time(refusal) else 0.0
            wait_s = min(self._recovery(refusal).next_wait_s(asked_s, waited_s, least_s), MAX_WAIT_S)
            wait_s = max(min(wait_s, MAX_WAIT_S_OF_REQUEST - waited_s), least_s)
        if wait_s > MAX_WAIT_S:
            raise NoResponse(_too_long(refusal, wait_s), exchange=refusal)
        if self.total_s + wait_s > MAX_TOTAL_WAIT_S:
            raise WaitsUsedUp(_used_up(refusal, wait_s, self.total_s), exchange=refusal)
        self.total_s += wait_s
        self.ends_s = time.monotonic() + wait_s
        await self.sleep(wait_s)
        self.last_end_s = time.monotonic()
        return wait_s

    def learn(self, refusal: Exchange, waited_s: float, *, is_enough: bool) -> None:
        """Takes in whether a refused request was let pass after it had waited so long."""
        if waited_s:
            self._recovery(refusal).learn(waited_s, is_enough=is_enough)

    def shows_overload(self, refusal: Exchange) -> bool:
        """Takes in a refusal that ended; whether it and the last ones say that too many requests are in flight."""
        self._overloads += refusal.status == UNAVAILABLE
        return refusal.status == UNAVAILABLE and self._overloads % _OVERLOADS == 0

    def is_given_up(self, weights: Sequence[Weight], tries: int, waited_s: float) -> bool:
        """Whether requests that were sent again so often, and waited so long, are refused for good.

        Those that are as heavy as what was given up before are after one try.
        """
        if tries < MAX_TRIES and waited_s < MAX_WAIT_S_OF_REQUEST:
            return tries > 0 and any(weight.is_as_heavy_as(limit) for weight in weights for limit in self._too_heavy)
        self._too_heavy += weights
        return True

    def _recovery(self, refusal: Exchange) -> _Recovery:
        return self._recoveries.setdefault(round(retry_after_s(refusal)), _Recovery())


def still_limited(exchange: Exchange, tries: int) -> str:
    """Why there is no verdict on a request that kept being put off."""
    return (
        f"no verdict: the target kept answering {exchange.status} after {tries} {'tries' if tries > 1 else 'try'}, "
        "and no acceptable request of the same weight shows that this is not its rate limit"
    )


def _asked(exchange: Exchange, wait_s: float) -> str:
    """How long a target asks to wait."""
    asked = f"asks to wait {wait_s:g} s" if names_a_time(exchange) else f"would have to be given {wait_s:g} s"
    return f"no verdict: after {exchange.status} the target {asked}"


def _too_long(exchange: Exchange, wait_s: float) -> str:
    """Why there is no verdict on a request that is put off for longer than a run waits."""
    return f"{_asked(exchange, wait_s)}, longer than a run waits after one answer ({MAX_WAIT_S:g} s)"


def _used_up(exchange: Exchange, wait_s: float, total_s: float) -> str:
    """Why no more is sent to a target whose limit has used up all waits."""
    return (
        f"{_asked(exchange, wait_s)}, and a run waits {MAX_TOTAL_WAIT_S:g} s in all ({total_s:.0f} s so far); "
        "raise its rate limit, or judge fewer checks at a time with --select"
    )
