"""The catalogue: every check by its id, and what becomes of it under one contract."""

from __future__ import annotations

import fnmatch
import inspect
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from conformance.errors import Silent
from conformance.model import Area, Kind, Level, Outcome, Source, weaker
from conformance.payloads import Call, Footing, Ground
from conformance.profile import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.contract import Contract, Operation
    from conformance.engine import Steps
    from conformance.payloads import Keys

EVENTS = frozenset({Kind.EVENT})
BATCHES = frozenset({Kind.BATCH})
PIXELS = frozenset({Kind.PIXEL})
WEBHOOKS = frozenset({Kind.WEBHOOK})
POSTED = EVENTS | BATCHES
BODIED = POSTED | WEBHOOKS

StepsOf: TypeAlias = "Callable[..., Steps]"

REQUIRED = "events.required"
"""Not one fact but several: the required fields of an operation's event type, each with its own level."""

ERROR_BODY = f"bodies.{facts.Shape.ERROR}"

OF_FORM = attrgetter("fact")
"""For checks whose forms are each promised by a fact of their own."""

FACTS = frozenset(
    [REQUIRED]
    + [f"answers.{name}" for name in facts.Condition]
    + [f"limits.{name}" for name in facts.Ceiling]
    + [f"bodies.{name}" for name in facts.Shape]
    + [f"credentials.{name}" for name in facts.Scheme]
    + [f"rules.{name}" for name in facts.Rule]
)


class Form(Protocol):
    """One of many alike cases that share a check's text."""

    @property
    def slug(self) -> str:
        """The word for ids."""

    @property
    def words(self) -> str:
        """What it is, for titles and messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise and how to put it to the test.

    `fact` names what in the profile promises it, `needs` another fact without which it makes no sense;
    `kinds` are the operations that it applies to; `cap` is the strongest level that it can have; an
    observing check reports what a target does, and never fails; an opening one is made even where the
    preflight has shown that nothing is accepted.
    """

    id: str
    title: str
    why: str
    fact: str
    kinds: frozenset[Kind]
    steps: StepsOf
    module: str
    needs: str = ""
    cap: Level = Level.MUST
    exclusive: bool = False
    observes: bool = False
    opens: bool = False

    @property
    def area(self) -> Area:
        """What the check is about: the first word of its id."""
        return Area(self.id.partition(".")[0])

    def formed(self, form: Form, fact: str) -> Check:
        """The same check for one of its forms."""
        slots = {"slug": form.slug, "words": form.words}
        return replace(
            self,
            id=self.id.format(**slots),
            title=_sentence(self.title.format(**slots)),
            fact=fact,
            steps=lambda call: self.steps(call, form),
        )


_CHECKS: dict[str, Check] = {}


def check(  # noqa: PLR0913 - a check's declaration is one line of facts
    check_id: str,
    title: str,
    *,
    fact: str | Callable[[Any], str],
    needs: str = "",
    kinds: frozenset[Kind] = POSTED,
    cap: Level = Level.MUST,
    observes: bool = False,
    exclusive: bool = False,
    opens: bool = False,
    forms: Iterable[Form] = (),
) -> Callable[[Callable[..., Steps]], Callable[..., Steps]]:
    """Enters a generator function into the catalogue.

    With `forms`, one check for each: `{slug}` and `{words}` in id and title are the form's, the function
    gets the form as its second argument, and the fact may be a function of the form.
    """

    def enter(function: Callable[..., Steps]) -> Callable[..., Steps]:
        plain = Check(
            id=check_id,
            title=title,
            why=inspect.cleandoc(function.__doc__ or ""),
            fact="" if callable(fact) else fact,
            kinds=kinds,
            steps=function,
            module=function.__module__,
            needs=needs,
            cap=cap,
            observes=observes,
            exclusive=exclusive,
            opens=opens,
        )
        formed = [plain.formed(form, fact(form) if callable(fact) else fact) for form in forms]
        for item in formed or [plain]:
            _register(item)
        return function

    return enter


def checks() -> tuple[Check, ...]:
    """Every check entered so far, by id."""
    return tuple(_CHECKS[name] for name in sorted(_CHECKS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One check on one operation under one contract; no operation where the profile has none for it.

    `ground` is what the preflight found out, known only once the run is on its way.
    """

    check: Check
    contract: Contract
    keys: Keys
    operation: Operation | None
    ground: Ground = field(default_factory=Ground)

    @property
    def exclusive(self) -> bool:
        """Whether it needs the target to itself."""
        return self.check.exclusive

    @property
    def facts(self) -> tuple[facts.Fact, ...]:
        """What promises it; nothing where the profile is silent."""
        name, contract, operation = self.check.fact, self.contract, self.operation
        if self.check.needs and not contract.states(self.check.needs):
            return ()
        if name == REQUIRED:
            return tuple(contract.event(operation.type).required.values()) if operation else ()
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
            raise Silent(f"the profile has no {' or '.join(sorted(self.check.kinds))} operation")
        if not self.facts:
            missing = [
                name
                for name in (self.check.needs, self.check.fact)
                if name and not self.contract.states(name)
            ]
            raise Silent(f"the profile says nothing of {' and '.join(missing)}")
        if not self.check.opens:
            self.ground.tread(self.operation)
        footing = self.ground.footings.get(self.operation, Footing())
        call = Call(
            contract=self.contract,
            operation=self.operation,
            keys=self.keys,
            label=self.name,
            footing=footing,
        )
        return self.check.steps(call)

    def outcome(self, found: Outcome) -> Outcome:
        """The outcome as this check means it: one that only observes has not passed."""
        return Outcome.OBSERVED if self.check.observes and found is Outcome.PASS else found


def trials(contract: Contract, keys: Keys, chosen: Iterable[Check]) -> list[Trial]:
    """Each check with each operation that it applies to; once without one where there is none."""
    found = []
    for item in chosen:
        fitting = [operation for operation in contract.operations if operation.kind in item.kinds]
        found += [
            Trial(check=item, contract=contract, keys=keys, operation=operation)
            for operation in fitting or (None,)
        ]
    return found


def select(chosen: Iterable[Check], expression: str) -> list[Check]:
    """The checks that one of the globs, separated by commas, matches by id or area."""
    globs = [glob.strip() for glob in expression.split(",") if glob.strip()]
    return [
        item
        for item in chosen
        if any(fnmatch.fnmatchcase(item.id, glob) or item.area == glob for glob in globs)
    ]


def _register(item: Check) -> None:
    if item.id in _CHECKS:
        raise ValueError(f"two checks are called {item.id}")
    if item.fact not in FACTS:
        raise ValueError(f"{item.id}: no fact is called {item.fact}")
    if not item.why:
        raise ValueError(f"{item.id}: a check says in its docstring why it matters")
    _CHECKS[item.id] = item


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
