"""The contract: what one profile asks of a target, answered fact by fact."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from conformance import pointers
from conformance.contract import schemas
from conformance.contract.operation import Operation
from conformance.errors import Silent, UsageError
from conformance.model import Kind
from conformance.profile import base_openapi
from conformance.profile.facts import (
    BATCH_EVENTS,
    Answer,
    BodyShape,
    Ceiling,
    Condition,
    Crowd,
    Fact,
    KeyedFact,
    Limit,
    MessageId,
    Scheme,
    Shape,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.model import JsonObject
    from conformance.profile.facts import EventType, Profile

__all__ = ["Contract", "Operation"]

F = TypeVar("F", bound=Fact)


class Contract:
    """A profile, asked by name. What it does not state raises Silent.

    `include` names the optional groups of routes to switch on; UsageError if there is no such group.
    """

    def __init__(self, profile: Profile, include: Collection[str] = ()) -> None:
        self.profile = profile
        self._schemas: dict[str, JsonObject] = {}
        groups = {route.include for route in profile.routes if route.include}
        for name in include:
            if name not in groups:
                known = f"; it has {', '.join(sorted(groups))}" if groups else "; it has none"
                raise UsageError(f"--include {name}: the profile {profile.name} has no such group{known}")
        self.operations: tuple[Operation, ...] = tuple(
            Operation.of(route)
            for route in profile.routes
            if route.include is None or route.include in include
        )

    def fact(self, name: str) -> Fact:
        """A fact by its name, such as `limits.event`."""
        try:
            return self.profile.facts[name]
        except KeyError:
            raise Silent(f"the profile {self.profile.name} says nothing of {name}") from None

    def answer(self, condition: Condition) -> Answer:
        """How a condition is answered."""
        return self._fact_of(Answer, f"answers.{condition}")

    def limit(self, ceiling: Ceiling) -> Limit:
        """A size limit."""
        return self._fact_of(Limit, f"limits.{ceiling}")

    def body_limit(self, operation: Operation) -> Limit:
        """The limit of the whole body of an operation."""
        return self.limit(Ceiling.BATCH if operation.kind is Kind.BATCH else Ceiling.EVENT)

    @property
    def crowd(self) -> Crowd:
        """How many events a batch may have, and what one more is answered with."""
        return self._fact_of(Crowd, BATCH_EVENTS)

    @property
    def most_events(self) -> int:
        """How many events a batch may have."""
        return self.crowd.count

    def shape(self, shape: Shape) -> BodyShape:
        """What the body of an answer looks like."""
        return self._fact_of(BodyShape, f"bodies.{shape}")

    def error_shape(self, operation: Operation) -> BodyShape:
        """What the body of a refusal looks like; a batch may have a shape of its own."""
        if operation.kind is Kind.BATCH and self.states(f"bodies.{Shape.ERROR_BATCH}"):
            return self.shape(Shape.ERROR_BATCH)
        return self.shape(Shape.ERROR)

    @property
    def message_id_length(self) -> int:
        """How many characters a message id may have."""
        return self._fact_of(MessageId, "message_id").max_length

    def states(self, name: str) -> bool:
        """Whether the profile states a fact."""
        return name in self.profile.facts

    def credential_key(self, scheme: Scheme) -> str:
        """The header, parameter or pointer that carries the key in a scheme."""
        return self._fact_of(KeyedFact, f"credentials.{scheme}").key

    @property
    def key_prefix(self) -> str:
        """What stands before the key in a header of its own."""
        return self._fact_of(KeyedFact, f"credentials.{Scheme.HEADER}").prefix

    @property
    def pixel_parameter(self) -> str:
        """The query parameter that carries a pixel's event."""
        if self.profile.pixel is None:
            raise Silent(f"the profile {self.profile.name} has no pixels")
        return self.profile.pixel.parameter

    @cached_property
    def first_scheme(self) -> Scheme:
        """The scheme that the profile states first: every check of another area uses it."""
        prefix = "credentials."
        return Scheme(next(n for n in self.profile.facts if n.startswith(prefix)).removeprefix(prefix))

    def event(self, name: str) -> EventType:
        """An event type by its name."""
        return self.profile.events[name]

    def event_schema(self, name: str) -> JsonObject:
        """The JSON Schema of an event type as the sources describe it, without what is required.

        Not to be changed by the caller: it is made once, for every event of a run is built from it.
        """
        if name not in self._schemas:
            self._schemas[name] = self._flat_schema(name)
        return self._schemas[name]

    def _flat_schema(self, name: str) -> JsonObject:
        schema: Any = self.event(name).schema
        components = base_openapi()["components"]["schemas"]
        return schemas.flatten(
            {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema, components
        )

    def identities(self, name: str) -> dict[str, str]:
        """The identity fields of an event type: user and anonymous, with their pointers."""
        where = {"user": self.profile.pointers.user, "anonymous": self.profile.pointers.anonymous}
        return {key: pointer for key in self.event(name).identified_by if (pointer := where[key])}

    def batch_types(self) -> tuple[str, ...]:
        """The event types that a batch is documented to carry."""
        return self.profile.batch.types or tuple(self.profile.events)

    def identified(self, name: str, event: JsonObject) -> bool:
        """Whether an event names its user: a text that is not empty."""
        found = (
            pointers.get(event, pointer)
            for pointer in self.identities(name).values()
            if pointers.has(event, pointer)
        )
        return any(isinstance(value, str) and value for value in found)

    def _fact_of(self, kind: type[F], name: str) -> F:
        """A fact of a kind, which the profile's parser has made so."""
        fact = self.fact(name)
        if not isinstance(fact, kind):
            raise TypeError(f"{name} is a {type(fact).__name__}, not a {kind.__name__}")
        return fact
