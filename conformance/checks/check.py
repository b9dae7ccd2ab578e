"""A check: one promise, and the requests and assertions that test it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from conformance.core.model import Area, Level, OperationKind
from conformance.profile import facts
from conformance.profile.profile import RECOMMENDED_RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract, Operation
    from conformance.core.model import Parameter
    from conformance.requests.steps import Steps

EVENTS = frozenset({OperationKind.EVENT})
BATCHES = frozenset({OperationKind.BATCH})
PIXELS = frozenset({OperationKind.PIXEL})
WEBHOOKS = frozenset({OperationKind.WEBHOOK})
EVENTS_AND_BATCHES = EVENTS | BATCHES
WITH_BODY = EVENTS_AND_BATCHES | WEBHOOKS
ALL_KINDS = frozenset(OperationKind)

StepsFunction: TypeAlias = "Callable[..., Steps]"

REQUIRED_FIELDS = "events.required"
"""Stands for several facts: the required fields of an operation's event type, each with its own level."""

RATE_HEADERS = "rate.headers"
"""Stands for several facts: the headers that are promised with a 429, each with its own level."""

SMALLEST_REQUEST_CHECKS = {
    OperationKind.EVENT: "accept.event.minimal",
    OperationKind.BATCH: "accept.event.minimal",
    OperationKind.PIXEL: "pixel.event.minimal",
    OperationKind.WEBHOOK: "webhook.event.minimal",
}
"""The check that reports a path on which nothing is accepted, for each kind of operation."""

ACCEPTED = f"answers.{facts.Condition.ACCEPTED}"
ERROR_BODY = f"bodies.{facts.ResponseKind.ERROR}"
NO_SERVER_ERROR = f"rules.{facts.Rule.NO_SERVER_ERROR}"
MALFORMED_REQUEST = f"rules.{facts.Rule.MALFORMED_REQUEST}"
UNDOCUMENTED = f"rules.{facts.Rule.UNDOCUMENTED}"
TIMESTAMP_OTHER = f"rules.{facts.Rule.TIMESTAMP_OTHER}"

GENERAL_FACTS = {TIMESTAMP_OTHER: ACCEPTED}
"""The facts that hold for what a profile says nothing of its own about."""

_SAME_REQUEST_RULES = frozenset(
    {
        facts.Rule.CONTENT_TYPE_CHARSET,
        facts.Rule.REPEATED_MESSAGE_ID,
        facts.Rule.RECOVERY,
        facts.Rule.CONCURRENCY,
        facts.Rule.SAME_HEAD,
        facts.Rule.SAME_TARGET,
        facts.Rule.SAME_FRAMING,
        facts.Rule.SAME_CODING,
        facts.Rule.SAME_JSON,
        facts.Rule.USUAL_REQUEST,
    }
)
"""Rules of HTTP by which a request is the documented one, so that it has the documented answer, at its level."""

_RULES = {f"rules.{rule}": rule for rule in facts.Rule}
"""The rules, by the name of their fact."""

FACT_OF_PARAMETER = attrgetter("fact")
"""For parameterized checks with a fact per parameter."""

KNOWN_FACTS = frozenset(
    [REQUIRED_FIELDS, RATE_HEADERS, RECOMMENDED_RATE, "rate.unlimited", "message_id"]
    + [facts.MAX_EVENTS_FACT, facts.CUSTOMARY_FIELDS]
    + [f"answers.{name}" for name in facts.Condition]
    + [f"limits.{name}" for name in facts.LimitKind]
    + [f"bodies.{name}" for name in facts.ResponseKind]
    + [f"credentials.{name}" for name in facts.AuthScheme]
    + [f"rules.{name}" for name in facts.Rule]
)


class Tier(enum.StrEnum):
    """How much load a check puts on a target. Every check has exactly one tier.

    Gentle: a few small requests of well-formed JSON, and the preflights of browsers, one at a time. Standard:
    anything else that a single client might do, with invalid requests and bodies up to the documented limits. Burst
    is many requests at once, and volume is bodies beyond any limit; both include standard, and neither includes the
    other.
    """

    GENTLE = "gentle"
    STANDARD = "standard"
    BURST = "burst"
    VOLUME = "volume"

    @property
    def included(self) -> frozenset[Tier]:
        """The tiers that are allowed when this one is requested."""
        if self is Tier.GENTLE:
            return frozenset({Tier.GENTLE})
        return frozenset({Tier.GENTLE, Tier.STANDARD, self})


class FirstPer(enum.StrEnum):
    """How operations are grouped for a check that runs only on the first operation of each group."""

    RUN = "run"
    KIND = "kind"
    TYPE = "type"

    def group_key(self, operation: Operation) -> tuple[str, ...]:
        """The key that all operations of one group share."""
        match self:
            case FirstPer.RUN:
                return ()
            case FirstPer.KIND:
                return (operation.kind,)
            case FirstPer.TYPE:
                return (operation.kind, operation.event_type)


class CheckOptions(TypedDict, total=False):
    """The optional fields of Check, as keyword arguments of `@check`."""

    needs: str
    needs_somewhere: str
    max_level: Level
    observes: bool
    exclusive: bool
    ignores_preflight: bool
    first_per: FirstPer
    tier: Tier
    needs_browser: bool
    needs_sink: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise, and the requests and assertions that test it.

    `fact` names the fact of the profile that promises it, `needs` another one that must be stated, too, and
    `needs_somewhere` one that must be stated for any path. `kinds`
    and `paths` (None for all) limit the operations that it applies to; with `first_per`, it runs on the first of
    each group of these, or if that accepts nothing, on the next one that does. `max_level` is the strongest level
    it can have.
    With `exclusive` no other check runs at the same time; with `observes` it reports what a target does and
    never fails; with `ignores_preflight` it runs even where the preflight found that nothing is accepted, and with both
    even where the path is absent. With `needs_browser` it is part of runs with a real browser alone, and with
    `needs_sink` of runs with a sink.
    """

    id: str
    area: Area
    title: str
    why: str
    fact: str
    kinds: frozenset[OperationKind]
    steps: StepsFunction
    module: str
    needs: str = ""
    needs_somewhere: str = ""
    max_level: Level = Level.MUST
    exclusive: bool = False
    observes: bool = False
    ignores_preflight: bool = False
    first_per: FirstPer | None = None
    tier: Tier = Tier.STANDARD
    paths: frozenset[str] | None = None
    needs_browser: bool = False
    needs_sink: bool = False

    @property
    def rule(self) -> facts.Rule | None:
        """The rule that promises it; None if another fact does."""
        return _RULES.get(self.fact)

    @property
    def is_about_documented_request(self) -> bool:
        """Whether it sends a documented request in other circumstances, so that it has its documented answer."""
        return self.rule in _SAME_REQUEST_RULES

    def for_parameter(self, parameter: Parameter, fact: str) -> Check:
        """The check for one parameter, promised by `fact`."""
        format_fields = {"slug": parameter.slug, "description": parameter.description}
        return replace(
            self,
            id=self.id.format(**format_fields),
            title=_capitalize_first(self.title.format(**format_fields)),
            fact=fact,
            paths=parameter.paths,
            steps=lambda call: self.steps(call, parameter),
        )

    def operations(self, contract: Contract) -> list[Operation]:
        """The operations of a contract that it runs on."""
        operations = self._operations_of_kinds(contract, self.kinds)
        if self.first_per:
            first_of_group = {self.first_per.group_key(operation): operation for operation in reversed(operations)}
            operations = [
                operation
                for operation in operations
                if first_of_group[self.first_per.group_key(operation)] is operation
            ]
        return operations

    def fallbacks(self, contract: Contract, first: Operation) -> tuple[Operation, ...]:
        """The other operations of the group of its first one, on which it runs if that accepts nothing.

        A check that runs once on a call with one event also runs on a batch.
        """
        if self.first_per is None:
            return ()
        kinds = self.kinds | BATCHES if self.first_per is FirstPer.RUN and self.kinds & EVENTS else self.kinds
        group = self.first_per.group_key(first)
        return tuple(
            operation
            for operation in sorted(
                self._operations_of_kinds(contract, kinds), key=lambda operation: operation.kind not in self.kinds
            )
            if operation != first and self.first_per.group_key(operation) == group
        )

    def _operations_of_kinds(self, contract: Contract, kinds: frozenset[OperationKind]) -> list[Operation]:
        return [
            operation
            for operation in contract.operations
            if operation.kind in kinds and (self.paths is None or operation.path in self.paths)
        ]


def _capitalize_first(text: str) -> str:
    return text[0].upper() + text[1:]
