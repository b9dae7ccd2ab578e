"""A fault: what a server does wrong, which checks must catch it, and under which contracts it can be told."""

from __future__ import annotations

import fnmatch
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from conformance.core.model import OperationKind
from conformance.profile.facts import ExpectedResponse
from conformance.refserver.fault_change import FaultChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.refserver.fault_change import ResponseOverride
    from conformance.refserver.http_protocol import HttpProtocol

ContractPredicate: TypeAlias = "Callable[[Contract], bool]"
SubjectT = TypeVar("SubjectT")


def any_contract(_: Contract) -> bool:
    """Fits every contract."""
    return True


@dataclass(frozen=True, slots=True)
class Fault:
    """A server that breaks one promise.

    `breaks` says what it does wrong, `why` where that comes from or what it costs. `catches` are globs of ids
    with spaces between them: each check that one of them matches must notice the fault, where the
    contract asks for that check at all; and no check of another area may fail. `alters` is how the server
    is made from a correct one. A fault that `spills`, for a reason, spoils whatever comes next, so that
    other checks fail too. `also` names the types or paths of further operations that it needs.
    """

    name: str
    description: str
    rationale: str
    catching_checks: str
    implementation: FaultChange | ResponseOverride | type[HttpProtocol]
    applies_to: ContractPredicate = field(default=any_contract)
    _: KW_ONLY
    extra_operations: tuple[str, ...] = ()
    collateral_reason: str = ""

    @property
    def change(self) -> FaultChange:
        """In what the server differs from a correct one."""
        if isinstance(self.implementation, FaultChange):
            return self.implementation
        if isinstance(self.implementation, type):
            return FaultChange(protocol=self.implementation)
        return FaultChange(override=self.implementation)

    @property
    def check_globs(self) -> tuple[str, ...]:
        """The globs of the checks that must notice it."""
        return tuple(self.catching_checks.split())


def requires_facts(*names: str) -> ContractPredicate:
    """Fits contracts that state all these facts."""
    return lambda contract: all(contract.has_fact(name) for name in names)


def requires_refusals(*names: str) -> ContractPredicate:
    """Fits contracts that answer all these conditions with refusals alone."""

    def fits(contract: Contract) -> bool:
        answers = [contract.fact(name) for name in names if contract.has_fact(name)]
        refusals = [item for item in answers if isinstance(item, ExpectedResponse) and min(item.statuses) >= 300]
        return len(refusals) == len(names)

    return fits


def requires_kinds(*kinds: OperationKind) -> ContractPredicate:
    """Fits contracts with operations of all these kinds."""
    return lambda contract: set(kinds) <= {operation.kind for operation in contract.operations}


HAS_BATCHES, HAS_PIXELS, HAS_WEBHOOKS = (
    requires_kinds(kind) for kind in (OperationKind.BATCH, OperationKind.PIXEL, OperationKind.WEBHOOK)
)


def requires_mandatory_field(name: str) -> ContractPredicate:
    """Fits contracts under which an event of a type is refused without one of its fields."""
    return lambda contract: any(
        min(answer.statuses) >= 300
        for event in (contract.profile.events.get(name),)
        if event
        for answer in event.required.values()
    )


def requires_sdk(glob: str) -> ContractPredicate:
    """Fits contracts whose vendor has an official SDK of such a name."""
    return lambda contract: any(fnmatch.fnmatchcase(name, f"sdks.{glob}") for name in contract.profile.facts)


def all_of(*predicates: Callable[[SubjectT], bool]) -> Callable[[SubjectT], bool]:
    """Holds where all predicates hold, whether of contracts or of requests."""
    return lambda subject: all(predicate(subject) for predicate in predicates)
