"""Circuit breaker: stops a run when the target is gone or keeps failing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.errors import Stopped
from conformance.core.statuses import SERVER_ERROR

if TYPE_CHECKING:
    from conformance.core.errors import NoResponse
    from conformance.core.model import Exchange
    from conformance.requests import Draft

MAX_CONSECUTIVE_FAILURES = 20
"""Number of failures in a row, over all operations, that end a run."""


@dataclass(slots=True)
class CircuitBreaker:
    """Counts failures in a row: `unanswered` requests, `server_errors` and those `put_off` by a rate limit.

    Any good response resets them, so one dead path or a 5xx for an invalid request never ends a run: other
    requests are answered in between. A request that its check allows to go unanswered does not count.
    """

    unanswered: int = 0
    server_errors: int = 0
    put_off: int = 0

    def record(self, draft: Draft, exchange: Exchange) -> None:
        """Counts the result of a request. Raises Stopped when the limit of failures in a row is reached."""
        if exchange.response is not None and exchange.status < SERVER_ERROR:
            self.unanswered = self.server_errors = self.put_off = 0
        elif draft.may_go_unanswered or draft.may_time_out:
            return
        elif exchange.response is not None:
            self.unanswered = 0
            self.server_errors += 1
        else:
            self.unanswered += 1
        if self.unanswered >= MAX_CONSECUTIVE_FAILURES:
            raise Stopped(
                f"{MAX_CONSECUTIVE_FAILURES} requests in a row were not answered, "
                f"the last one: {exchange.failure_detail}"
            )
        if self.server_errors >= MAX_CONSECUTIVE_FAILURES:
            raise Stopped(
                f"{MAX_CONSECUTIVE_FAILURES} answers in a row were failures of the server: {exchange.summary}"
            )

    def record_put_off(self, failure: NoResponse) -> None:
        """Counts a request that was refused for good by a rate limit. Raises Stopped at the limit."""
        self.put_off += 1
        if self.put_off >= MAX_CONSECUTIVE_FAILURES:
            raise Stopped(f"{MAX_CONSECUTIVE_FAILURES} requests in a row were put off, the last one: {failure}")
