"""The gun: what sends cases to one target, many at a time or one for who looks closer, with patience."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.engine import asked_s
from conformance.fuzz.bench import Bench
from conformance.fuzz.judge import TOO_MANY, Judge
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.rendering import Rendering
from conformance.wire.lanes import Lanes

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.fuzz.case import Case
    from conformance.fuzz.rendering import Shot
    from conformance.payloads import Ground, Keys
    from conformance.wire import Wire
    from conformance.wire.answers import Reply

MOST_SILENT = 24
"""So many silences end the sending."""
_LONGEST_WAIT_S, _WAITS_S = 30.0, 120.0


class Gun:
    """Sends cases to a target.

    `waited_s` are the seconds that its 429s have cost; `silent` are its silences, counted by who takes replies.
    """

    def __init__(self, contract: Contract, keys: Keys, wire: Wire, ground: Ground) -> None:
        oracle = Oracle(contract)
        self.judge = Judge(contract, oracle, wire.redactor)
        self.rendering = Rendering(contract, keys, wire.target, ground)
        self.lanes: Lanes[Shot] = Lanes(
            wire.target,
            connections=wire.connections,
            deadline_s=wire.deadline_s,
            throttle=wire.throttle,
            budget=wire.budget,
        )
        self.bench = Bench(wire, self.lanes, self.rendering, oracle, self.judge)
        self.waited_s = 0.0
        self.silent = 0
        self._wire = wire

    def is_over(self, until_s: float | None) -> bool:
        """Whether nothing more is to be sent: for the time, the budget, or the target's silence."""
        late = until_s is not None and time.monotonic() > until_s
        return late or bool(self._wire.budget.emptied) or self.silent >= MOST_SILENT

    def is_put_off(self, case: Case, reply: Reply) -> bool:
        """Whether a case has to be sent again later: a 429 is waited out if that is not long."""
        if reply.status != TOO_MANY:
            return False
        wait_s = asked_s(self.bench.kept(case, reply))
        if wait_s > _LONGEST_WAIT_S or self.waited_s > _WAITS_S:
            return False
        self.lanes.hold(wait_s)
        self.waited_s += wait_s / max(1, self._wire.connections)
        return True
