"""The sketch: what is known of a server so far, as a profile in the making, with the evidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.contract import Contract, Operation
from conformance.core.model import Level, OperationKind, Source
from conformance.probe.dialects import PROBE_SOURCE
from conformance.profile import common_facts
from conformance.profile.facts import Condition, ExpectedResponse, ToleratedStatus

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.probe.dialects import Dialect, KeyLocation
    from conformance.profile.facts import Fact
    from conformance.profile.profile import EventType, FieldPointers, Route


_NOT_IMPLEMENTED = 501


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One line of what was found: what was asked about, what came out, and by what it is known."""

    topic: str
    value: str
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """An answer to something that was asked on an operation."""

    operation: Operation
    request_description: str
    exchange: Exchange


@dataclass(slots=True, kw_only=True)
class DraftProfile:
    """What is known so far.

    `remarks` are what a profile can't say, and what is not the same everywhere. `full` are the event types of
    which the smallest known event is refused; an open server asks for no key.
    """

    dialect: Dialect
    pointers: FieldPointers
    events: dict[str, EventType]
    routes: list[Route] = field(default_factory=list)
    key_locations: list[KeyLocation] = field(default_factory=list)
    batch_types: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    rows: list[SummaryRow] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    observations: dict[str, list[Observation]] = field(default_factory=dict)
    always: tuple[str, ...] = ()
    accepts_any_key: bool = False
    types_needing_all_fields: set[str] = field(default_factory=set)
    _cached_contract: Contract | None = None

    @classmethod
    def for_dialect(cls, dialect: Dialect) -> DraftProfile:
        """An empty sketch of a server that speaks a dialect."""
        return cls(dialect=dialect, pointers=dialect.pointers, events=dict(dialect.events), shared=dialect.batch.shared)

    def contract(self, *routes: Route, key_locations: tuple[KeyLocation, ...] = ()) -> Contract:
        """What is known so far as a contract; with further routes, or other ways to hand in the key."""
        profile = self.dialect.empty_profile()
        credential_facts: dict[str, Fact] = {}
        for location in key_locations or self.key_locations:
            fact = location.as_fact()
            credential_facts.setdefault(fact.name, fact)
        types = self.batch_types or tuple(self.events)
        known_profile = replace(
            profile,
            pointers=self.pointers,
            always_required=self.always,
            events=dict(self.events),
            routes=(*self.routes, *routes),
            batch=replace(profile.batch, types=types, shared=self.shared),
            facts={**common_facts(), **credential_facts, **self.facts},
        )
        if self._cached_contract is None or self._cached_contract.profile != known_profile:
            self._cached_contract = Contract(known_profile)
        return self._cached_contract

    def operations(self, *kinds: OperationKind) -> list[Operation]:
        """The operations that were found, of some kinds or of all."""
        all_operations = [Operation.from_route(route) for route in self.routes]
        return [operation for operation in all_operations if not kinds or operation.kind in kinds]

    def first_of_each_kind(self) -> list[Operation]:
        """The first operation of each kind, events and batches first."""
        first_by_kind = {operation.kind: operation for operation in reversed(self.operations())}
        return [first_by_kind[kind] for kind in OperationKind if kind in first_by_kind]

    def add_row(self, topic: str, value: str, evidence: str = "") -> None:
        """Notes a line of what was found."""
        self.rows.append(SummaryRow(topic=topic, value=value, evidence=evidence))

    def add_remark(self, text: str) -> None:
        """Notes something that no fact says, once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def add_observation(self, fact: str, operation: Operation, request_description: str, exchange: Exchange) -> None:
        """Notes an answer that a fact is to be made of."""
        observation = Observation(operation=operation, request_description=request_description, exchange=exchange)
        self.observations.setdefault(fact, []).append(observation)

    def derive_answer_facts(self) -> None:
        """Makes facts of the answers that were noted."""
        for name, observations in sorted(self.observations.items()):
            answer = answer_fact(name, observations)
            unusable = [item for item in observations if not 200 <= item.exchange.status < 500]
            if name == f"answers.{Condition.METHOD_WRONG}":
                unusable = [item for item in unusable if item.exchange.status != _NOT_IMPLEMENTED]
            for item in unusable[:1]:
                self.add_remark(
                    f"{name}: {item.request_description} on {item.operation} "
                    f"was answered with {item.exchange.summary}; "
                    "no profile states that, and a run fails on it"
                )
            if answer is None:
                continue
            self.facts[name] = answer
            self.add_row(name, format_statuses(answer), _evidence(answer, observations))
            for tolerated in answer.tolerate:
                self.add_remark(f"{name}: not the same everywhere: {tolerated.status} to {tolerated.source.says}")


OPTIONAL_POINTERS = ("timestamp", "message_id", "context", "integrations")
"""The fields that a profile need not know, as Pointers has them."""


def without_pointer(pointers: FieldPointers, name: str) -> FieldPointers:
    """The same places without one of those that a profile need not know."""
    return replace(
        pointers,
        timestamp=None if name == "timestamp" else pointers.timestamp,
        message_id=None if name == "message_id" else pointers.message_id,
        context=None if name == "context" else pointers.context,
        integrations=None if name == "integrations" else pointers.integrations,
    )


def answer_fact(name: str, observations: list[Observation]) -> ExpectedResponse | None:
    """The fact that answers come to: the most common status, and the others as tolerated."""
    usable = [item for item in observations if 200 <= item.exchange.status < 500]
    if not usable:
        return None
    counts = Counter(item.exchange.status for item in usable)
    most_common, *others = [status for status, _ in counts.most_common()]
    return ExpectedResponse(
        name=name,
        level=Level.MUST,
        sources=(_source([item for item in usable if item.exchange.status == most_common]),),
        expect=(most_common,),
        tolerate=tuple(
            ToleratedStatus(status=status, source=_source([item for item in usable if item.exchange.status == status]))
            for status in others
        ),
    )


def _source(observations: list[Observation]) -> Source:
    """Where an answer was seen, and to what."""
    paths = list(dict.fromkeys(str(item.operation) for item in observations))
    descriptions = list(dict.fromkeys(item.request_description for item in observations))
    return Source(
        document=PROBE_SOURCE,
        section=_join_some(paths),
        says=f"{_join_some(descriptions, 3)}: {observations[0].exchange.status}",
    )


def _join_some(texts: list[str], max_count: int = 4) -> str:
    """A few of many texts, and how many more there are."""
    rest = f" and {len(texts) - max_count} more" if len(texts) > max_count else ""
    return f"{', '.join(texts[:max_count])}{rest}"


def _evidence(answer: ExpectedResponse, observations: list[Observation]) -> str:
    paths = len({item.operation for item in observations})
    return f"{len(observations)} asked on {paths} path{'s' * (paths > 1)}: {answer.sources[0].says}"


def format_statuses(answer: ExpectedResponse) -> str:
    """The statuses of an answer, in words."""
    tolerated = [str(item.status) for item in answer.tolerate]
    return " or ".join(map(str, answer.expect)) + (f" (also {', '.join(tolerated)})" if tolerated else "")
