"""The gun: what sends cases to one target, many at a time or one for who looks closer, with patience."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.core.statuses import TOO_MANY_REQUESTS
from conformance.fuzz.case_runner import CaseRunner
from conformance.fuzz.judge import Judge
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.request_renderer import RequestRenderer
from conformance.requests.rate_limits import retry_after_s
from conformance.wire.connections import Connections

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.fuzz.case import Case
    from conformance.fuzz.request_renderer import PreparedCase
    from conformance.requests import Keys, PreflightResult
    from conformance.wire import Wire
    from conformance.wire.responses import Reply

MAX_UNANSWERED = 24
"""So many silences end the sending."""
_MAX_RETRY_AFTER_S, _MAX_TOTAL_WAIT_S = 30.0, 120.0


class FuzzSender:
    """Sends cases to a target.

    `waited_s` are the seconds that its 429s have cost; `silent` are its silences, counted by who takes replies.
    """

    def __init__(self, contract: Contract, keys: Keys, wire: Wire, preflight: PreflightResult) -> None:
        oracle = Oracle(contract)
        self.judge = Judge(contract, oracle, wire.redactor)
        self.renderer = RequestRenderer(contract, keys, wire.target, preflight)
        self.lanes: Connections[PreparedCase] = Connections(
            wire.target,
            connections=wire.connections,
            deadline_s=wire.deadline_s,
            throttle=wire.throttle,
            budget=wire.budget,
        )
        self.case_runner = CaseRunner(wire, self.lanes, self.renderer, oracle, self.judge)
        self.waited_s = 0.0
        self.unanswered = 0
        self._wire = wire

    def should_stop(self, deadline_s: float | None) -> bool:
        """Whether nothing more is to be sent: for the time, the budget, or the target's silence."""
        is_late = deadline_s is not None and time.monotonic() > deadline_s
        return is_late or bool(self._wire.budget.exhausted_reason) or self.unanswered >= MAX_UNANSWERED

    def defer_if_rate_limited(self, case: Case, reply: Reply) -> bool:
        """Whether a case has to be sent again later: a 429 is waited out if that is not long."""
        if reply.status != TOO_MANY_REQUESTS:
            return False
        wait_s = retry_after_s(self.case_runner.redacted_exchange(case, reply))
        if wait_s > _MAX_RETRY_AFTER_S or self.waited_s > _MAX_TOTAL_WAIT_S:
            return False
        self.lanes.pause(wait_s)
        self.waited_s += wait_s / max(1, self._wire.connections)
        return True
