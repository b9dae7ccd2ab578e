"""Contract: the operations and facts of one profile."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.contract import schemas
from conformance.contract.operation import Operation
from conformance.core import pointers
from conformance.core.errors import NotApplicable, UsageError
from conformance.core.model import OperationKind
from conformance.profile import base_openapi
from conformance.profile.facts import (
    CUSTOMARY_FIELDS,
    MAX_EVENTS_FACT,
    AuthScheme,
    Condition,
    CredentialFact,
    ExpectedResponse,
    Fact,
    LimitKind,
    MaxEvents,
    MessageIdLimit,
    RateHeader,
    ResponseBody,
    ResponseKind,
    Rule,
    SizeLimit,
)
from conformance.profile.profile import RECOMMENDED_RATE, CustomaryFields, RecommendedRate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from conformance.core.model import JsonObject
    from conformance.profile.profile import EventType, Profile

F = TypeVar("F", bound=Fact)
_CREDENTIALS = "credentials."


class Contract:
    """The operations of a profile, and typed access to its facts.

    A fact that the profile does not state raises NotApplicable. `include` names the optional groups of routes
    to switch on, `exclude` those to leave out; a name that is no group raises UsageError.
    """

    def __init__(self, profile: Profile, include: Collection[str] = (), exclude: Collection[str] = ()) -> None:
        self.profile = profile
        self._groups = tuple(include), tuple(exclude)
        self._schemas: dict[str, JsonObject] = {}
        self._views: dict[str, Contract] = {}
        _require_groups("include", include, {route.group for route in profile.routes if route.group}, profile.name)
        named = {group for route in profile.routes for group in (route.group, route.exclusion) if group}
        _require_groups("exclude", exclude, named, profile.name)
        self.operations: tuple[Operation, ...] = tuple(
            Operation.from_route(route)
            for route in profile.routes
            if (route.group is None or route.group in include) and not {route.group, route.exclusion} & {*exclude}
        )
        if not self.operations:
            raise UsageError(f"--exclude leaves no path of the profile {profile.name}")

    def for_operation(self, operation: Operation) -> Contract:
        """The contract as it holds on the path of an operation: without the facts that are for other paths."""
        if not self._has_facts_of_paths:
            return self
        if operation.path not in self._views:
            self._views[operation.path] = _ContractOfPath(self, operation.path)
        return self._views[operation.path]

    @cached_property
    def readings(self) -> tuple[Contract, ...]:
        """The same contract by each other reading of documents that contradict themselves, in the order to try them."""
        return tuple(Contract(self.profile.read_as(item), *self._groups) for item in self.profile.readings)

    @cached_property
    def _has_facts_of_paths(self) -> bool:
        """Whether any fact is for some paths only."""
        required = (answer for event in self.profile.events.values() for answer in event.required.values())
        return any(fact.paths for fact in (*self.profile.facts.values(), *required))

    def fact(self, name: str) -> Fact:
        """The fact of a name, such as `limits.event`."""
        try:
            return self.profile.facts[name]
        except KeyError:
            raise NotApplicable(f"the profile {self.profile.name} does not state {name}") from None

    def expected_response(self, condition: Condition) -> ExpectedResponse:
        """How a request that fulfils a condition is answered."""
        return self._typed_fact(ExpectedResponse, f"answers.{condition}")

    def expected_responses(self, operation: Operation) -> Iterator[ExpectedResponse]:
        """Every answer that the profile states for requests of an operation, accepted or not."""
        names = {f"answers.{condition}" for condition in Condition if operation.kind in condition.operation_kinds}
        names |= {f"limits.{kind}" for kind in LimitKind if operation.kind in kind.operation_kinds}
        if operation.kind is OperationKind.BATCH:
            names.add(MAX_EVENTS_FACT)
        for fact in self.profile.facts.values():
            if fact.name in names and isinstance(fact, ExpectedResponse):
                yield fact
        yield from self.event_type(operation.event_type).required.values()

    def size_limit(self, kind: LimitKind) -> SizeLimit:
        """The limit of an event, a batch, or an event in a batch."""
        return self._typed_fact(SizeLimit, f"limits.{kind}")

    def body_size_limit(self, operation: Operation) -> SizeLimit:
        """The limit of an operation's whole body."""
        return self.size_limit(LimitKind.BATCH if operation.kind is OperationKind.BATCH else LimitKind.EVENT)

    @property
    def rate_headers(self) -> tuple[RateHeader, ...]:
        """The headers that are promised with a 429."""
        names = self.profile.rate_headers
        return tuple(self._typed_fact(RateHeader, f"rate.headers.{name}") for name in names)

    @property
    def recommended_rate(self) -> RecommendedRate:
        """How many requests a second the vendor recommends at most."""
        return self._typed_fact(RecommendedRate, RECOMMENDED_RATE)

    @property
    def max_events_fact(self) -> MaxEvents:
        """How many events a batch may have, and how a batch with more is answered."""
        return self._typed_fact(MaxEvents, MAX_EVENTS_FACT)

    @property
    def max_events(self) -> int:
        """How many events a batch may have."""
        return self.max_events_fact.count

    def response_body(self, kind: ResponseKind) -> ResponseBody:
        """What the body of a kind of answer looks like."""
        return self._typed_fact(ResponseBody, f"bodies.{kind}")

    @property
    def success_fact(self) -> Fact:
        """What forbids a success whose body says that events were refused: the documented body, or else HTTP."""
        name = f"bodies.{ResponseKind.ACCEPTED}"
        return self.fact(name if self.has_fact(name) else f"rules.{Rule.SUCCESS_MEANS_TAKEN}")

    def error_body(self, operation: Operation) -> ResponseBody:
        """What the body of a refusal looks like; the profile may state another one for batches."""
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
        """The header, query parameter or JSON pointer that carries the key in a scheme."""
        return self._typed_fact(CredentialFact, f"credentials.{scheme}").carrier

    @property
    def credential_prefix(self) -> str:
        """The text before the key in the header of AuthScheme.HEADER, such as `Bearer `; may be empty."""
        return self._typed_fact(CredentialFact, f"credentials.{AuthScheme.HEADER}").prefix

    @property
    def pixel_parameter(self) -> str:
        """The query parameter that carries a pixel's event. Raises NotApplicable if the profile has no pixels."""
        if self.profile.pixel is None:
            raise NotApplicable(f"the profile {self.profile.name} has no pixels")
        return self.profile.pixel.parameter

    @cached_property
    def default_scheme(self) -> AuthScheme:
        """The scheme that the profile states first; checks that are not about credentials use it."""
        name = next(name for name in self.profile.facts if name.startswith(_CREDENTIALS))
        return AuthScheme(name.removeprefix(_CREDENTIALS))

    def event_type(self, name: str) -> EventType:
        """The event type of a name. Raises KeyError if the profile has none."""
        return self.profile.events[name]

    def event_schema(self, name: str) -> JsonObject:
        """The JSON Schema of an event type as documented, without `$ref`, and without the fields in `required`.

        It is cached, because every event of a run is built from it: callers must not change it.
        """
        if name not in self._schemas:
            self._schemas[name] = self._build_event_schema(name)
        return self._schemas[name]

    def _build_event_schema(self, name: str) -> JsonObject:
        schema: Any = self.event_type(name).schema
        components = base_openapi()["components"]["schemas"]
        built = schemas.flatten(
            {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema, components
        )
        for item in self.profile.documented_fields:
            if name in (item.types or (name,)):
                built = schemas.with_value(built, item.pointer, item.value)
        return built

    def documented_schema(self, name: str) -> JsonObject:
        """The same as `event_schema`, without the fields that no document of the vendor lists."""
        key = f"{name} as documented"
        if key not in self._schemas:
            documented = self.event_schema(name)
            for pointer in self.customary_pointers:
                documented = schemas.without(documented, pointer)
            self._schemas[key] = documented
        return self._schemas[key]

    @property
    def customary_pointers(self) -> tuple[str, ...]:
        """The pointers of fields that clients send though no document of the vendor lists them."""
        return self._typed_fact(CustomaryFields, CUSTOMARY_FIELDS).pointers if self.has_fact(CUSTOMARY_FIELDS) else ()

    def identity_pointers(self, name: str) -> dict[str, str]:
        """The pointers of an event type's identity fields, by `user` and `anonymous`."""
        pointers_by_name = {"user": self.profile.pointers.user, "anonymous": self.profile.pointers.anonymous}
        return {key: pointer for key in self.event_type(name).identified_by if (pointer := pointers_by_name[key])}

    def batch_types(self) -> tuple[str, ...]:
        """The event types that a batch may carry, as documented; all types where nothing else is stated."""
        return self.profile.batch.types or tuple(self.profile.events)

    def has_identity(self, name: str, event: JsonObject) -> bool:
        """Whether one of an event's identity fields is a non-empty text."""
        values = (
            pointers.get(event, pointer)
            for pointer in self.identity_pointers(name).values()
            if pointers.has(event, pointer)
        )
        return any(isinstance(value, str) and value for value in values)

    def _typed_fact(self, kind: type[F], name: str) -> F:
        """The fact of a name, as the class that the profile's parser gives to facts of that name."""
        fact = self.fact(name)
        if not isinstance(fact, kind):
            raise TypeError(f"{name} is a {type(fact).__name__}, not a {kind.__name__}")
        return fact


def _require_groups(option: str, names: Collection[str], groups: Collection[str], profile: str) -> None:
    """Raises UsageError for a name that is none of a profile's groups of routes."""
    for name in names:
        if name not in groups:
            hint = f"; it has {', '.join(sorted(groups))}" if groups else "; it has none"
            raise UsageError(f"--{option} {name}: the profile {profile} has no such group{hint}")


class _ContractOfPath(Contract):
    """A contract without the facts that do not hold on a path."""

    def __init__(self, whole: Contract, path: str) -> None:
        super().__init__(_profile_of_path(whole.profile, path))
        self.operations = whole.operations

    def for_operation(self, operation: Operation) -> Contract:
        """The same contract, since it is that of a path already."""
        del operation
        return self


def _profile_of_path(profile: Profile, path: str) -> Profile:
    """The profile with the facts that hold on a path. If no key is stated there, all credentials stay."""
    facts = {name: fact for name, fact in profile.facts.items() if fact.holds_on(path)}
    if not any(name.startswith(_CREDENTIALS) for name in facts):
        facts |= {name: fact for name, fact in profile.facts.items() if name.startswith(_CREDENTIALS)}
    events = {
        name: replace(event, required={key: answer for key, answer in event.required.items() if answer.holds_on(path)})
        for name, event in profile.events.items()
    }
    return replace(profile, facts=facts, events=events)
