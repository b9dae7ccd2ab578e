"""A call: the one operation that a check is about, and the drafts of requests to it."""

from __future__ import annotations

import functools
import itertools
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.contract import schemas
from conformance.errors import Silent
from conformance.model import PREFIX, RUN_ID, JsonObject, Kind
from conformance.payloads.credentials import NOBODY, Credentials, by_scheme
from conformance.payloads.draft import Draft, Layout
from conformance.payloads.footing import Footing
from conformance.payloads.padding import FILLER, encode
from conformance.profile.facts import BATCH_EVENTS, Ceiling, Scheme
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.model import Exchange
    from conformance.payloads.credentials import Keys
    from conformance.profile.facts import EventType, Example

_NAMESPACE = uuid.UUID("6b1e3c1c-8d0c-5a0e-9f43-6f6e2f0f7a11")
_PLACEHOLDER = "$WRITE_KEY"
_EVENT_WITHOUT_LIMIT = 16_000


@dataclass(slots=True, kw_only=True)
class Call:
    """One operation under one contract. `label` makes the message ids of its events its own.

    `seen` holds what the whole run has seen, for checks that would otherwise provoke it anew. Every event
    that has a context names the run in it, by `run_id`; every id begins with the same word. By either of
    them an event can be found, and deleted. The smallest request stays the smallest: its id has to do.
    """

    contract: Contract
    operation: Operation
    keys: Keys
    label: str = ""
    footing: Footing = field(default_factory=Footing)
    seen: dict[str, Exchange] = field(default_factory=dict)
    run_id: str = RUN_ID
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def type(self) -> EventType:
        """The event type that the operation takes; for a batch, the one that generic checks send."""
        return self.contract.event(self.operation.type)

    @property
    def is_batch(self) -> bool:
        """Whether the operation takes a list of events."""
        return self.operation.kind is Kind.BATCH

    def credentials(self, scheme: Scheme | None = None, key: str | None = None) -> Credentials:
        """The right credentials, or with `key` in place of the right key."""
        return by_scheme(self.contract, scheme or self._own_scheme(), self.keys, key)

    def event(self, *types: str) -> Draft:
        """An acceptable request; on a batch with one event of each type named."""
        return self._draft(*(self.plain(name) for name in types or (self.operation.type,)))

    def control(self) -> Draft:
        """The acceptable twin of whatever is refused: one that was accepted a moment ago will do."""
        return self.event().as_control()

    def minimal(self) -> Draft:
        """The smallest request that the documents allow, whatever the footing."""
        return self._draft(self.smallest(self.operation.type)).typed("application/json")

    def full(self, *types: str) -> Draft:
        """An acceptable request with every field that the documents know."""
        return self._draft(*(self.largest(name) for name in types or (self.operation.type,)))

    def repeated(self, count: int) -> Draft:
        """An acceptable batch of so many small events."""
        return self._draft(*(self.plain(self.operation.type) for _ in range(count)))

    def crowded(self, count: int) -> Draft:
        """An acceptable batch of so many small events, or of as many as its limits have room for."""
        if self.contract.states(BATCH_EVENTS):
            count = min(count, self.contract.most_events)
        if not self.contract.states(f"limits.{Ceiling.BATCH}"):
            return self.repeated(count)
        room = self.contract.limit(Ceiling.BATCH).at_least * 9 // 10
        return self.repeated(max(1, min(count, room // (len(encode(self.plain(self.operation.type))) + 1))))

    def roomy(self, size: int) -> Draft:
        """An acceptable request; on a batch with events enough to reach a size within their own limit."""
        if not self.is_batch:
            return self.event()
        known = self.contract.states(f"limits.{Ceiling.BATCH_EVENT}")
        limit = self.contract.limit(Ceiling.BATCH_EVENT).at_least if known else _EVENT_WITHOUT_LIMIT
        count = max(1, -(-size // max(1, limit // 2)))
        if self.contract.states(BATCH_EVENTS):
            count = min(count, self.contract.most_events)
        return self.repeated(count)

    def crowd(self, count: int) -> Draft:
        """A batch of so many small events, however many it may have."""
        return self.event().carrying(*(self.plain(self.operation.type) for _ in range(count)))

    def example(self) -> Draft:
        """The documented example of this operation. Raises Silent if there is none."""
        return self._draft({}).instead(self._with_key(self._example()))

    def keyed_example(self) -> Draft:
        """The documented example, with no other credentials than its own. Raises Silent if it has none."""
        if json.dumps(_PLACEHOLDER) not in json.dumps(self._example().value):
            raise Silent(f"the example of {self.operation} carries no key")
        return self.example().by(NOBODY)

    def plain(self, name: str) -> JsonObject:
        """An acceptable event of a type: the smallest one, unless the footing is another."""
        return self.largest(name) if self.footing.is_full else self.smallest(name)

    def smallest(self, name: str) -> JsonObject:
        """The smallest event of a type that the documents allow."""
        return self._marked(_bare(self.contract, name), name)

    def largest(self, name: str) -> JsonObject:
        """An acceptable event of a type with every field that the documents know."""
        event = schemas.sample(self.contract.event_schema(name))
        if not isinstance(event, dict):
            raise TypeError(f"the schema of {name} is not that of an object")
        where = self.contract.profile.pointers
        event = pointers.merge(self.smallest(name), event)
        if where.message_id:
            event = pointers.put(event, where.message_id, self.message_id())
        if where.type:
            event = pointers.put(event, where.type, name)
        return self.named(event)

    def marked(self, draft: Draft) -> Draft:
        """A draft whose first event names the run, for one without an id of ours."""
        first, *rest = draft.events
        return draft.carrying(self.named(first), *rest) if isinstance(first, dict) else draft

    def _told(self, event: JsonObject) -> JsonObject:
        """A documented event that tells whose it is. One without a context gets none: it would be another."""
        where = self.contract.profile.pointers
        ids = [pointers.get(event, p) for p in (where.user, where.anonymous) if p and pointers.has(event, p)]
        bare = where.context is not None and not pointers.has(event, where.context)
        has_user = bool(ids) and all(isinstance(item, str) and item.strip() for item in ids)
        return self._renamed(event) if bare and has_user else self.named(event)

    def named(self, event: JsonObject) -> JsonObject:
        """An event that names the run in its context, if the dialect has one; else by its user's id."""
        where = self.contract.profile.pointers
        if where.context is None:
            return self._renamed(event)
        found = pointers.get(event, where.context) if pointers.has(event, where.context) else None
        context = found if isinstance(found, dict) else {}
        return pointers.put(event, where.context, {**context, PREFIX: {"run": self.run_id}})

    def _renamed(self, event: JsonObject) -> JsonObject:
        """An event whose user's id begins as all ids of ours do."""
        where = self.contract.profile.pointers
        user = next((p for p in (where.user, where.anonymous) if p and pointers.has(event, p)), None)
        return pointers.put(event, user, f"{PREFIX}-{pointers.get(event, user)}") if user else event

    def optional(self) -> tuple[str, ...]:
        """The top-level fields of the full event that it can do without."""
        profile, name = self.contract.profile, self.operation.type
        needed = {*self.type.required, *profile.always, *self.contract.identities(name).values()}
        if self.is_batch and profile.pointers.type:
            needed.add(profile.pointers.type)
        first = {f"/{pointers.steps(pointer)[0]}" for pointer in needed}
        return tuple(f"/{key}" for key in self.largest(name) if f"/{key}" not in first)

    def _draft(self, *events: JsonObject) -> Draft:
        profile = self.contract.profile
        key = f"credentials.{Scheme.BODY}"
        if len(events) > 1 and self.contract.states(BATCH_EVENTS):
            most = self.contract.most_events
            if len(events) > most:
                raise Silent(f"a batch may have {most} events at most")
        return Draft(
            operation=self.operation,
            layout=Layout(
                batch=profile.batch.pointer,
                key=self.contract.credential_key(Scheme.BODY) if self.contract.states(key) else None,
                filler=f"{self.type.open or ''}{FILLER}",
                pixel=profile.pixel.parameter if profile.pixel else None,
                room=self._room(Ceiling.BATCH if self.is_batch else Ceiling.EVENT),
                event_room=self._room(Ceiling.BATCH_EVENT) if self.is_batch else None,
            ),
            credentials=self.credentials(),
            content_type=self.footing.content_type,
            events=events,
        )

    def _room(self, ceiling: Ceiling) -> int | None:
        """How many bytes a limit leaves; None where no limit counts bytes."""
        if not self.contract.states(f"limits.{ceiling}"):
            return None
        limit = self.contract.limit(ceiling)
        return limit.at_most if limit.unit is Unit.BYTES else None

    def _own_scheme(self) -> Scheme:
        """The scheme of requests that are not about credentials."""
        special = {Kind.PIXEL: Scheme.BODY, Kind.WEBHOOK: Scheme.QUERY}
        return special.get(self.operation.kind, self.footing.scheme or self.contract.first_scheme)

    def _marked(self, event: JsonObject, name: str) -> JsonObject:
        """An event with its own message id and type, where it must have them."""
        where, always = self.contract.profile.pointers, self.contract.profile.always
        if where.message_id and where.message_id in always:
            event = pointers.put(event, where.message_id, self.message_id())
        if where.type and (self.is_batch or where.type in always):
            event = pointers.put(event, where.type, name)
        return event

    def _example(self) -> Example:
        """The documented example of this operation. Raises Silent if there is none."""
        batch, pixel = self.contract.profile.batch, self.contract.profile.pixel
        found = batch.example if self.is_batch else self.type.example
        if self.operation.kind is Kind.PIXEL and pixel:
            found = pixel.example
        if found is None or self._is_of_another_type(found):
            raise Silent(f"the profile has no example of {self.operation}")
        return found

    def _is_of_another_type(self, example: Example) -> bool:
        """Whether an example names a type that the operation does not take."""
        where = self.contract.profile.pointers.type
        if where is None or not pointers.has(example.value, where):
            return False
        return pointers.get(example.value, where) != self.operation.type

    def message_id(self) -> str:
        """A message id that is the same in every run and different for every event of a run."""
        return f"{PREFIX}-{uuid.uuid5(_NAMESPACE, f'{self.label}/{next(self._numbers)}')}"

    def _with_key(self, example: Example) -> JsonObject:
        """A documented example with the right key in place of the documents' stand-in."""
        text = json.dumps(example.value).replace(json.dumps(_PLACEHOLDER), json.dumps(self.keys.write_key))
        value: JsonObject = json.loads(text)
        where = self.contract.profile.batch.pointer
        listed = pointers.get(value, where) if self.is_batch and pointers.has(value, where) else None
        if not isinstance(listed, list):
            return self._told(value)
        events = [self._told(item) if isinstance(item, dict) else item for item in listed]
        return pointers.put(value, where, [*events])


@functools.lru_cache(maxsize=64)
def _bare(contract: Contract, name: str) -> JsonObject:
    """The smallest event of a type, without an id of its own. Not to be changed: all events begin so."""
    event_type, schema = contract.event(name), contract.event_schema(name)
    event: JsonObject = {}
    for pointer in (*event_type.required, *contract.profile.always):
        event = pointers.put(event, pointer, schemas.smallest(schemas.at(schema, pointer)))
    user = next(iter(contract.identities(name).values()))
    return pointers.put(event, user, schemas.sample(schemas.at(schema, user) or {"type": "string"}))
