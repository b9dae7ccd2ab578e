"""The stock of a contract: acceptable bodies of each operation, without any key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import Json, JsonObject, OperationKind
from conformance.fuzz.case import compact_json
from conformance.profile.facts import AuthScheme
from conformance.requests import Call, Keys

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation

_PLACEHOLDER_KEYS = Keys(write_key="-")


@dataclass(frozen=True, slots=True)
class SeedEvents:
    """What one operation takes: the smallest event, a full one, and the documented one if there is one."""

    contract: Contract
    operation: Operation
    minimal_event: JsonObject
    full_event: JsonObject
    documented_event: JsonObject | None

    @classmethod
    def for_operation(cls, contract: Contract, operation: Operation, event_type: str | None = None) -> SeedEvents:
        """The stock of an operation, of its own type or another."""
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
        """Every acceptable event."""
        return [self.minimal_event, self.full_event, *([self.documented_event] if self.documented_event else [])]

    @property
    def field_pointers(self) -> tuple[str, ...]:
        """Where an event of this type has its fields: at its top, and its ids."""
        schema = self.contract.event_schema(self.operation.event_type)
        names = schema.get("properties", {})
        top = [f"/{name}" for name in names] if isinstance(names, dict) else []
        ids = [*self.contract.identity_pointers(self.operation.event_type).values()]
        return tuple(dict.fromkeys([*top, *ids, *self.contract.event_type(self.operation.event_type).required]))

    def wrap_events(self, *events: Json) -> Json:
        """Events as the operation carries them."""
        if self.operation.kind is OperationKind.BATCH:
            return pointers.put({}, self.contract.profile.batch.pointer, [*events])
        return events[0]

    def minimal_body(self) -> bytes:
        """The smallest acceptable body."""
        return compact_json(self.wrap_events(self.minimal_event))


def without_keys(contract: Contract, value: JsonObject) -> JsonObject:
    """A documented example without its keys."""
    if not contract.has_fact(f"credentials.{AuthScheme.BODY}"):
        return value
    key = contract.credential_carrier(AuthScheme.BODY)
    key_pointer = f"/{pointers.split(key)[0]}"
    value = pointers.remove(value, key_pointer)
    batch_pointer = contract.profile.batch.pointer
    event_list = pointers.get(value, batch_pointer) if pointers.has(value, batch_pointer) else None
    if not isinstance(event_list, list):
        return value
    events = [pointers.remove(event, key_pointer) if isinstance(event, dict) else event for event in event_list]
    return pointers.put(value, batch_pointer, events)


def group_operations(contract: Contract) -> list[list[Operation]]:
    """The operations, those that take the same in the same way together."""
    groups: dict[tuple[str, str], list[Operation]] = {}
    for operation in contract.operations:
        groups.setdefault((operation.kind, operation.event_type), []).append(operation)
    return list(groups.values())
