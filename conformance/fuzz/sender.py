"""Sends cases to one target, many at a time, and waits out rate limits."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from conformance.fuzz.case_runner import CaseRunner
from conformance.fuzz.judge import Judge
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.request_renderer import LARGE_BYTES, RequestRenderer
from conformance.requests.rate_limits import asks_to_wait, retry_after_s
from conformance.wire.connections import UNRESPONSIVE_FAILURES, Connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.contract import Contract
    from conformance.fuzz.case import Case
    from conformance.fuzz.request_renderer import PreparedCase
    from conformance.requests import Keys, PreflightResult
    from conformance.wire import Wire
    from conformance.wire.responses import Reply

    OnReply = Callable[[Case, Reply, Case | None], None]
    """Takes a case, its reply, and the case that was sent just before on the same connection, if any."""

MAX_UNANSWERED = 24
"""Sending stops after so many requests without a response."""
_MAX_RETRY_AFTER_S, _MAX_TOTAL_WAIT_S = 30.0, 120.0
_AFTER_WAIT_S = 2.0
"""The time for requests after a wait, in seconds."""


class FuzzSender:
    """Sends cases to a target.

    `waited_s` are the seconds spent on answers that ask to wait, `unanswered` the requests that got no response.
    """

    def __init__(self, contract: Contract, keys: Keys, wire: Wire, preflight: PreflightResult) -> None:
        oracle = Oracle(contract)
        self.judge = Judge(contract, oracle, wire.redactor)
        self.renderer = RequestRenderer(contract, keys, wire.target, preflight)
        self.connections: Connections[PreparedCase] = Connections(
            wire.target,
            connections=wire.connections,
            deadline_s=wire.deadline_s,
            throttle=wire.throttle,
            budget=wire.budget,
        )
        self.case_runner = CaseRunner(wire, self.connections, self.renderer, oracle, self.judge)
        self.waited_s = 0.0
        self.unanswered = 0
        self._wire = wire
        self._has_time = True
        self._deadline_s: float | None = None
        self._latest_s: float | None = None
        self._last_case_by_connection: dict[int, Case] = {}

    async def send_all(
        self, cases: Iterator[Case], on_reply: OnReply, *, deadline_s: float | None, waits_extend_s: float = 0.0
    ) -> bool:
        """Sends the cases, the large ones last and one at a time; False if it stopped before the end.

        A case that is put off is sent again later, if there is time; such waits extend it by up to `waits_extend_s`.
        Raises BudgetExhausted.
        """
        self._deadline_s, self._latest_s = deadline_s, None if deadline_s is None else deadline_s + waits_extend_s
        retry_queue: deque[Case] = deque()
        large_cases: list[Case] = []
        is_stopped = False

        def next_request() -> PreparedCase | None:
            nonlocal is_stopped
            while (case := retry_queue.popleft() if retry_queue else next(cases, None)) is not None:
                if self.should_stop(self._deadline_s):
                    is_stopped = True
                    return None
                if len(case.body) <= LARGE_BYTES:
                    return self.renderer.prepare(case)
                large_cases.append(case)
            return None

        def take_reply(prepared: PreparedCase, reply: Reply, connection: int) -> None:
            case = prepared.case
            if self._defer_if_rate_limited(reply):
                retry_queue.append(case)
                return
            self._count_unanswered(reply)
            on_reply(case, reply, self._last_case_by_connection.get(connection))
            self._last_case_by_connection[connection] = case

        await self.connections.send_all(next_request, take_reply)
        for case in large_cases:
            if self.should_stop(self._deadline_s):
                return False
            reply = await self.case_runner.send_large(case)
            self._count_unanswered(reply)
            on_reply(case, reply, None)
        return not is_stopped

    def should_stop(self, deadline_s: float | None) -> bool:
        """Whether to stop: there is no time left (for a wait), the budget is spent, or the target does not respond."""
        is_late = not self._has_time or (deadline_s is not None and time.monotonic() > deadline_s)
        return is_late or bool(self._wire.budget.exhausted_reason) or self.unanswered >= MAX_UNANSWERED

    async def aclose(self) -> None:
        """Closes all connections."""
        await self.connections.aclose()

    def _count_unanswered(self, reply: Reply) -> None:
        self.unanswered += reply.failure in UNRESPONSIVE_FAILURES

    def _defer_if_rate_limited(self, reply: Reply) -> bool:
        """Whether a case has to be sent again later: what asks to wait is waited for, if that is not long."""
        if not asks_to_wait(reply):
            return False
        wait_s = retry_after_s(reply)
        if wait_s > _MAX_RETRY_AFTER_S or self.waited_s > _MAX_TOTAL_WAIT_S:
            return False
        if self._deadline_s is not None and self._latest_s is not None:
            until_s = time.monotonic() + wait_s
            if until_s > self._latest_s:
                self._has_time = False
                return True
            self._deadline_s = max(self._deadline_s, min(until_s + _AFTER_WAIT_S, self._latest_s))
        self.connections.pause(wait_s)
        self.waited_s += wait_s / max(1, self._wire.connections)
        return True
