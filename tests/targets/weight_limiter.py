"""Correct servers that limit what they take in a time: requests, events or bytes, for a key, a path or all together."""

import json
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from tests.targets.application import Application
from tests.targets.dialects import Dialect
from tests.targets.messages import Answer, Request
from tests.targets.options import Options

Unit = Literal["requests", "events", "bytes"]
Scope = Literal["all", "key", "path"]
Hint = Literal["seconds", "date", "none"]


@dataclass(frozen=True)
class Limit:
    """So much of a unit in each window of so many seconds, and how a refusal says when to come back."""

    amount: int
    window_s: float
    unit: Unit = "events"
    scope: Scope = "all"
    hint: Hint = "seconds"
    status: int = 429


class LimitedApplication(Application):
    """A server that is correct but for its limit, of which the documents allow any."""

    def __init__(self, dialect: Dialect, limit: Limit, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.limit_of_rate = limit
        self.taken: Counter[str] = Counter()
        self.opened_s: dict[str, float] = {}
        self.refused = 0

    def answer(self, request: Request) -> Answer:
        """Answer one request, if there is room for it."""
        limit, scope, now_s = self.limit_of_rate, self.scope_of(request), time.monotonic()
        if now_s >= self.opened_s.get(scope, -math.inf) + limit.window_s:
            self.opened_s[scope], self.taken[scope] = now_s, 0
        weight = self.weigh(request)
        if self.taken[scope] + weight <= limit.amount:
            self.taken[scope] += weight
            return super().answer(request)
        self.refused += 1
        return Answer(limit.status, self.headers_of_refusal(scope, now_s), b"Too many requests")

    def scope_of(self, request: Request) -> str:
        """Name what the request is counted with."""
        by_key = request.headers.get("authorization", "")
        return {"all": "", "key": by_key, "path": request.path}[self.limit_of_rate.scope]

    def weigh(self, request: Request) -> int:
        """Count the request in the unit of the limit."""
        if self.limit_of_rate.unit == "bytes":
            return request.length
        return 1 if self.limit_of_rate.unit == "requests" else count_events(request.body)

    def headers_of_refusal(self, scope: str, now_s: float) -> Mapping[str, str]:
        """Say when the window ends."""
        left_s = math.ceil(self.opened_s[scope] + self.limit_of_rate.window_s - now_s)
        times = {"seconds": str(left_s), "date": formatdate(math.ceil(time.time()) + left_s, usegmt=True)}
        hint = self.limit_of_rate.hint
        told = {} if hint == "none" else {"Retry-After": times[hint]}
        return {"Content-Type": "text/plain", "X-RateLimit-Reset": str(left_s), **told}


def count_events(body: bytes) -> int:
    """Count the events of a body: one, or those of a batch."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return max(1, body.count(b'"type"'))
    items = value.get("batch") if isinstance(value, dict) else None
    return max(1, len(items)) if isinstance(items, list) else 1
