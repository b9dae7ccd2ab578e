"""An inquiry: asks a server one thing at a time, and keeps count."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import expect
from conformance.errors import Silent
from conformance.model import RUN_ID
from conformance.payloads import Call, Footing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.contract import Contract, Operation
    from conformance.engine import Sender
    from conformance.model import Exchange
    from conformance.payloads import Draft, Keys
    from conformance.probe.sketch import Sketch
    from conformance.profile.facts import Scheme


@dataclass(slots=True, kw_only=True)
class Inquiry:
    """Asks, and keeps what is learned in a sketch."""

    sender: Sender
    keys: Keys
    sketch: Sketch
    run_id: str = RUN_ID
    unstable: list[str] = field(default_factory=list)
    _confirmed: set[tuple[str, str, int, str | None]] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def call(
        self, operation: Operation, contract: Contract | None = None, scheme: Scheme | None = None
    ) -> Call:
        """A call of an operation, under what is known so far."""
        return Call(
            contract=contract or self.sketch.contract(),
            operation=operation,
            keys=self.keys,
            label=f"probe-{next(self._numbers)}",
            footing=Footing(scheme=scheme),
            run_id=self.run_id,
        )

    async def ask(self, draft: Draft) -> Exchange:
        """What a request is answered with; a failure is asked for again, once of its kind.

        Raises Exhausted where the budget is used up, and NoAnswer where the target puts us off.
        """
        exchange = await self.sender.send(draft.unanswered(hanging=True))
        if exchange.response is not None and exchange.status < expect.SERVER_ERROR:
            return exchange
        kind = (exchange.request.method, exchange.request.path, exchange.status, exchange.mishap)
        if kind in self._confirmed:
            return exchange
        again = await self.sender.send(draft.unanswered(hanging=True))
        self._confirmed.add((kind[0], kind[1], again.status, again.mishap))
        if again.status != exchange.status:
            where = f"{exchange.request.method} {exchange.request.path}"
            self.unstable.append(f"{where}: first {exchange.outline}, then {again.outline}")
        return again

    async def takes(self, draft: Draft) -> bool:
        """Whether a request is accepted."""
        return expect.is_accepted(await self.ask(draft))

    async def try_out(self, make: Callable[[], Draft]) -> Exchange | None:
        """What a request is answered with; None if the dialect has no room for such a request."""
        with contextlib.suppress(Silent):
            return await self.ask(make())
        return None

    @property
    def requests_sent(self) -> int:
        """How many requests were sent."""
        return self.sender.wire.sent

    @property
    def requests_left(self) -> int:
        """How many requests may still be sent."""
        return self.sender.wire.budget.requests_left

    @property
    def bytes_left(self) -> int:
        """How many bytes may still be sent."""
        return self.sender.wire.budget.bytes_left
