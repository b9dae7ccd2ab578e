"""An inquiry: asks a server one thing at a time, and keeps count."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import NotApplicable
from conformance.core.model import DEFAULT_RUN_ID
from conformance.core.statuses import SERVER_ERROR
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
    """Asks, and keeps what is learned in a sketch."""

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
        """A call of an operation, under what is known so far."""
        return Call(
            contract=contract or self.draft_profile.contract(),
            operation=operation,
            keys=self.keys,
            label=f"probe-{next(self._request_numbers)}",
            baseline=Baseline(scheme=scheme),
            run_id=self.run_id,
        )

    async def send(self, draft: Draft) -> Exchange:
        """What a request is answered with; a failure is asked for again, once of its kind.

        Raises Exhausted where the budget is used up, and NoAnswer where the target puts us off.
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

    async def is_accepted(self, draft: Draft) -> bool:
        """Whether a request is accepted."""
        return expect.is_accepted(await self.send(draft))

    async def send_if_possible(self, make_draft: Callable[[], Draft]) -> Exchange | None:
        """What a request is answered with; None if the dialect has no room for such a request."""
        with contextlib.suppress(NotApplicable):
            return await self.send(make_draft())
        return None

    @property
    def requests_sent(self) -> int:
        """How many requests were sent."""
        return self.sender.wire.sent_count

    @property
    def requests_left(self) -> int:
        """How many requests may still be sent."""
        return self.sender.wire.budget.requests_left

    @property
    def bytes_left(self) -> int:
        """How many bytes may still be sent."""
        return self.sender.wire.budget.bytes_left
