"""Requests as official SDKs write them, filled in for one call; right ones, and spoiled ones."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.payloads.credentials import NOBODY, UNKNOWN_KEY, encoded
from conformance.payloads.padding import Padding, encode
from conformance.profile.facts import Ceiling

if TYPE_CHECKING:
    from conformance.model import Json, JsonObject
    from conformance.payloads.call import Call
    from conformance.payloads.draft import Draft
    from conformance.profile.facts import Limit
    from conformance.sdks import Shape

_KEY, _BASIC, _MESSAGE_ID = "$WRITE_KEY", "$BASIC", "$MESSAGE_ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """One request of an SDK to one operation. `events` are those of its shape, or others in their place."""

    call: Call
    shape: Shape
    events: tuple[Json, ...]
    key: str

    @classmethod
    def of(cls, call: Call, shape: Shape) -> Speech:
        """What an SDK sends, whole."""
        where = call.contract.profile.batch.pointer
        listed = (
            pointers.get(shape.body, where) if call.is_batch and pointers.has(shape.body, where) else None
        )
        events = tuple(listed) if isinstance(listed, list) else (shape.body,)
        return cls(call=call, shape=shape, events=events, key=call.keys.write_key)

    def documented(self) -> Speech:
        """The same with the events alone that the vendor's documents call acceptable.

        An SDK may do what its vendor's documents do not know of; such events are `undocumented`.
        """
        return replace(self, events=tuple(event for event in self.events if self._is_documented(event)))

    def undocumented(self) -> Speech:
        """The same with the other events."""
        return replace(self, events=tuple(event for event in self.events if not self._is_documented(event)))

    def by_stranger(self) -> Speech:
        """The same with a key that nobody was given."""
        return replace(self, key=UNKNOWN_KEY)

    def unnamed(self) -> Speech:
        """The same with one event alone, of nobody."""
        return replace(self, events=(self._nameless(self.events[0]),))

    def partly_bad(self) -> Speech:
        """The same with the event in the middle of nobody."""
        middle = len(self.events) // 2
        events = (*self.events[:middle], self._nameless(self.events[middle]), *self.events[middle + 1 :])
        return replace(self, events=events)

    @property
    def limit(self) -> Limit:
        """How large one event may be. Raises Silent if the documents do not say."""
        contract = self.call.contract
        if self.call.is_batch and contract.states(f"limits.{Ceiling.BATCH_EVENT}"):
            return contract.limit(Ceiling.BATCH_EVENT)
        return contract.body_limit(self.call.operation)

    def too_large(self) -> Speech:
        """The same with one event alone, one byte too large. Raises Silent if no event is too large."""
        first = self._filled(self.events[0])
        if not isinstance(first, dict):
            raise TypeError("an event of an SDK is an object")
        padding = Padding(pointer=self.call.event().layout.filler)
        return replace(self, events=(padding.event(first, self.limit.at_most + 1),))

    def draft(self, *, is_cut: bool = False) -> Draft:
        """The request; cut, its JSON ends in the middle."""
        body = encode(self._body())
        if is_cut:
            body = body[: len(body) // 2]
        draft = self.call.event().carrying(*self.events).by(NOBODY).typed(self.shape.content_type)
        for name, value in self.shape.headers:
            draft = draft.headed(name, str(self._filled(value)))
        if self.shape.is_gzipped:
            draft, body = draft.headed("Content-Encoding", "gzip"), gzip.compress(body, mtime=0)
        return draft.verbatim(body)

    def again(self, draft: Draft) -> Draft:
        """A request of its own as it is sent once more, after an answer that asked for it."""
        for header in self.shape.retry_headers:
            draft = draft.headed(*header)
        return draft

    def _body(self) -> Json:
        """The body with its events, filled in."""
        if not self.call.is_batch:
            return self._filled(self.events[0])
        return self._filled(
            pointers.put(self.shape.body, self.call.contract.profile.batch.pointer, [*self.events])
        )

    def _filled(self, value: Json) -> Json:
        """A value with the key, and an id of its own for each event, in place of what stands for them."""
        if isinstance(value, dict):
            return {name: self._filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if value == _MESSAGE_ID:
            return self.call.message_id()
        if isinstance(value, str):
            return value.replace(_BASIC, encoded(f"{self.key}:")).replace(_KEY, self.key)
        return value

    def _is_documented(self, event: Json) -> bool:
        """Whether an event is complete, and of a type that belongs here."""
        contract, name = self.call.contract, self._type_of(event)
        if not isinstance(event, dict) or name not in contract.profile.events:
            return False
        if self.call.is_batch and name not in contract.batch_types():
            return False
        required = contract.event(name).required
        return contract.identified(name, event) and all(_says(event, pointer) for pointer in required)

    def _type_of(self, event: Json) -> str:
        """The type that an event names; on a path of its own, that of the path."""
        where = self.call.contract.profile.pointers.type
        if not self.call.is_batch or where is None:
            return self.call.operation.type
        return str(pointers.get(event, where)) if pointers.has(event, where) else ""

    def _nameless(self, event: Json) -> Json:
        """An event without what names its user."""
        where = self.call.contract.profile.pointers
        for pointer in (where.user, where.anonymous):
            if pointer and isinstance(event, dict):
                event = pointers.drop(event, pointer)
        return event


def _says(event: JsonObject, pointer: str) -> bool:
    """Whether an event has more than null at a pointer."""
    return pointers.has(event, pointer) and pointers.get(event, pointer) is not None
