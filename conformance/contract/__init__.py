"""The contract: what one profile asks of a target, answered fact by fact."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from conformance import pointers
from conformance.contract import schemas
from conformance.contract.operation import Operation
from conformance.errors import Silent, UsageError
from conformance.model import Kind
from conformance.profile import base_openapi
from conformance.profile.facts import Answer, BodyShape, Ceiling, Condition, KeyedFact, Limit, Scheme, Shape

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.model import JsonObject
    from conformance.profile.facts import EventType, Fact, Profile

__all__ = ["Contract", "Operation"]


class Contract:
    """A profile, asked by name. What it does not state raises Silent.

    `include` names the optional groups of routes to switch on; UsageError if there is no such group.
    """

    def __init__(self, profile: Profile, include: Collection[str] = ()) -> None:
        self.profile = profile
        groups = {route.include for route in profile.routes if route.include}
        for name in include:
            if name not in groups:
                known = f"; it has {', '.join(sorted(groups))}" if groups else "; it has none"
                raise UsageError(f"--include {name}: the profile {profile.name} has no such group{known}")
        self.operations: tuple[Operation, ...] = tuple(
            Operation.of(route) for route in profile.routes if route.include is None or route.include in include
        )

    def fact(self, name: str) -> Fact:
        """A fact by its name, such as `limits.event`."""
        try:
            return self.profile.facts[name]
        except KeyError:
            raise Silent(f"the profile {self.profile.name} says nothing of {name}") from None

    def answer(self, condition: Condition) -> Answer:
        """How a condition is answered."""
        fact = self.fact(f"answers.{condition}")
        assert isinstance(fact, Answer)  # noqa: S101 - the profile's parser makes it so
        return fact

    def limit(self, ceiling: Ceiling) -> Limit:
        """A size limit."""
        fact = self.fact(f"limits.{ceiling}")
        assert isinstance(fact, Limit)  # noqa: S101
        return fact

    def body_limit(self, operation: Operation) -> Limit:
        """The limit of the whole body of an operation."""
        return self.limit(Ceiling.BATCH if operation.kind is Kind.BATCH else Ceiling.EVENT)

    def shape(self, shape: Shape) -> BodyShape:
        """What the body of an answer looks like."""
        fact = self.fact(f"bodies.{shape}")
        assert isinstance(fact, BodyShape)  # noqa: S101
        return fact

    def error_shape(self, operation: Operation) -> BodyShape:
        """What the body of a refusal looks like; a batch may have a shape of its own."""
        if operation.kind is Kind.BATCH and self.states(f"bodies.{Shape.ERROR_BATCH}"):
            return self.shape(Shape.ERROR_BATCH)
        return self.shape(Shape.ERROR)

    def states(self, name: str) -> bool:
        """Whether the profile states a fact."""
        return name in self.profile.facts

    def credential(self, scheme: Scheme) -> Fact:
        """What is promised of a way to hand in the write key."""
        return self.fact(f"credentials.{scheme}")

    def credential_key(self, scheme: Scheme) -> str:
        """The header, parameter or pointer that carries the key in a scheme."""
        fact = self.credential(scheme)
        assert isinstance(fact, KeyedFact)  # noqa: S101
        return fact.key

    @cached_property
    def first_scheme(self) -> Scheme:
        """The scheme that the profile states first: every check of another area uses it."""
        prefix = "credentials."
        return Scheme(next(n for n in self.profile.facts if n.startswith(prefix)).removeprefix(prefix))

    def event(self, name: str) -> EventType:
        """An event type by its name."""
        return self.profile.events[name]

    def event_schema(self, name: str) -> JsonObject:
        """The JSON Schema of an event type as the sources describe it, without what is required."""
        schema: Any = self.event(name).schema
        components = base_openapi()["components"]["schemas"]
        return schemas.flatten({"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema, components)

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
