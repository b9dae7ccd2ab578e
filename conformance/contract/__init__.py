"""The contract: what one profile asks of a target, answered fact by fact."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.contract import schemas
from conformance.contract.operation import Operation
from conformance.core import pointers
from conformance.core.errors import NotApplicable, UsageError
from conformance.core.model import OperationKind
from conformance.profile import base_openapi
from conformance.profile.facts import (
    MAX_EVENTS_FACT,
    AuthScheme,
    Condition,
    CredentialFact,
    ExpectedResponse,
    Fact,
    LimitKind,
    MaxEvents,
    MessageIdLimit,
    ResponseBody,
    ResponseKind,
    SizeLimit,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.core.model import JsonObject
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
        groups = {route.group for route in profile.routes if route.group}
        for name in include:
            if name not in groups:
                hint = f"; it has {', '.join(sorted(groups))}" if groups else "; it has none"
                raise UsageError(f"--include {name}: the profile {profile.name} has no such group{hint}")
        self.operations: tuple[Operation, ...] = tuple(
            Operation.from_route(route) for route in profile.routes if route.group is None or route.group in include
        )

    def fact(self, name: str) -> Fact:
        """A fact by its name, such as `limits.event`."""
        try:
            return self.profile.facts[name]
        except KeyError:
            raise NotApplicable(f"the profile {self.profile.name} says nothing of {name}") from None

    def expected_response(self, condition: Condition) -> ExpectedResponse:
        """How a condition is answered."""
        return self._typed_fact(ExpectedResponse, f"answers.{condition}")

    def size_limit(self, kind: LimitKind) -> SizeLimit:
        """A size limit."""
        return self._typed_fact(SizeLimit, f"limits.{kind}")

    def body_size_limit(self, operation: Operation) -> SizeLimit:
        """The limit of the whole body of an operation."""
        return self.size_limit(LimitKind.BATCH if operation.kind is OperationKind.BATCH else LimitKind.EVENT)

    @property
    def max_events_fact(self) -> MaxEvents:
        """How many events a batch may have, and what one more is answered with."""
        return self._typed_fact(MaxEvents, MAX_EVENTS_FACT)

    @property
    def max_events(self) -> int:
        """How many events a batch may have."""
        return self.max_events_fact.count

    def response_body(self, kind: ResponseKind) -> ResponseBody:
        """What the body of an answer looks like."""
        return self._typed_fact(ResponseBody, f"bodies.{kind}")

    def error_body(self, operation: Operation) -> ResponseBody:
        """What the body of a refusal looks like; a batch may have a shape of its own."""
        if operation.kind is OperationKind.BATCH and self.has_fact(f"bodies.{ResponseKind.ERROR_BATCH}"):
            return self.response_body(ResponseKind.ERROR_BATCH)
        return self.response_body(ResponseKind.ERROR)

    @property
    def max_message_id_length(self) -> int:
        """How many characters a message id may have."""
        return self._typed_fact(MessageIdLimit, "message_id").max_length

    def has_fact(self, name: str) -> bool:
        """Whether the profile states a fact."""
        return name in self.profile.facts

    def credential_carrier(self, scheme: AuthScheme) -> str:
        """The header, parameter or pointer that carries the key in a scheme."""
        return self._typed_fact(CredentialFact, f"credentials.{scheme}").carrier

    @property
    def credential_prefix(self) -> str:
        """What stands before the key in a header of its own."""
        return self._typed_fact(CredentialFact, f"credentials.{AuthScheme.HEADER}").prefix

    @property
    def pixel_parameter(self) -> str:
        """The query parameter that carries a pixel's event."""
        if self.profile.pixel is None:
            raise NotApplicable(f"the profile {self.profile.name} has no pixels")
        return self.profile.pixel.parameter

    @cached_property
    def default_scheme(self) -> AuthScheme:
        """The scheme that the profile states first: every check of another area uses it."""
        prefix = "credentials."
        return AuthScheme(next(n for n in self.profile.facts if n.startswith(prefix)).removeprefix(prefix))

    def event_type(self, name: str) -> EventType:
        """An event type by its name."""
        return self.profile.events[name]

    def event_schema(self, name: str) -> JsonObject:
        """The JSON Schema of an event type as the sources describe it, without what is required.

        Not to be changed by the caller: it is made once, for every event of a run is built from it.
        """
        if name not in self._schemas:
            self._schemas[name] = self._build_event_schema(name)
        return self._schemas[name]

    def _build_event_schema(self, name: str) -> JsonObject:
        schema: Any = self.event_type(name).schema
        components = base_openapi()["components"]["schemas"]
        return schemas.flatten(
            {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema, components
        )

    def identity_pointers(self, name: str) -> dict[str, str]:
        """The identity fields of an event type: user and anonymous, with their pointers."""
        pointers_by_name = {"user": self.profile.pointers.user, "anonymous": self.profile.pointers.anonymous}
        return {key: pointer for key in self.event_type(name).identified_by if (pointer := pointers_by_name[key])}

    def batch_types(self) -> tuple[str, ...]:
        """The event types that a batch is documented to carry."""
        return self.profile.batch.types or tuple(self.profile.events)

    def has_identity(self, name: str, event: JsonObject) -> bool:
        """Whether an event names its user: a text that is not empty."""
        values = (
            pointers.get(event, pointer)
            for pointer in self.identity_pointers(name).values()
            if pointers.has(event, pointer)
        )
        return any(isinstance(value, str) and value for value in values)

    def _typed_fact(self, kind: type[F], name: str) -> F:
        """A fact of a kind, which the profile's parser has made so."""
        fact = self.fact(name)
        if not isinstance(fact, kind):
            raise TypeError(f"{name} is a {type(fact).__name__}, not a {kind.__name__}")
        return fact
