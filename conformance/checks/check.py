"""A check: one promise and how to put it to the test."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypedDict

from conformance.core.model import Area, Level, OperationKind
from conformance.profile import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract, Operation
    from conformance.requests.steps import Steps

EVENTS = frozenset({OperationKind.EVENT})
BATCHES = frozenset({OperationKind.BATCH})
PIXELS = frozenset({OperationKind.PIXEL})
WEBHOOKS = frozenset({OperationKind.WEBHOOK})
EVENTS_AND_BATCHES = EVENTS | BATCHES
WITH_BODY = EVENTS_AND_BATCHES | WEBHOOKS

StepsFunction: TypeAlias = "Callable[..., Steps]"

REQUIRED_FIELDS = "events.required"
"""Not one fact but several: the required fields of an operation's event type, each with its own level."""

RATE_HEADERS = "rate.headers"
"""Not one fact but several: the headers that are promised with a 429, each with its own level."""

ERROR_BODY = f"bodies.{facts.ResponseKind.ERROR}"

FACT_OF_PARAMETER = attrgetter("fact")
"""For checks whose forms are each promised by a fact of their own."""

KNOWN_FACTS = frozenset(
    [REQUIRED_FIELDS, RATE_HEADERS, "rate.unlimited", "message_id", facts.MAX_EVENTS_FACT]
    + [f"answers.{name}" for name in facts.Condition]
    + [f"limits.{name}" for name in facts.LimitKind]
    + [f"bodies.{name}" for name in facts.ResponseKind]
    + [f"credentials.{name}" for name in facts.AuthScheme]
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
    def included(self) -> frozenset[Tier]:
        """The tiers that somebody who asks for this one gets."""
        if self is Tier.GENTLE:
            return frozenset({Tier.GENTLE})
        return frozenset({Tier.GENTLE, Tier.STANDARD, self})


class FirstPer(enum.StrEnum):
    """Of which operations a check looks at no more than the first of each sort."""

    KIND = "kind"
    TYPE = "type"

    def group_key(self, operation: Operation) -> tuple[str, ...]:
        """What operations of the same sort have in common."""
        return (operation.kind,) if self is FirstPer.KIND else (operation.kind, operation.event_type)


class Parameter(Protocol):
    """One of many alike cases that share a check's text."""

    @property
    def slug(self) -> str:
        """The word for ids."""

    @property
    def description(self) -> str:
        """What it is, for titles and messages."""


class CheckOptions(TypedDict, total=False):
    """What a check may have beside its promise; see Check."""

    needs: str
    max_level: Level
    observes: bool
    exclusive: bool
    ignores_preflight: bool
    first_operation_only: bool
    first_per: FirstPer
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
    kinds: frozenset[OperationKind]
    steps: StepsFunction
    module: str
    needs: str = ""
    max_level: Level = Level.MUST
    exclusive: bool = False
    observes: bool = False
    ignores_preflight: bool = False
    first_operation_only: bool = False
    first_per: FirstPer | None = None
    tier: Tier = Tier.STANDARD
    paths: frozenset[str] | None = None

    @property
    def area(self) -> Area:
        """What the check is about: the first word of its id."""
        return Area(self.id.partition(".")[0])

    def for_parameter(self, parameter: Parameter, fact: str) -> Check:
        """The same check for one of its forms."""
        format_fields = {"slug": parameter.slug, "description": parameter.description}
        return replace(
            self,
            id=self.id.format(**format_fields),
            title=_capitalize_first(self.title.format(**format_fields)),
            fact=fact,
            paths=getattr(parameter, "paths", self.paths),
            steps=lambda call: self.steps(call, parameter),
        )

    def operations(self, contract: Contract) -> list[Operation]:
        """The operations that it applies to."""
        operations = [
            operation
            for operation in contract.operations
            if operation.kind in self.kinds and (self.paths is None or operation.path in self.paths)
        ]
        if self.first_per:
            first_of_group = {self.first_per.group_key(operation): operation for operation in reversed(operations)}
            operations = [
                operation
                for operation in operations
                if first_of_group[self.first_per.group_key(operation)] is operation
            ]
        return operations[:1] if self.first_operation_only else operations


def _capitalize_first(text: str) -> str:
    return text[0].upper() + text[1:]
