"""A trial: one check on one operation under one contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.checks.check import (
    ACCEPTED,
    ERROR_BODY,
    GENERAL_FACTS,
    RATE_HEADERS,
    REQUIRED_FIELDS,
    SMALLEST_REQUEST_CHECKS,
    Check,
    Tier,
)
from conformance.core.errors import NotApplicable
from conformance.core.model import Level, Outcome, Source, weaker_level
from conformance.requests import Baseline, Call, PreflightResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract, Operation
    from conformance.profile.facts import Fact
    from conformance.requests import Keys
    from conformance.requests.steps import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One check on one operation under one contract; `operation` is None if the profile has none for the check.

    `preflight` is empty until a run has made it. `fallbacks` are the operations to ask if nothing is accepted on
    `operation`; `stand_in` is the one of them that is asked. `repetition` counts from 1: the message ids of a
    trial differ from one repetition to the next. `is_thorough`: it sends every form on its own path, too. `is_alone`:
    it sends all that it looks at, also what another check has been answered already.
    """

    check: Check
    contract: Contract
    keys: Keys
    operation: Operation | None
    allowed_tiers: frozenset[Tier] = frozenset(Tier)
    preflight: PreflightResult = field(default_factory=PreflightResult)
    fallbacks: tuple[Operation, ...] = ()
    stand_in: Operation | None = None
    repetition: int = 1
    is_thorough: bool = False
    is_alone: bool = False

    @property
    def asked_operation(self) -> Operation | None:
        """The operation that gets its requests."""
        return self.stand_in or self.operation

    def after_preflight(self, preflight: PreflightResult) -> Trial:
        """The trial with the result of a preflight: on another operation if nothing is accepted on its own.

        Its contract is that by the reading of the documents that the target follows.
        """
        trial = replace(self, preflight=preflight, contract=preflight.contract or self.contract)
        if self.operation not in preflight.dead:
            return trial
        alive = (replace(trial, stand_in=item) for item in self.fallbacks if item not in preflight.dead)
        return next((moved for moved in alive if moved.facts), trial)

    @property
    def exclusive(self) -> bool:
        """Whether no other check may run at the same time."""
        return self.check.exclusive

    @property
    def is_allowed(self) -> bool:
        """Whether the tiers of the run include that of the check."""
        return self.check.tier in self.allowed_tiers

    @property
    def is_runnable(self) -> bool:
        """Whether a run sends its requests: it has an operation, something is promised, and it is allowed."""
        return self.operation is not None and bool(self.facts) and self.is_allowed

    @property
    def _contract_here(self) -> Contract:
        """The contract as it holds on the path of the operation."""
        operation = self.asked_operation
        return self.contract.for_operation(operation) if operation else self.contract

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts of the profile that promise it; empty if it states none."""
        name, contract, operation = self.check.fact, self._contract_here, self.asked_operation
        needed = ((contract, self.check.needs), (self.contract, self.check.needs_somewhere))
        if any(fact and not stating.has_fact(fact) for stating, fact in needed):
            return ()
        if name == REQUIRED_FIELDS:
            return tuple(contract.event_type(operation.event_type).required.values()) if operation else ()
        if name == RATE_HEADERS:
            return contract.rate_headers
        if not contract.has_fact(name):
            name = GENERAL_FACTS.get(name, name)
        if not contract.has_fact(name):
            return ()
        if name == ERROR_BODY and operation:
            return (contract.error_body(operation),)
        return (contract.fact(name),)

    @property
    def level(self) -> Level:
        """The level of its strongest fact, capped as by `cap_level`."""
        level = min((fact.level for fact in self.facts), key=lambda level: level.rank, default=Level.MUST)
        for fact in self._facts_of_documented_request:
            level = weaker_level(level, fact.level)
        return self.cap_level(level)

    @property
    def _facts_of_documented_request(self) -> tuple[Fact, ...]:
        """The documented answer to an acceptable request, for checks that send one in other circumstances."""
        contract = self._contract_here
        if not self.check.is_about_documented_request or not contract.has_fact(ACCEPTED):
            return ()
        return (contract.fact(ACCEPTED),)

    def cap_level(self, level: Level) -> Level:
        """A level, but no stronger than that of the operation and `max_level` of the check."""
        operation = self.asked_operation
        return weaker_level(weaker_level(level, operation.level if operation else Level.MUST), self.check.max_level)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the promise is documented, and the operation if that is not a MUST."""
        facts = (*self.facts, *self._facts_of_documented_request)
        return (*(source for fact in facts for source in fact.sources), *self.operation_sources)

    @property
    def operation_sources(self) -> tuple[Source, ...]:
        """Where the operation is documented, if that is not a MUST."""
        operation = self.asked_operation
        return operation.sources if operation and operation.level is not Level.MUST else ()

    @property
    def name(self) -> str:
        """The id with the operation, the same in every run."""
        return f"{self.check.id}[{self.operation}]" if self.operation else self.check.id

    def steps(self) -> Steps:
        """A fresh generator of the check. Raises NotApplicable if nothing is promised or allowed here.

        Raises Untestable if the preflight found that the operation accepts nothing.
        """
        operation = self.asked_operation
        if operation is None:
            path_suffix = f" at {', '.join(sorted(self.check.paths))}" if self.check.paths else ""
            raise NotApplicable(f"the profile has no {' or '.join(sorted(self.check.kinds))} operation{path_suffix}")
        if not self.facts:
            wanted = (self.check.needs_somewhere, self.check.needs, self.check.fact)
            missing = [name for name in wanted if name and not self._contract_here.has_fact(name)]
            here = " for this path" if any(map(self.contract.has_fact, missing)) else ""
            raise NotApplicable(f"the profile does not state {' and '.join(missing)}{here}")
        if not self.is_allowed:
            raise NotApplicable(f"not in the tiers of this run; see --tier {self.check.tier}")
        reporting_check = SMALLEST_REQUEST_CHECKS[operation.kind]
        asks_anyway = self.check.id == reporting_check or (self.check.observes and self.check.ignores_preflight)
        if not asks_anyway:
            self.preflight.require_present(operation, reporting_check)
        if not self.check.ignores_preflight or (operation in self.preflight.absent and not asks_anyway):
            self.preflight.require_alive(operation)
        baseline = self.preflight.baselines.get(operation, Baseline())
        call = Call(
            contract=self.contract,
            operation=operation,
            keys=self.keys,
            label=self.name if self.repetition == 1 else f"{self.name}, turn {self.repetition}",
            baseline=baseline,
            shared_exchanges=self.preflight.shared_exchanges,
            refusals={} if self.is_alone else self.preflight.refusals.setdefault(self.repetition, {}),
            run_id=self.preflight.run_id,
            nonce=self.preflight.nonce,
            usual_success=self.preflight.successes.get(operation),
            is_thorough=self.is_thorough,
            kept=self.preflight.kept,
        )
        return self.check.steps(call)

    def to_check_outcome(self, engine_outcome: Outcome) -> Outcome:
        """The outcome of the check: `observed` instead of `pass` if it only observes."""
        return Outcome.OBSERVED if self.check.observes and engine_outcome is Outcome.PASS else engine_outcome


def make_trials(
    contract: Contract,
    keys: Keys,
    checks: Iterable[Check],
    allowed_tiers: frozenset[Tier] = frozenset(Tier),
) -> list[Trial]:
    """A trial for each check and each operation it runs on; one without an operation if there is none."""
    return [
        Trial(
            check=check,
            contract=contract,
            keys=keys,
            operation=operation,
            allowed_tiers=allowed_tiers,
            fallbacks=check.fallbacks(contract, operation) if operation else (),
        )
        for check in checks
        for operation in check.operations(contract) or (None,)
    ]
