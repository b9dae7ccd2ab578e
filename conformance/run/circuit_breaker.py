"""The breaker: ends a run against a target that is no longer there, or has fallen ill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.errors import Stopped
from conformance.core.statuses import SERVER_ERROR

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.requests import Draft

MAX_CONSECUTIVE_FAILURES = 20
"""So many failures with nothing good in between, over the whole target, end a run."""


@dataclass(slots=True)
class CircuitBreaker:
    """Counts failures in a row. A target with one dead path answers on others, and is judged on.

    What checks provoke does not count: neither a silence that a check lets pass, nor one 5xx after a faulty
    request, for the next acceptable request is answered well by a target that is well.
    """

    unanswered: int = 0
    server_errors: int = 0

    def record(self, draft: Draft, exchange: Exchange) -> None:
        """Takes what came of a request. Raises Stopped at the last straw."""
        if exchange.response is not None and exchange.status < SERVER_ERROR:
            self.unanswered = self.server_errors = 0
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
