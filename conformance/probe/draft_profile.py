"""The draft profile: the facts known about a server so far, with the observations behind them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.contract import Contract, Operation
from conformance.core.model import Level, OperationKind, Source
from conformance.probe.dialects import PROBE_SOURCE
from conformance.probe.summary import SummaryRow, fact_row
from conformance.profile import common_facts
from conformance.profile.facts import Fact, Rule
from conformance.run.kept_exchanges import RoomForAnswers, without_body

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.probe.dialects import Dialect
    from conformance.probe.key_locations import KeyLocation
    from conformance.probe.summary import Section
    from conformance.profile.profile import EventType, FieldPointers, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """An answer to a request on an operation; the request itself is only described."""

    operation: Operation
    request_description: str
    exchange: Exchange


@dataclass(slots=True, kw_only=True)
class DraftProfile:
    """Everything known about a server so far.

    `remarks` are findings that a profile cannot express, and differences between operations.
    `types_needing_all_fields` are event types whose smallest event is refused. `accepts_any_key` is true if the server
    ignores the key. `always` are the pointers that every event must have. `usual_successes` are the answers to the
    first accepted request of each path.
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
    usual_successes: dict[str, Exchange] = field(default_factory=dict)
    room: RoomForAnswers = field(default_factory=RoomForAnswers)
    _cached_contract: Contract | None = None

    @classmethod
    def for_dialect(cls, dialect: Dialect) -> DraftProfile:
        """An empty draft for a server that speaks a dialect."""
        return cls(dialect=dialect, pointers=dialect.pointers, events=dict(dialect.events), shared=dialect.batch.shared)

    def contract(self, *routes: Route, key_locations: tuple[KeyLocation, ...] = ()) -> Contract:
        """The contract of what is known so far, with further routes, or with other locations of the key."""
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

    @property
    def paths(self) -> list[str]:
        """The paths of the known routes."""
        return list(dict.fromkeys(route.path for route in self.routes))

    def operations(self, *kinds: OperationKind) -> list[Operation]:
        """The operations of the known routes, of some kinds or of all."""
        all_operations = [Operation.from_route(route) for route in self.routes]
        return [operation for operation in all_operations if not kinds or operation.kind in kinds]

    def first_operation(self, kind: OperationKind) -> Operation | None:
        """The first operation of a kind, if there is one."""
        return next(iter(self.operations(kind)), None)

    def first_of_each_kind(self) -> list[Operation]:
        """The first operation of each kind, events and batches first."""
        first_by_kind = {operation.kind: operation for operation in reversed(self.operations())}
        return [first_by_kind[kind] for kind in OperationKind if kind in first_by_kind]

    def add_row(self, section: Section, subject: str, value: str, evidence: str = "", *event_types: str) -> None:
        """Adds a row to the summary."""
        self.rows.append(
            SummaryRow(section=section, subject=subject, value=value, evidence=evidence, event_types=event_types)
        )

    def add_fact_row(self, fact: str, value: str, evidence: str = "") -> None:
        """Adds a row about a fact, or about what was observed in place of one."""
        self.rows.append(fact_row(fact, value, evidence))

    def remove_fact(self, fact: str) -> None:
        """Removes a fact and its rows."""
        self.facts.pop(fact, None)
        self.rows = [row for row in self.rows if row.fact != fact]

    def add_remark(self, text: str) -> None:
        """Adds a remark, unless it is there already."""
        if text not in self.remarks:
            self.remarks.append(text)

    def add_observation(self, fact: str, operation: Operation, request_description: str, exchange: Exchange) -> None:
        """Adds an answer, from which a fact is derived later."""
        kept = without_body(self.room.keep(exchange))
        observation = Observation(operation=operation, request_description=request_description, exchange=kept)
        self.observations.setdefault(fact, []).append(observation)

    def add_no_server_error(self) -> None:
        """States that every answer is one of the stated ones, so that a 5xx or silence breaks the profile."""
        name = f"rules.{Rule.NO_SERVER_ERROR}"
        source = Source(document=PROBE_SOURCE, section="all calls", says="the stated answers are all below 500")
        self.facts[name] = Fact(name=name, level=Level.MUST, sources=(source,))


OPTIONAL_POINTERS = ("timestamp", "message_id", "context", "integrations")
"""The fields of FieldPointers that a profile may leave out."""


def without_pointer(pointers: FieldPointers, name: str) -> FieldPointers:
    """The pointers without an optional one."""
    changes: dict[str, Any] = {name: None}
    return replace(pointers, **changes)
