"""A trial: one check on one operation under one contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.catalogue.check import ERROR_BODY, RATE_HEADERS, REQUIRED, Check, Tier
from conformance.errors import Silent
from conformance.model import Level, Outcome, Source, weaker
from conformance.payloads import Call, Footing, Ground

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract, Operation
    from conformance.engine import Steps
    from conformance.payloads import Keys
    from conformance.profile.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One check on one operation under one contract; no operation where the profile has none for it.

    `ground` is what the preflight found out, known only once the run is on its way. `turn` counts from 1 how
    often it is made: its events have other message ids each time.
    """

    check: Check
    contract: Contract
    keys: Keys
    operation: Operation | None
    allowed: frozenset[Tier] = frozenset(Tier)
    ground: Ground = field(default_factory=Ground)
    turn: int = 1

    @property
    def exclusive(self) -> bool:
        """Whether it needs the target to itself."""
        return self.check.exclusive

    @property
    def is_allowed(self) -> bool:
        """Whether the run may press the target so hard."""
        return self.check.tier in self.allowed

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What promises it; nothing where the profile is silent."""
        name, contract, operation = self.check.fact, self.contract, self.operation
        if self.check.needs and not contract.states(self.check.needs):
            return ()
        if name == REQUIRED:
            return tuple(contract.event(operation.type).required.values()) if operation else ()
        if name == RATE_HEADERS:
            return tuple(contract.fact(f"{name}.{header}") for header in contract.profile.rate_headers)
        if not contract.states(name):
            return ()
        if name == ERROR_BODY and operation:
            return (contract.error_shape(operation),)
        return (contract.fact(name),)

    @property
    def level(self) -> Level:
        """The level of its strongest fact, no stronger than the operation and the check allow."""
        strongest = min((fact.level for fact in self.facts), key=lambda level: level.rank, default=Level.MUST)
        return self.capped(strongest)

    def capped(self, level: Level) -> Level:
        """A level, no stronger than the operation and the check allow."""
        return weaker(weaker(level, self.operation.level if self.operation else Level.MUST), self.check.cap)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the promise is documented, and the operation where that is not a matter of course."""
        operation = (
            self.operation.sources if self.operation and self.operation.level is not Level.MUST else ()
        )
        return (*(source for fact in self.facts for source in fact.sources), *operation)

    @property
    def name(self) -> str:
        """The id with the operation: stable from run to run."""
        return f"{self.check.id}[{self.operation}]" if self.operation else self.check.id

    def steps(self) -> Steps:
        """The check at work. Raises Silent if the contract does not ask."""
        if self.operation is None:
            where = f" at {', '.join(sorted(self.check.paths))}" if self.check.paths else ""
            raise Silent(f"the profile has no {' or '.join(sorted(self.check.kinds))} operation{where}")
        if not self.facts:
            missing = [
                name
                for name in (self.check.needs, self.check.fact)
                if name and not self.contract.states(name)
            ]
            raise Silent(f"the profile says nothing of {' and '.join(missing)}")
        if not self.is_allowed:
            raise Silent(f"not in the tiers of this run; see --tier {self.check.tier}")
        if not self.check.opens:
            self.ground.tread(self.operation)
        footing = self.ground.footings.get(self.operation, Footing())
        call = Call(
            contract=self.contract,
            operation=self.operation,
            keys=self.keys,
            label=self.name if self.turn == 1 else f"{self.name}, turn {self.turn}",
            footing=footing,
            seen=self.ground.seen,
            run_id=self.ground.run_id,
        )
        return self.check.steps(call)

    def outcome(self, found: Outcome) -> Outcome:
        """The outcome as this check means it: one that only observes has not passed."""
        return Outcome.OBSERVED if self.check.observes and found is Outcome.PASS else found


def trials(
    contract: Contract,
    keys: Keys,
    chosen: Iterable[Check],
    allowed: frozenset[Tier] = frozenset(Tier),
) -> list[Trial]:
    """Each check with each operation that it applies to; once without one where there is none."""
    return [
        Trial(check=item, contract=contract, keys=keys, operation=operation, allowed=allowed)
        for item in chosen
        for operation in item.operations(contract) or (None,)
    ]
