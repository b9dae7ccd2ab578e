"""A fault: what a server does wrong, which checks must catch it, and under which contracts it can be told."""

from __future__ import annotations

import fnmatch
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from conformance.profile.facts import Answer
from conformance.refserver.change import Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.model import Kind
    from conformance.refserver.change import Twist
    from conformance.refserver.protocol import Protocol

Fit: TypeAlias = "Callable[[Contract], bool]"


def always(_: Contract) -> bool:
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
    breaks: str
    why: str
    catches: str
    alters: Change | Twist | type[Protocol]
    fits: Fit = field(default=always)
    _: KW_ONLY
    also: tuple[str, ...] = ()
    spills: str = ""

    @property
    def change(self) -> Change:
        """In what the server differs from a correct one."""
        if isinstance(self.alters, Change):
            return self.alters
        if isinstance(self.alters, type):
            return Change(protocol=self.alters)
        return Change(twist=self.alters)

    @property
    def globs(self) -> tuple[str, ...]:
        """The globs of the checks that must notice it."""
        return tuple(self.catches.split())


def states(*names: str) -> Fit:
    """Fits contracts that state all these facts."""
    return lambda contract: all(contract.states(name) for name in names)


def refuses(*names: str) -> Fit:
    """Fits contracts that answer all these conditions with refusals alone."""

    def fits(contract: Contract) -> bool:
        answers = [contract.fact(name) for name in names if contract.states(name)]
        refusals = [item for item in answers if isinstance(item, Answer) and min(item.statuses) >= 300]
        return len(refusals) == len(names)

    return fits


def has(*kinds: Kind) -> Fit:
    """Fits contracts with operations of all these kinds."""
    return lambda contract: set(kinds) <= {operation.kind for operation in contract.operations}


def requires(name: str) -> Fit:
    """Fits contracts under which an event of a type is refused without one of its fields."""
    return lambda contract: any(
        min(answer.statuses) >= 300
        for event in (contract.profile.events.get(name),)
        if event
        for answer in event.required.values()
    )


def supports(glob: str) -> Fit:
    """Fits contracts whose vendor has an official SDK of such a name."""
    return lambda contract: any(fnmatch.fnmatchcase(name, f"sdks.{glob}") for name in contract.profile.facts)


def both(*fits: Fit) -> Fit:
    """Fits what all of them fit."""
    return lambda contract: all(fit(contract) for fit in fits)
