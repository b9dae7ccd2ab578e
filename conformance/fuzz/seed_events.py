"""Seed events: valid bodies of each operation, without any key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Json, JsonObject, OperationKind
from conformance.fuzz.case import Case, Origin, compact_json
from conformance.profile.facts import AuthScheme, LimitKind
from conformance.requests import Call, Keys
from conformance.requests.padding import FILLER_POINTER, Padding

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation

_PLACEHOLDER_KEYS = Keys(write_key="-")


@dataclass(frozen=True, slots=True)
class SeedEvents:
    """Valid events of one operation: the smallest, a full one, and the documented example if there is one."""

    contract: Contract
    operation: Operation
    minimal_event: JsonObject
    full_event: JsonObject
    documented_event: JsonObject | None

    @classmethod
    def for_operation(cls, contract: Contract, operation: Operation, event_type: str | None = None) -> SeedEvents:
        """The seed events of an operation, of its own event type or of `event_type`."""
        call = Call(contract=contract, operation=operation, keys=_PLACEHOLDER_KEYS, label=f"fuzz[{operation}]")
        own_type = event_type or operation.event_type
        documented = contract.event_type(own_type).example
        example = without_keys(contract, documented.value) if documented else None
        return cls(contract, operation, call.minimal_event(own_type), call.full_event(own_type), example)

    @property
    def call(self) -> str:
        """The operation's name in a case."""
        return str(self.operation)

    @property
    def valid_events(self) -> list[JsonObject]:
        """All valid events, the smallest first."""
        return [self.minimal_event, self.full_event, *([self.documented_event] if self.documented_event else [])]

    @property
    def field_pointers(self) -> tuple[str, ...]:
        """Pointers to the fields of an event of this type: its top level, and its ids."""
        schema = self.contract.event_schema(self.operation.event_type)
        names = schema.get("properties", {})
        top = [f"/{name}" for name in names] if isinstance(names, dict) else []
        ids = [*self.contract.identity_pointers(self.operation.event_type).values()]
        return tuple(dict.fromkeys([*top, *ids, *self.contract.event_type(self.operation.event_type).required]))

    def wrap_events(self, *events: Json) -> Json:
        """The body that carries some events: a batch of them, or the first alone."""
        if self.operation.kind is OperationKind.BATCH:
            return pointers.put({}, self.contract.profile.batch.pointer, [*events])
        return events[0]

    def minimal_body(self) -> bytes:
        """The smallest valid body."""
        return compact_json(self.wrap_events(self.minimal_event))

    def fits(self, size: int) -> bool:
        """Whether the smallest event is no larger than a size."""
        try:
            self.padding.pad_event(self.minimal_event, size)
        except NotApplicable:
            return False
        return True

    def control_case(self) -> Case:
        """The smallest valid request of the operation, as a case."""
        return Case(call=self.call, origin=Origin.SHRINKER, about="a valid request", body=self.minimal_body())

    @property
    def event_without_ids(self) -> JsonObject:
        """The smallest event, without anything that identifies a user."""
        event = self.minimal_event
        for pointer in self.contract.identity_pointers(self.operation.event_type).values():
            event = pointers.remove(event, pointer)
        return event

    @property
    def event_limit_kind(self) -> LimitKind:
        """The limit that applies to one event."""
        return LimitKind.BATCH_EVENT if self.operation.kind is OperationKind.BATCH else LimitKind.EVENT

    @property
    def padding(self) -> Padding:
        """Padding that makes an event of this operation as large as wanted."""
        open_pointer = self.contract.event_type(self.operation.event_type).open_object or ""
        return Padding(pointer=f"{open_pointer}{FILLER_POINTER}")


def seed_events_by_call(contract: Contract) -> dict[str, SeedEvents]:
    """The seed events of all operations, by their name in a case."""
    return {str(operation): SeedEvents.for_operation(contract, operation) for operation in contract.operations}


def without_keys(contract: Contract, value: JsonObject) -> JsonObject:
    """A documented example without its keys."""
    if not contract.has_fact(f"credentials.{AuthScheme.BODY}"):
        return value
    key = contract.credential_carrier(AuthScheme.BODY)
    key_pointer = f"/{pointers.split(key)[0]}"
    value = pointers.remove(value, key_pointer)
    batch_pointer = contract.profile.batch.pointer
    event_list = batch_events(contract, value)
    if event_list is None:
        return value
    events = [pointers.remove(event, key_pointer) if isinstance(event, dict) else event for event in event_list]
    return pointers.put(value, batch_pointer, events)


def batch_events(contract: Contract, value: Json) -> list[Json] | None:
    """The list of events in the body of a batch; None if there is no list."""
    batch_pointer = contract.profile.batch.pointer
    event_list = pointers.find(value, batch_pointer)
    return event_list if isinstance(event_list, list) else None


def group_operations(contract: Contract) -> list[list[Operation]]:
    """Operations grouped by kind and event type."""
    groups: dict[tuple[str, str], list[Operation]] = {}
    for operation in contract.operations:
        groups.setdefault((operation.kind, operation.event_type), []).append(operation)
    return list(groups.values())
