"""The client of a probe: sends one request at a time, under what is known so far."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable
from conformance.core.model import DEFAULT_RUN_ID
from conformance.core.statuses import SERVER_ERROR
from conformance.probe.acceptance import is_accepted
from conformance.requests import Baseline, Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Exchange
    from conformance.probe.draft_profile import DraftProfile
    from conformance.profile.facts import AuthScheme
    from conformance.requests import Draft, Keys
    from conformance.run.sender import Sender


@dataclass(slots=True, kw_only=True)
class ProbeClient:
    """Sends requests. `unstable` describes requests that were answered differently when repeated."""

    sender: Sender
    keys: Keys
    draft_profile: DraftProfile
    run_id: str = DEFAULT_RUN_ID
    unstable: list[str] = field(default_factory=list)
    _confirmed_failures: set[tuple[str, str, int, str | None]] = field(default_factory=set)
    _request_numbers: Iterator[int] = field(default_factory=itertools.count)

    def make_call(
        self, operation: Operation, contract: Contract | None = None, scheme: AuthScheme | None = None
    ) -> Call:
        """A call of an operation, under the given contract or what is known so far."""
        return Call(
            contract=contract or self.draft_profile.contract(),
            operation=operation,
            keys=self.keys,
            label=f"probe-{next(self._request_numbers)}",
            baseline=Baseline(
                scheme=scheme, has_all_fields=operation.event_type in self.draft_profile.types_needing_all_fields
            ),
            run_id=self.run_id,
        )

    async def send(self, draft: Draft) -> Exchange:
        """Sends a request. A failure (5xx or no answer) is retried once per method, path and kind of failure.

        Raises BudgetExhausted if the budget is used up, and NoResponse if the target stays rate limited or unavailable.
        """
        exchange = await self.sender.send(draft.allowing_no_answer(may_time_out=True))
        if exchange.response is not None and exchange.status < SERVER_ERROR:
            return exchange
        failure_key = (exchange.request.method, exchange.request.path, exchange.status, exchange.failure)
        if failure_key in self._confirmed_failures:
            return exchange
        second_exchange = await self.sender.send(draft.allowing_no_answer(may_time_out=True))
        self._confirmed_failures.add((failure_key[0], failure_key[1], second_exchange.status, second_exchange.failure))
        if second_exchange.status != exchange.status:
            request_line = f"{exchange.request.method} {exchange.request.path}"
            self.unstable.append(f"{request_line}: first {exchange.summary}, then {second_exchange.summary}")
        return second_exchange

    def accepts(self, exchange: Exchange) -> bool:
        """Whether an answer says that the request was accepted: by its status, and by a body like that of others."""
        return is_accepted(exchange, self.draft_profile.usual_successes.get(exchange.request.path))

    async def is_accepted(self, draft: Draft) -> bool:
        """Whether a request is accepted."""
        return self.accepts(await self.send(draft))

    async def send_if_possible(self, make_draft: Callable[[], Draft]) -> Exchange | None:
        """Sends a request; None if the dialect has no such request."""
        with contextlib.suppress(NotApplicable):
            return await self.send(make_draft())
        return None

    @property
    def requests_sent(self) -> int:
        """The number of requests sent."""
        return self.sender.wire.sent_count

    @property
    def requests_left(self) -> int:
        """The number of requests that the budget still allows."""
        return self.sender.wire.budget.requests_left

    @property
    def bytes_left(self) -> int:
        """The number of bytes that the budget still allows."""
        return self.sender.wire.budget.bytes_left
