"""A draft of a request: changed step by step, each time as a copy, and rendered once."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance import pointers
from conformance.errors import Silent
from conformance.model import Json, JsonObject, Kind, Request, Weight
from conformance.payloads.padding import Padding, encode
from conformance.profile.facts import Ceiling
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.contract import Operation
    from conformance.model import Spelling
    from conformance.payloads.credentials import Credentials


def standard(body: bytes) -> str:
    """Standard base64, padded."""
    return base64.b64encode(body).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a dialect puts things: the batch's list, the key in a body, the filler, the pixel's data.

    `room` is how many bytes a body may have, if there is such a limit; `event_room`, each event of a batch.
    """

    batch: str
    key: str | None
    filler: str
    pixel: str | None
    room: int | None = None
    event_room: int | None = None


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
    counted: Unit = Unit.BYTES
    whole: Json | None = None
    in_place_of_list: tuple[Json, ...] | None = None
    respell: Callable[[bytes], bytes] | None = None
    query: Mapping[str, str | None] = field(default_factory=dict)
    is_chunked: bool = False
    is_reversed: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    method: str | None = None
    path: str | None = None
    spelling: Spelling | None = None
    encode_pixel: Callable[[bytes], str] = standard
    is_control: bool = False
    is_impatient: bool = False
    may_go_unanswered: bool = False
    may_hang: bool = False
    pause_s: float = 0.0

    def put(self, pointer: str, value: Json) -> Draft:
        """The same with a value in its first event."""
        return self._edit(lambda event: pointers.put(event, pointer, value))

    def drop(self, *gone: str) -> Draft:
        """The same without some fields in its first event."""
        return self._edit(lambda event: functools.reduce(pointers.drop, gone, event))

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

    def filled(self, unit: str) -> Draft:
        """The same with a short filler made of a character."""
        return self.put(self.layout.filler, unit * 10)

    def sized(self, size: int, unit: str = "a", counted: Unit = Unit.BYTES) -> Draft:
        """The same with a body of exactly so many bytes, or what else is counted, padded with a character."""
        return replace(self, size=size, unit=unit, counted=counted)

    def event_sized(self, size: int, unit: str = "a", counted: Unit = Unit.BYTES) -> Draft:
        """The same with a first event of exactly so many bytes, or what else is counted."""
        return replace(self, event_size=size, unit=unit, counted=counted)

    def reversed(self) -> Draft:
        """The same with its events in the other order, after all else was done to them."""
        return replace(self, is_reversed=True)

    def querying(self, name: str, value: str) -> Draft:
        """The same with another value of a query parameter."""
        return replace(self, query={**self.query, name: value})

    def encoded(self, encode: Callable[[bytes], str]) -> Draft:
        """The same with a pixel's event encoded in another way."""
        return replace(self, encode_pixel=encode)

    def unqueried(self, name: str) -> Draft:
        """The same without a query parameter."""
        return replace(self, query={**self.query, name: None})

    def by(self, credentials: Credentials) -> Draft:
        """The same with other credentials."""
        return replace(self, credentials=credentials)

    def typed(self, content_type: str | None) -> Draft:
        """The same with another Content-Type, or none."""
        return replace(self, content_type=content_type)

    def chunked(self) -> Draft:
        """The same sent in chunks, without a Content-Length."""
        return replace(self, is_chunked=True)

    def headed(self, name: str, value: str) -> Draft:
        """The same with a further header."""
        return replace(self, headers=(*self.headers, (name, value)))

    def asked(self, method: str) -> Draft:
        """The same with another method."""
        return replace(self, method=method)

    def at(self, path: str) -> Draft:
        """The same at another path."""
        return replace(self, path=path)

    def raw(self, spelling: Spelling) -> Draft:
        """The same, its bytes on the connection written by hand."""
        return replace(self, spelling=spelling)

    def unanswered(self, *, hanging: bool = False) -> Draft:
        """The same, with the check itself judging it if the connection is closed, or hangs, unanswered."""
        return replace(self, may_go_unanswered=True, may_hang=hanging)

    def as_control(self) -> Draft:
        """The same as a control: what was answered to an equal one a moment ago will do."""
        return replace(self, is_control=True)

    def impatient(self) -> Draft:
        """The same, taking a 429 as its answer instead of waiting it out."""
        return replace(self, is_impatient=True)

    def after(self, seconds: float) -> Draft:
        """The same, sent after a pause."""
        return replace(self, pause_s=seconds)

    def fit(self) -> None:
        """Raises Silent if the body is larger than it may be: to refuse it for that would be right."""
        if self.layout.room is not None and self.operation.kind is not Kind.PIXEL:
            size = len(self._body())
            if size > self.layout.room and self.counted is Unit.BYTES:
                raise Silent(f"a body of {size:,} bytes is beyond the limit of {self.layout.room:,}")
        if self.layout.event_room is not None and self.event_size is None and self.size is None:
            largest = max((len(encode(event)) for event in self._credited()), default=0)
            if largest > self.layout.event_room:
                room = self.layout.event_room
                raise Silent(f"an event of {largest:,} bytes is beyond the limit of {room:,} in a batch")

    def request(self) -> Request:
        """The request itself."""
        headers = [*self.credentials.headers, *self.headers]
        query: dict[str, str | None] = dict(self.credentials.query)
        body = self._body()
        if self.operation.kind is Kind.PIXEL and self.layout.pixel:
            query[self.layout.pixel] = self.encode_pixel(body)
            body = b""
        elif self.content_type is not None:
            headers.append(("Content-Type", self.content_type))
        return Request(
            method=self.method or self.operation.method,
            path=self.operation.path if self.path is None else self.path,
            query=tuple(
                (name, value) for name, value in {**query, **self.query}.items() if value is not None
            ),
            headers=tuple(headers),
            body=body,
            chunked=self.is_chunked,
            spelling=self.spelling,
            events=self._count(),
            weight=self._weight(),
        )

    def _weight(self) -> Weight | None:
        """What it weighs by the limit that it is about, if its size is the point of it."""
        if self.event_size is not None:
            return Weight(fact=f"limits.{Ceiling.BATCH_EVENT}", size=self.event_size)
        if self.size is None:
            return None
        ceiling = Ceiling.BATCH if self.operation.kind is Kind.BATCH else Ceiling.EVENT
        return Weight(fact=f"limits.{ceiling}", size=self.size)

    def _count(self) -> int:
        """How many events it carries; what is in no list counts as one."""
        listed = self.whole
        where = self.layout.batch
        if listed is not None and pointers.has(listed, where):
            items = pointers.get(listed, where)
            return max(1, len(items)) if isinstance(items, list) else 1
        return max(1, len(self.events))

    def _body(self) -> bytes:
        body = encode(self._value(), ascii_only=self.ascii_only)
        return self.respell(body) if self.respell else body

    def _value(self) -> Json:
        """The JSON value of the body."""
        if self.whole is not None:
            return self.whole
        events = self._credited()
        padding = Padding(
            pointer=self.layout.filler, unit=self.unit, ascii_only=self.ascii_only, counted=self.counted
        )
        if self.event_size is not None:
            events[0] = padding.event(_object(events[0]), self.event_size)
        if self.operation.kind is Kind.BATCH:
            return self._batch(events[::-1] if self.is_reversed else events, padding)
        return events[0] if self.size is None else padding.event(_object(events[0]), self.size)

    def _credited(self) -> list[Json]:
        """The events, each with the key where the key goes into bodies."""
        key = self.credentials.body_key
        if key is None or self.layout.key is None:
            return list(self.events)
        return [
            pointers.put(event, self.layout.key, key) if isinstance(event, dict) else event
            for event in self.events
        ]

    def _batch(self, events: list[Json], padding: Padding) -> Json:
        """The envelope around the events, or around what stands in their place."""
        envelope, where = self.envelope, self.layout.batch
        if self.credentials.body_key is not None and self.layout.key is not None:
            envelope = pointers.put(envelope, self.layout.key, self.credentials.body_key)
        if self.in_place_of_list == ():
            return envelope
        if self.in_place_of_list is not None:
            return pointers.put(envelope, where, *self.in_place_of_list)
        if self.size is not None:
            return padding.batch(envelope, where, map(_object, events), self.size)
        return pointers.put(envelope, where, events)

    def _edit(self, change: Callable[[JsonObject], JsonObject]) -> Draft:
        first, *rest = self.events
        return replace(self, events=(change(_object(first)), *rest))


def _object(event: Json) -> dict[str, Any]:
    """An event, which is an object unless a check put something else in its place."""
    if not isinstance(event, dict):
        raise TypeError(f"an event that is no object can't be changed: {event!r}")
    return event
