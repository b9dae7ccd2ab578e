"""A draft of a request: changed step by step, each time as a copy, and rendered once."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance import pointers
from conformance.model import Json, JsonObject, Kind, Request
from conformance.payloads.padding import compact, pad, pad_all

if TYPE_CHECKING:
    from conformance.contract import Operation
    from conformance.payloads.credentials import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a dialect puts things: the batch's list, the key in a body, the filler, the pixel's data."""

    batch: str
    key: str | None
    filler: str
    pixel: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One request to be: events, what surrounds them, and how they are written down."""

    operation: Operation
    layout: Layout
    credentials: Credentials
    events: tuple[Json, ...]
    envelope: JsonObject = field(default_factory=dict)
    content_type: str | None = "application/json"
    ascii_only: bool = False
    size: int | None = None
    event_size: int | None = None
    unit: str = "a"
    whole: Json | None = None
    in_place_of_list: tuple[Json, ...] | None = None
    respell: Callable[[bytes], bytes] | None = None
    method: str | None = None
    is_chunked: bool = False
    may_go_unanswered: bool = False

    def put(self, pointer: str, value: Json) -> Draft:
        """The same with a value in its first event."""
        return self._edit(lambda event: pointers.put(event, pointer, value))

    def drop(self, *gone: str) -> Draft:
        """The same without some fields in its first event."""
        draft = self
        for pointer in gone:
            draft = draft._edit(lambda event, pointer=pointer: pointers.drop(event, pointer))  # type: ignore[misc]
        return draft

    def share(self, pointer: str, value: Json) -> Draft:
        """The same with a value beside the list of a batch."""
        return replace(self, envelope=pointers.put(self.envelope, pointer, value))

    def carrying(self, *events: Json) -> Draft:
        """The same with other events; anything else than an object is put in as it is."""
        return replace(self, events=events)

    def listing(self, *value: Json) -> Draft:
        """The same with something else in place of a batch's list, or with nothing there."""
        return replace(self, in_place_of_list=value)

    def instead(self, value: Json) -> Draft:
        """The same with another JSON value in place of the whole body's."""
        return replace(self, whole=value)

    def spelled(self, respell: Callable[[bytes], bytes]) -> Draft:
        """The same with the bytes of its JSON changed."""
        return replace(self, respell=respell)

    def verbatim(self, body: bytes) -> Draft:
        """The same with these bytes as its body."""
        return self.spelled(lambda _: body)

    def escaped(self) -> Draft:
        """The same with every character beyond ASCII written as a JSON escape."""
        return replace(self, ascii_only=True)

    def sized(self, size: int, unit: str = "a") -> Draft:
        """The same with a body of exactly so many bytes, padded with a character."""
        return replace(self, size=size, unit=unit)

    def event_sized(self, size: int, unit: str = "a") -> Draft:
        """The same with a first event of exactly so many bytes."""
        return replace(self, event_size=size, unit=unit)

    def by(self, credentials: Credentials) -> Draft:
        """The same with other credentials."""
        return replace(self, credentials=credentials)

    def typed(self, content_type: str | None) -> Draft:
        """The same with another Content-Type, or none."""
        return replace(self, content_type=content_type)

    def chunked(self) -> Draft:
        """The same sent in chunks, without a Content-Length."""
        return replace(self, is_chunked=True)

    def unanswered(self) -> Draft:
        """The same, with the check itself judging it if no answer comes."""
        return replace(self, may_go_unanswered=True)

    def request(self) -> Request:
        """The request itself."""
        headers = list(self.credentials.headers)
        query = list(self.credentials.query)
        body = self._body()
        if self.operation.kind is Kind.PIXEL:
            query.append((self.layout.pixel or "data", base64.b64encode(body).decode()))
            body = b""
        elif self.content_type is not None:
            headers.append(("Content-Type", self.content_type))
        return Request(
            method=self.method or self.operation.method,
            path=self.operation.path,
            query=tuple(query),
            headers=tuple(headers),
            body=body,
            chunked=self.is_chunked,
        )

    def _body(self) -> bytes:
        value = self._value()
        body = json.dumps(value, separators=(",", ":")).encode() if self.ascii_only else compact(value)
        return self.respell(body) if self.respell else body

    def _value(self) -> Json:
        """The JSON value of the body."""
        if self.whole is not None:
            return self.whole
        events = self._credited()
        if self.event_size is not None:
            events[0] = pad(_object(events[0]), self.layout.filler, self.event_size, self.unit)
        if self.operation.kind is not Kind.BATCH:
            return events[0] if self.size is None else pad(_object(events[0]), self.layout.filler, self.size, self.unit)
        return self._batch(events)

    def _credited(self) -> list[Json]:
        """The events, each with the key where the key goes into bodies."""
        key = self.credentials.body_key
        if key is None or self.layout.key is None:
            return list(self.events)
        return [
            pointers.put(event, self.layout.key, key) if isinstance(event, dict) else event
            for event in self.events
        ]

    def _batch(self, events: list[Json]) -> Json:
        """The envelope around the events."""
        envelope = self.envelope
        if self.credentials.body_key is not None and self.layout.key is not None:
            envelope = pointers.put(envelope, self.layout.key, self.credentials.body_key)
        if self.in_place_of_list is not None:
            return pointers.put(envelope, self.layout.batch, *self.in_place_of_list) if self.in_place_of_list else envelope
        if self.size is not None:
            slots = [pointers.put(_object(event), self.layout.filler, "") for event in events]
            bare = compact(pointers.put(envelope, self.layout.batch, [*slots]))
            events = [*pad_all(slots, self.layout.filler, self.size - len(bare), self.unit)]
        return pointers.put(envelope, self.layout.batch, events)

    def _edit(self, change: Callable[[JsonObject], JsonObject]) -> Draft:
        first, *rest = self.events
        return replace(self, events=(change(_object(first)), *rest))


def _object(event: Json) -> dict[str, Any]:
    """An event, which is an object unless a check put something else in its place."""
    if not isinstance(event, dict):
        raise TypeError(f"an event that is no object can't be changed: {event!r}")
    return event
