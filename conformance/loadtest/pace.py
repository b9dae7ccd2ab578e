"""The pace of one worker: when its next request is due, so that a rate is what is sent in each part of a second.

A worker that this machine kept from running does not make up for it in a burst: a burst is a higher rate than the one
that the report names. Waiting has a grain of about one millisecond, so up to ten milliseconds are made up for.
"""

from __future__ import annotations

import random

MAX_LAG_S = 0.05
"""What was due longer ago and could not be sent, because this machine was busy, is not sent."""
_GRAIN_S, _BELOW = 0.01, 0.99
"""In this time, and at this share of the highest rate, the grain of waiting is made up for without exceeding it."""


class Pace:
    """When requests are due. All times are in seconds since 1970, rates in requests a second of this worker."""

    def __init__(self) -> None:
        self._next_due, self._not_before, self._epoch, self._second = 0.0, 0.0, 0.0, 0
        self._rate, self._max_rate, self._is_held_up = 1.0, float("inf"), False

    def stop(self) -> None:
        """Nothing is due until a rate is set again."""
        self._next_due = 0.0

    def set_rate(self, now: float, rate: float, max_rate: float, epoch: float) -> None:
        """Sets the rate; a new epoch begins anew. `max_rate` is never exceeded."""
        self._rate, self._max_rate = rate, max_rate
        if epoch != self._epoch or not self._next_due:
            self._epoch, self._next_due = epoch, now + random.random() / rate  # noqa: S311 - no secret
        elif now - self._next_due > MAX_LAG_S and not self._is_held_up:
            self._next_due = now

    def together(self, now: float, wanted: int) -> int:
        """How many are due at this moment, once a second: up to `wanted`, a quarter of the rate, and what is left."""
        if wanted < 1 or int(now) == self._second:
            return 0
        self._second = int(now)
        return int(max(0, min(wanted, self._rate / 4, self._max_rate - self._rate)))

    def wait(self, now: float) -> float:
        """Seconds until the next one may be sent; 0 or less for now."""
        if self._next_due > now:
            self._is_held_up = False
        return max(self._next_due, self._not_before) - now

    def hold(self) -> None:
        """The target holds the worker up: what is due meanwhile is sent later, with latency from when it was due."""
        self._is_held_up = True

    def take(self, now: float, *, is_now: bool = False) -> float:
        """Takes the next one, and returns when it was due; with `is_now` that is this moment."""
        due = now if is_now else self._next_due
        self._next_due += 1 / self._rate
        self._not_before = max(self._not_before, now - _GRAIN_S) + 1 / (self._max_rate * _BELOW)
        return due
