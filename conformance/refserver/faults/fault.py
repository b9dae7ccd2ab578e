"""The description of a fault, and predicates on the contracts that it applies to."""

from __future__ import annotations

import fnmatch
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from conformance.core.model import OperationKind
from conformance.profile.facts import ExpectedResponse
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.refserver.http_protocol import HttpProtocol
    from conformance.refserver.server_change import ResponseOverride

ContractPredicate: TypeAlias = "Callable[[Contract], bool]"
SubjectT = TypeVar("SubjectT")


def any_contract(_: Contract) -> bool:
    """Holds for every contract."""
    return True


@dataclass(frozen=True, slots=True)
class Fault:
    """A server that breaks one promise.

    `description`: what it does wrong, as a sentence.
    `rationale`: how real servers come to this, or what it costs their users.
    `catching_checks`: globs of check ids, separated by spaces. Every check that matches must notice the fault if the
    contract asks for it, and no check of another area may fail.
    `implementation`: how it differs from the correct server.
    `applies_to`: the contracts under which it can show.
    `extra_operations`: event types or paths of operations that it needs besides one of each kind.
    `key_words`: words, with spaces between, that the sentence of its cause must have, in any order and case; empty for
    any.
    `collateral_reason`: why checks of other areas may fail too; empty if they may not.
    """

    name: str
    description: str
    rationale: str
    catching_checks: str
    implementation: ServerChange | ResponseOverride | type[HttpProtocol]
    applies_to: ContractPredicate = field(default=any_contract)
    _: KW_ONLY
    key_words: str = ""
    extra_operations: tuple[str, ...] = ()
    collateral_reason: str = ""

    @property
    def change(self) -> ServerChange:
        """The difference from the correct server."""
        return ServerChange.from_part(self.implementation)

    def is_named_by(self, sentence: str) -> bool:
        """Whether a sentence has all its key words."""
        folded = sentence.casefold()
        return all(word in folded for word in self.key_words.casefold().split())

    @property
    def check_globs(self) -> tuple[str, ...]:
        """The globs of the checks that must notice it, one by one."""
        return tuple(self.catching_checks.split())


def requires_facts(*names: str) -> ContractPredicate:
    """Holds for contracts that state all these facts."""
    return lambda contract: all(contract.has_fact(name) for name in names)


def requires_refusals(*names: str) -> ContractPredicate:
    """Holds for contracts that answer all these conditions with refusals only."""

    def holds(contract: Contract) -> bool:
        answers = [contract.fact(name) for name in names if contract.has_fact(name)]
        refusals = [item for item in answers if isinstance(item, ExpectedResponse) and min(item.statuses) >= 300]
        return len(refusals) == len(names)

    return holds


def requires_kinds(*kinds: OperationKind) -> ContractPredicate:
    """Holds for contracts with operations of all these kinds."""
    return lambda contract: set(kinds) <= {operation.kind for operation in contract.operations}


HAS_BATCHES, HAS_PIXELS, HAS_WEBHOOKS = (
    requires_kinds(kind) for kind in (OperationKind.BATCH, OperationKind.PIXEL, OperationKind.WEBHOOK)
)


def requires_mandatory_field(name: str) -> ContractPredicate:
    """Holds for contracts that refuse events of a type without one of its fields."""
    return lambda contract: any(
        min(answer.statuses) >= 300
        for event in (contract.profile.events.get(name),)
        if event
        for answer in event.required.values()
    )


def requires_sdk(glob: str) -> ContractPredicate:
    """Holds for contracts whose vendor has an official SDK that matches a glob."""
    return lambda contract: any(fnmatch.fnmatchcase(name, f"sdks.{glob}") for name in contract.profile.facts)


def all_of(*predicates: Callable[[SubjectT], bool]) -> Callable[[SubjectT], bool]:
    """Holds where all predicates hold, whether of contracts or of requests."""
    return lambda subject: all(predicate(subject) for predicate in predicates)
