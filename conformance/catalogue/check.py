"""A check: one promise and how to put it to the test."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypedDict

from conformance.model import Area, Kind, Level
from conformance.profile import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract, Operation
    from conformance.engine import Steps

EVENTS = frozenset({Kind.EVENT})
BATCHES = frozenset({Kind.BATCH})
PIXELS = frozenset({Kind.PIXEL})
WEBHOOKS = frozenset({Kind.WEBHOOK})
POSTED = EVENTS | BATCHES
BODIED = POSTED | WEBHOOKS

StepsOf: TypeAlias = "Callable[..., Steps]"

REQUIRED = "events.required"
"""Not one fact but several: the required fields of an operation's event type, each with its own level."""

RATE_HEADERS = "rate.headers"
"""Not one fact but several: the headers that are promised with a 429, each with its own level."""

ERROR_BODY = f"bodies.{facts.Shape.ERROR}"

OF_FORM = attrgetter("fact")
"""For checks whose forms are each promised by a fact of their own."""

FACTS = frozenset(
    [REQUIRED, RATE_HEADERS, "rate.unlimited", "message_id", facts.BATCH_EVENTS]
    + [f"answers.{name}" for name in facts.Condition]
    + [f"limits.{name}" for name in facts.Ceiling]
    + [f"bodies.{name}" for name in facts.Shape]
    + [f"credentials.{name}" for name in facts.Scheme]
    + [f"rules.{name}" for name in facts.Rule]
)


class Tier(enum.StrEnum):
    """How hard a check presses a target; every check is in exactly one.

    They are no ladder. Gentle: small requests that are well-formed JSON, few of them, one at a time.
    Standard: all else that a single client might do, faulty requests and bodies up to the documented limits.
    Burst (many requests at once) and volume (bodies beyond any limit) are two permissions, apart from
    each other, each on top of standard.
    """

    GENTLE = "gentle"
    STANDARD = "standard"
    BURST = "burst"
    VOLUME = "volume"

    @property
    def opened(self) -> frozenset[Tier]:
        """The tiers that somebody who asks for this one gets."""
        if self is Tier.GENTLE:
            return frozenset({Tier.GENTLE})
        return frozenset({Tier.GENTLE, Tier.STANDARD, self})


class Sample(enum.StrEnum):
    """Of which operations a check looks at no more than the first of each sort."""

    KIND = "kind"
    TYPE = "type"

    def of(self, operation: Operation) -> tuple[str, ...]:
        """What operations of the same sort have in common."""
        return (operation.kind,) if self is Sample.KIND else (operation.kind, operation.type)


class Form(Protocol):
    """One of many alike cases that share a check's text."""

    @property
    def slug(self) -> str:
        """The word for ids."""

    @property
    def words(self) -> str:
        """What it is, for titles and messages."""


class Traits(TypedDict, total=False):
    """What a check may have beside its promise; see Check."""

    needs: str
    cap: Level
    observes: bool
    exclusive: bool
    opens: bool
    once: bool
    sample: Sample
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise and how to put it to the test.

    `fact` names what in the profile promises it, `needs` another fact without which it makes no sense;
    `kinds` are the operations that it applies to; `cap` is the strongest level that it can have; an
    observing check reports what a target does, and never fails; an opening one is made even where the
    preflight has shown that nothing is accepted. One that is made `once` looks at the first operation that it
    applies to, one with a `sample` at the first of each sort; `paths`, where given, are the only ones that it
    looks at.
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
    once: bool = False
    sample: Sample | None = None
    tier: Tier = Tier.STANDARD
    paths: frozenset[str] | None = None

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
            paths=getattr(form, "paths", self.paths),
            steps=lambda call: self.steps(call, form),
        )

    def operations(self, contract: Contract) -> list[Operation]:
        """The operations that it applies to."""
        found = [
            operation
            for operation in contract.operations
            if operation.kind in self.kinds and (self.paths is None or operation.path in self.paths)
        ]
        if self.sample:
            first = {self.sample.of(operation): operation for operation in reversed(found)}
            found = [operation for operation in found if first[self.sample.of(operation)] is operation]
        return found[:1] if self.once else found


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
