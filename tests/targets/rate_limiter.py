"""A limit of requests in a second."""

import time


class RateLimiter:
    """Windows of a second, or of another time, each with so many requests; the first request opens one."""

    def __init__(self, rate: int, window_s: float = 1) -> None:
        self.rate = rate
        self.window_s = window_s
        self.opened_s = -1.0
        self.count = 0

    def admits(self) -> bool:
        """Count a request and tell whether it is within the limit."""
        now_s = time.monotonic()
        if self.opened_s < 0 or now_s >= self.opened_s + self.window_s:
            self.opened_s, self.count = now_s, 0
        self.count += 1
        return self.count <= self.rate
