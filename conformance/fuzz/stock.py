"""The stock of a contract: acceptable bodies of each operation, without any key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.fuzz.case import compact
from conformance.model import Json, JsonObject, Kind
from conformance.payloads import Call, Keys
from conformance.profile.facts import Scheme

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation

_NOBODY = Keys(write_key="-")


@dataclass(frozen=True, slots=True)
class Stock:
    """What one operation takes: the smallest event, a full one, and the documented one if there is one."""

    contract: Contract
    operation: Operation
    smallest: JsonObject
    full: JsonObject
    example: JsonObject | None

    @classmethod
    def of(cls, contract: Contract, operation: Operation, name: str | None = None) -> Stock:
        """The stock of an operation, of its own type or another."""
        call = Call(contract=contract, operation=operation, keys=_NOBODY, label=f"fuzz[{operation}]")
        own = name or operation.type
        found = contract.event(own).example
        example = keyless(contract, found.value) if found else None
        return cls(contract, operation, call.smallest(own), call.largest(own), example)

    @property
    def call(self) -> str:
        """The operation's name in a case."""
        return str(self.operation)

    @property
    def bases(self) -> list[JsonObject]:
        """Every acceptable event."""
        return [self.smallest, self.full, *([self.example] if self.example else [])]

    @property
    def fields(self) -> tuple[str, ...]:
        """Where an event of this type has its fields: at its top, and its ids."""
        schema = self.contract.event_schema(self.operation.type)
        names = schema.get("properties", {})
        top = [f"/{name}" for name in names] if isinstance(names, dict) else []
        ids = [*self.contract.identities(self.operation.type).values()]
        return tuple(dict.fromkeys([*top, *ids, *self.contract.event(self.operation.type).required]))

    def wrap(self, *events: Json) -> Json:
        """Events as the operation carries them."""
        if self.operation.kind is Kind.BATCH:
            return pointers.put({}, self.contract.profile.batch.pointer, [*events])
        return events[0]

    def body(self) -> bytes:
        """The smallest acceptable body."""
        return compact(self.wrap(self.smallest))


def keyless(contract: Contract, value: JsonObject) -> JsonObject:
    """A documented example without its keys."""
    if not contract.states(f"credentials.{Scheme.BODY}"):
        return value
    key = contract.credential_key(Scheme.BODY)
    first = f"/{pointers.steps(key)[0]}"
    value = pointers.drop(value, first)
    where = contract.profile.batch.pointer
    listed = pointers.get(value, where) if pointers.has(value, where) else None
    if not isinstance(listed, list):
        return value
    events = [pointers.drop(item, first) if isinstance(item, dict) else item for item in listed]
    return pointers.put(value, where, events)


def families(contract: Contract) -> list[list[Operation]]:
    """The operations, those that take the same in the same way together."""
    found: dict[tuple[str, str], list[Operation]] = {}
    for operation in contract.operations:
        found.setdefault((operation.kind, operation.type), []).append(operation)
    return list(found.values())
