"""Sides: the two servers that are compared, each with its own wire, and the ground they have in common."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance import engine, expect, preflight
from conformance.engine import Breaker, Finding, Sender
from conformance.errors import CannotJudge, NoAnswer, Stopped
from conformance.payloads import Call, Footing, Ground

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.catalogue import Trial
    from conformance.contract import Operation
    from conformance.run import Plan
    from conformance.wire import Wire

FIRST, SECOND = "A", "B"


@dataclass(slots=True)
class Side:
    """One of two servers: its name, its plan, and what it was found to accept."""

    name: str
    plan: Plan
    wire: Wire
    sender: Sender = field(init=False)
    ground: Ground = field(default_factory=Ground)
    stopped: str = ""

    def __post_init__(self) -> None:
        self.sender = Sender(wire=self.wire)

    async def open(self) -> None:
        """Flies the preflight. Raises CannotJudge, naming this side, where nothing is accepted."""
        plan = self.plan
        try:
            self.ground = await preflight.fly(plan.contract, plan.keys, self.sender, plan.run_id)
        except (NoAnswer, CannotJudge) as failure:
            text = str(failure)
            where = "" if plan.target.url in text else f"{plan.target.url} can't be compared: "
            raise CannotJudge(f"{self.name}: {where}{text}") from None
        self.sender.breaker = Breaker()

    async def takes(self, operation: Operation, footing: Footing) -> bool:
        """Whether it accepts a request on a footing."""
        call = Call(
            contract=self.plan.contract, operation=operation, keys=self.plan.keys, footing=footing,
            label=f"footing[{operation}]", run_id=self.plan.run_id,
        )  # fmt: skip
        return expect.is_accepted(await self.sender.send(call.event()))

    async def findings(
        self, names: Sequence[str], turn: int, tell: Callable[[], None], *, is_alone: bool = False
    ) -> dict[str, Finding]:
        """What its trials of some names come to, by name; alone is one at a time.

        Each turn looks anew at what one run would look at once. If the server dies on the way there are
        fewer, and `stopped` says why.
        """
        wanted = set(names)
        self.sender.seen.clear()
        works = [
            replace(trial, ground=self.ground, turn=turn)
            for trial in self.plan.trials
            if trial.name in wanted
        ]
        found: dict[str, Finding] = {}

        def done(trial: Trial, finding: Finding) -> None:
            found[trial.name] = finding
            tell()

        try:
            if not is_alone:
                await engine.run(works, self.sender, self.plan.jobs, done)
            for work in works if is_alone else ():
                await self.wire.renew()
                await engine.run([work], self.sender, 1, done)
        except Stopped as end:
            self.stopped = f"{self.name}: {end}"
            self.sender.breaker = Breaker()
        return found


async def level(first: Side, second: Side) -> None:
    """Puts both sides on the same footing, so that they are sent the same.

    Where one insists on more than the other, both are sent that, if both take it.
    """
    operations = {*first.ground.footings, *second.ground.footings}
    common: dict[Operation, Footing] = {}
    for operation in first.plan.contract.operations:
        dead = operation in first.ground.dead or operation in second.ground.dead
        if operation not in operations or dead:
            continue
        grounds = (first.ground, second.ground)
        options = dict.fromkeys(item.footings.get(operation, Footing()) for item in grounds)
        for footing in sorted(options, key=lambda item: item == Footing()):
            if await first.takes(operation, footing) and await second.takes(operation, footing):
                common[operation] = footing
                break
    for side in (first, second):
        kept = {name: footing for name, footing in side.ground.footings.items() if name in side.ground.dead}
        side.ground = replace(side.ground, footings={**kept, **common})
