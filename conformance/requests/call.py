"""The operation that a check tests, and the requests it can send to it."""

from __future__ import annotations

import itertools
import json
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.contract import schemas
from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.kept_connections import KeptConnections
from conformance.core.model import DEFAULT_RUN_ID, ID_PREFIX, JsonObject, OperationKind
from conformance.profile.facts import MAX_EVENTS_FACT, AuthScheme, LimitKind
from conformance.profile.size_unit import SizeUnit
from conformance.profile.yaml_document import WRITE_KEY_PLACEHOLDER
from conformance.requests.baseline import Baseline
from conformance.requests.credentials import NO_CREDENTIALS, Credentials, credentials_for_scheme
from conformance.requests.draft import Draft, Layout
from conformance.requests.minimal_events import minimal_event_without_id
from conformance.requests.padding import FILLER_POINTER, encode_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Exchange
    from conformance.profile.profile import EventType, Example
    from conformance.requests.credentials import Keys

_NAMESPACE = uuid.UUID("6b1e3c1c-8d0c-5a0e-9f43-6f6e2f0f7a11")
_DEFAULT_EVENT_BYTES = 16_000


@dataclass(slots=True, kw_only=True)
class Call:
    """The operation that a check tests, under a contract, and factories of requests to it.

    `label` keeps message ids of different checks apart. `shared_exchanges` and `refusals` hold exchanges that several
    checks need, so that each is provoked once per run. `usual_success` is the answer to the request of the preflight,
    `kept` what became of kept connections so far.
    With a `nonce`, eight hexadecimal digits, each event has a mark of its own that no other run has.
    Events carry `run_id` in their context, and ids start with ID_PREFIX, so that they can be found and deleted.
    """

    contract: Contract
    operation: Operation
    keys: Keys
    label: str = ""
    baseline: Baseline = field(default_factory=Baseline)
    shared_exchanges: dict[str, Exchange] = field(default_factory=dict)
    refusals: dict[str, Exchange] = field(default_factory=dict)
    run_id: str = DEFAULT_RUN_ID
    nonce: str = ""
    usual_success: Exchange | None = None
    is_thorough: bool = False
    kept: KeptConnections = field(default_factory=KeptConnections)
    _event_numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        whole, self.contract = self.contract, self.contract.for_operation(self.operation)
        self.keys = self.keys.for_path(whole, self.contract)

    def labelled(self, label: str) -> Call:
        """The same with message ids of its own."""
        return replace(self, label=label, _event_numbers=itertools.count())

    @property
    def event_type(self) -> EventType:
        """The event type of the operation; for a batch, the one that generic checks send."""
        return self.contract.event_type(self.operation.event_type)

    @property
    def is_batch(self) -> bool:
        """Whether the operation takes a list of events."""
        return self.operation.kind is OperationKind.BATCH

    def credentials(self, scheme: AuthScheme | None = None, key: str | None = None) -> Credentials:
        """The right credentials, or with `key` in place of the right key."""
        return credentials_for_scheme(self.contract, scheme or self._default_scheme(), self.keys, key)

    def acceptable_request(self, *types: str) -> Draft:
        """An acceptable request; a batch has one event of each type in `types`."""
        return self._draft(*(self.baseline_event(name) for name in types or (self.operation.event_type,)))

    def control_request(self) -> Draft:
        """The acceptable request that proves a refusal meaningful; a recent identical one may be reused."""
        return self.acceptable_request().as_control()

    def minimal_request(self) -> Draft:
        """The smallest documented request, regardless of the baseline."""
        return self._draft(self.minimal_event(self.operation.event_type)).with_content_type("application/json")

    def full_request(self, *types: str) -> Draft:
        """An acceptable request with every documented field."""
        return self._draft(*(self.full_event(name) for name in types or (self.operation.event_type,)))

    def batch_of(self, count: int) -> Draft:
        """An acceptable batch of `count` small events. Raises NotApplicable above the limit of events."""
        return self._draft(*(self.baseline_event(self.operation.event_type) for _ in range(count)))

    def batch_of_at_most(self, count: int) -> Draft:
        """An acceptable batch of `count` small events, or of as many as its limits allow."""
        if self.contract.has_fact(MAX_EVENTS_FACT):
            count = min(count, self.contract.max_events)
        if not self.contract.has_fact(f"limits.{LimitKind.BATCH}"):
            return self.batch_of(count)
        batch_limit = self.contract.size_limit(LimitKind.BATCH).at_least * 9 // 10
        return self.batch_of(
            max(1, min(count, batch_limit // (len(encode_json(self.baseline_event(self.operation.event_type))) + 1)))
        )

    def request_with_room_for(self, size: int) -> Draft:
        """An acceptable request that can be padded to a size; a batch has enough events to stay within their limit."""
        if not self.is_batch:
            return self.acceptable_request()
        has_event_limit = self.contract.has_fact(f"limits.{LimitKind.BATCH_EVENT}")
        event_limit = (
            self.contract.size_limit(LimitKind.BATCH_EVENT).at_least if has_event_limit else _DEFAULT_EVENT_BYTES
        )
        count = max(1, -(-size // max(1, event_limit // 2)))
        if self.contract.has_fact(MAX_EVENTS_FACT):
            count = min(count, self.contract.max_events)
        return self.batch_of(count)

    def batch_beyond_limit(self, count: int) -> Draft:
        """A batch of `count` small events, regardless of its limits."""
        return self.acceptable_request().with_events(
            *(self.baseline_event(self.operation.event_type) for _ in range(count))
        )

    def example_request(self) -> Draft:
        """The documented example of this operation. Raises NotApplicable if there is none."""
        return self.request_of_example(self._example())

    def request_of_example(self, example: Example) -> Draft:
        """A documented example of this operation."""
        return self._draft({}).with_body_value(self._with_key(example))

    def example_with_own_key(self) -> Draft:
        """The documented example with its own key only. Raises NotApplicable if it has none."""
        if json.dumps(WRITE_KEY_PLACEHOLDER) not in json.dumps(self._example().value):
            raise NotApplicable(f"the example of {self.operation} carries no key")
        return self.example_request().with_credentials(NO_CREDENTIALS)

    def baseline_event(self, type_name: str) -> JsonObject:
        """An acceptable event of a type: the smallest one, or a full one if the baseline says so."""
        return self.full_event(type_name) if self.baseline.has_all_fields else self.minimal_event(type_name)

    def minimal_event(self, type_name: str) -> JsonObject:
        """The smallest documented event of a type."""
        return self._with_id_and_type(minimal_event_without_id(self.contract, type_name), type_name)

    def full_event(self, type_name: str) -> JsonObject:
        """An acceptable event of a type with every documented field."""
        event = schemas.full_sample(self.contract.documented_schema(type_name))
        if not isinstance(event, dict):
            raise TypeError(f"the schema of {type_name} is not that of an object")
        where = self.contract.profile.pointers
        event = pointers.deep_merge(self.minimal_event(type_name), event)
        if where.message_id:
            event = pointers.put(event, where.message_id, self.next_message_id())
        if where.type:
            event = pointers.put(event, where.type, type_name)
        return self.tag_event(event)

    def with_run_tag(self, draft: Draft) -> Draft:
        """Tags the first event of a draft with the run, for drafts without an id of ours."""
        first, *rest = draft.events
        return draft.with_events(self.tag_event(first), *rest) if isinstance(first, dict) else draft

    def _tag_documented_event(self, event: JsonObject) -> JsonObject:
        """Tags a documented event with the run.

        If it has no context, its user id is tagged instead, because adding a context would change the example.
        """
        where = self.contract.profile.pointers
        user_ids = [pointers.get(event, p) for p in (where.user, where.anonymous) if p and pointers.has(event, p)]
        lacks_context = where.context is not None and not pointers.has(event, where.context)
        has_user = bool(user_ids) and all(isinstance(item, str) and item.strip() for item in user_ids)
        return self._tag_user_id(event) if lacks_context and has_user else self.tag_event(event)

    def tag_event(self, event: JsonObject) -> JsonObject:
        """Tags an event with the run: in its context, or in its user id if the dialect has no context."""
        where = self.contract.profile.pointers
        if where.context is None:
            return self._tag_user_id(event)
        present = pointers.find(event, where.context)
        context = present if isinstance(present, dict) else {}
        return pointers.put(event, where.context, {**context, ID_PREFIX: self._tag()})

    def _tag(self) -> JsonObject:
        """What an event's context says of the run; with a nonce, also a mark of the event's own."""
        return {"run": self.run_id, "mark": self.next_message_id()} if self.nonce else {"run": self.run_id}

    def _tag_user_id(self, event: JsonObject) -> JsonObject:
        """An event with ID_PREFIX before its user id, if that is a text."""
        where = self.contract.profile.pointers
        user_pointer = next((p for p in (where.user, where.anonymous) if p and pointers.has(event, p)), None)
        user_id = pointers.get(event, user_pointer) if user_pointer else None
        if not user_pointer or not isinstance(user_id, str):
            return event
        return pointers.put(event, user_pointer, f"{ID_PREFIX}-{user_id}")

    def optional_fields(self) -> tuple[str, ...]:
        """The pointers of the top-level fields of the full event that are not required."""
        profile, name = self.contract.profile, self.operation.event_type
        required_pointers = {
            *self.event_type.required,
            *profile.always_required,
            *self.contract.identity_pointers(name).values(),
        }
        if self.is_batch and profile.pointers.type:
            required_pointers.add(profile.pointers.type)
        required_fields = {f"/{pointers.split(pointer)[0]}" for pointer in required_pointers}
        return tuple(f"/{key}" for key in self.full_event(name) if f"/{key}" not in required_fields)

    def _draft(self, *events: JsonObject) -> Draft:
        profile = self.contract.profile
        body_key_fact = f"credentials.{AuthScheme.BODY}"
        if len(events) > 1 and self.contract.has_fact(MAX_EVENTS_FACT):
            max_events = self.contract.max_events
            if len(events) > max_events:
                raise NotApplicable(f"a batch may have {max_events} events at most")
        return Draft(
            operation=self.operation,
            layout=Layout(
                batch_pointer=profile.batch.pointer,
                key_pointer=self.contract.credential_carrier(AuthScheme.BODY)
                if self.contract.has_fact(body_key_fact)
                else None,
                filler_pointer=f"{self.event_type.open_object or ''}{FILLER_POINTER}",
                pixel_parameter=profile.pixel.parameter if profile.pixel else None,
                max_body_bytes=self._byte_limit(LimitKind.BATCH if self.is_batch else LimitKind.EVENT),
                max_event_bytes=self._byte_limit(LimitKind.BATCH_EVENT) if self.is_batch else None,
            ),
            credentials=self.credentials(),
            content_type=self.baseline.content_type,
            events=events,
        )

    def _byte_limit(self, limit_kind: LimitKind) -> int | None:
        """The most bytes that must be accepted; None if there is no limit or it counts something else."""
        if not self.contract.has_fact(f"limits.{limit_kind}"):
            return None
        limit = self.contract.size_limit(limit_kind)
        return limit.largest_accepted if limit.unit is SizeUnit.BYTES else None

    def _default_scheme(self) -> AuthScheme:
        """The scheme of requests in checks that are not about credentials."""
        scheme_of_kind = {OperationKind.PIXEL: AuthScheme.BODY, OperationKind.WEBHOOK: AuthScheme.QUERY}
        return scheme_of_kind.get(self.operation.kind, self.baseline.scheme or self.contract.default_scheme)

    def _with_id_and_type(self, event: JsonObject, type_name: str) -> JsonObject:
        """An event with a message id and a type, if they are required."""
        where, always = self.contract.profile.pointers, self.contract.profile.always_required
        if where.message_id and where.message_id in always:
            event = pointers.put(event, where.message_id, self.next_message_id())
        elif self.nonce:  # the mark of an event that needs no id: it stays the smallest one
            user_pointer = next(iter(self.contract.identity_pointers(type_name).values()))
            event = pointers.put(event, user_pointer, self.next_message_id())
        names_type = self.operation.kind in {OperationKind.BATCH, OperationKind.WEBHOOK}  # their paths do not
        if where.type and (names_type or where.type in always):
            event = pointers.put(event, where.type, type_name)
        return event

    def _example(self) -> Example:
        """The documented example of this operation. Raises NotApplicable if there is none."""
        batch, pixel = self.contract.profile.batch, self.contract.profile.pixel
        example = batch.example if self.is_batch else self.event_type.example
        if self.operation.kind is OperationKind.PIXEL and pixel:
            example = pixel.example
        if example is None or self._has_another_type(example):
            raise NotApplicable(f"the profile has no example of {self.operation}")
        return example

    def _has_another_type(self, example: Example) -> bool:
        """Whether an example is of another type than the operation."""
        where = self.contract.profile.pointers.type
        if where is None or not pointers.has(example.value, where):
            return False
        return pointers.get(example.value, where) != self.operation.event_type

    def next_message_id(self) -> str:
        """A message id that is unique within a run; the same in every run, unless there is a nonce."""
        own = str(uuid.uuid5(_NAMESPACE, f"{self.label}/{next(self._event_numbers)}"))
        return f"{ID_PREFIX}-{self.nonce}{own[len(self.nonce) :]}"

    def _with_key(self, example: Example) -> JsonObject:
        """A documented example with the right key in place of its placeholder."""
        text = json.dumps(example.value).replace(json.dumps(WRITE_KEY_PLACEHOLDER), json.dumps(self.keys.write_key))
        value: JsonObject = json.loads(text)
        where = self.contract.profile.batch.pointer
        listed = pointers.get(value, where) if self.is_batch and pointers.has(value, where) else None
        if not isinstance(listed, list):
            return self._tag_documented_event(value)
        events = [self._tag_documented_event(item) if isinstance(item, dict) else item for item in listed]
        return pointers.put(value, where, [*events])
