"""A draft of a request: an immutable value, from which the request is built at the end."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Json, JsonObject, MeasuredSize, OperationKind, Request
from conformance.profile.facts import LimitKind
from conformance.profile.size_unit import SizeUnit
from conformance.requests.padding import Padding, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.contract import Operation
    from conformance.core.model import RawWriter
    from conformance.requests.credentials import Credentials


def encode_standard_base64(body: bytes) -> str:
    """Standard base64, padded."""
    return base64.b64encode(body).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a dialect has its batch list, the key in a body, filler and pixel data, and its limits.

    `max_body_bytes` and `max_event_bytes` are None without a limit in bytes; the latter is that of events in a batch.
    """

    batch_pointer: str
    key_pointer: str | None
    filler_pointer: str
    pixel_parameter: str | None
    max_body_bytes: int | None = None
    max_event_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A request that is not built yet: its events, their envelope and encoding, and how it is sent."""

    operation: Operation
    layout: Layout
    credentials: Credentials
    events: tuple[Json, ...]
    envelope: JsonObject = field(default_factory=dict)
    content_type: str | None = "application/json"
    ascii_only: bool = False
    body_size: int | None = None
    event_size: int | None = None
    filler_character: str = "a"
    size_unit: SizeUnit = SizeUnit.BYTES
    body_value: Json | None = None
    batch_list: tuple[Json, ...] | None = None
    edit_bytes: Callable[[bytes], bytes] | None = None
    query_changes: Mapping[str, str | None] = field(default_factory=dict)
    is_chunked: bool = False
    is_reversed: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    method: str | None = None
    path: str | None = None
    raw_writer: RawWriter | None = None
    encode_pixel: Callable[[bytes], str] = encode_standard_base64
    is_control: bool = False
    takes_429: bool = False
    may_go_unanswered: bool = False
    may_time_out: bool = False
    pause_s: float = 0.0
    awaits_end: bool = False

    def with_field(self, pointer: str, value: Json) -> Draft:
        """The same with a value in its first event."""
        return self._edit_first_event(lambda event: pointers.put(event, pointer, value))

    def without_fields(self, *removed: str) -> Draft:
        """The same without some fields in its first event."""
        return self._edit_first_event(lambda event: functools.reduce(pointers.remove, removed, event))

    def with_shared_field(self, pointer: str, value: Json) -> Draft:
        """The same with a value beside the list of a batch."""
        return _changed(self, envelope=pointers.put(self.envelope, pointer, value))

    def with_events(self, *events: Json) -> Draft:
        """The same with other events, which need not be objects."""
        return _changed(self, events=events)

    def with_batch_list(self, *value: Json) -> Draft:
        """The same with `value` in place of a batch's list; without arguments, without the list."""
        return _changed(self, batch_list=value)

    def with_body_value(self, value: Json) -> Draft:
        """The same with another JSON value as its body."""
        return _changed(self, body_value=value)

    def with_json_bytes(self, edit: Callable[[bytes], bytes]) -> Draft:
        """The same with the bytes of its JSON edited."""
        return _changed(self, edit_bytes=edit)

    def with_body_bytes(self, body: bytes) -> Draft:
        """The same with these bytes as its body."""
        return self.with_json_bytes(lambda _: body)

    def with_ascii_escapes(self) -> Draft:
        """The same with every character beyond ASCII written as a JSON escape."""
        return _changed(self, ascii_only=True)

    def with_filler(self, character: str) -> Draft:
        """The same with a short filler made of a character."""
        return self.with_field(self.layout.filler_pointer, character * 10)

    def with_body_size(self, size: int, filler_character: str = "a", size_unit: SizeUnit = SizeUnit.BYTES) -> Draft:
        """The same with a body of exactly `size` units, padded with a character."""
        return _changed(self, body_size=size, filler_character=filler_character, size_unit=size_unit)

    def with_event_size(self, size: int, filler_character: str = "a", size_unit: SizeUnit = SizeUnit.BYTES) -> Draft:
        """The same with a first event of exactly `size` units, padded with a character."""
        return _changed(self, event_size=size, filler_character=filler_character, size_unit=size_unit)

    def with_events_reversed(self) -> Draft:
        """The same with its events in reverse order, after all other changes."""
        return _changed(self, is_reversed=True)

    def with_query(self, name: str, value: str) -> Draft:
        """The same with another value of a query parameter."""
        return _changed(self, query_changes={**self.query_changes, name: value})

    def with_pixel_encoding(self, encode: Callable[[bytes], str]) -> Draft:
        """The same with a pixel's event encoded in another way."""
        return _changed(self, encode_pixel=encode)

    def without_query(self, name: str) -> Draft:
        """The same without a query parameter."""
        return _changed(self, query_changes={**self.query_changes, name: None})

    def with_credentials(self, credentials: Credentials) -> Draft:
        """The same with other credentials."""
        return _changed(self, credentials=credentials)

    def with_content_type(self, content_type: str | None) -> Draft:
        """The same with another Content-Type, or none."""
        return _changed(self, content_type=content_type)

    def with_chunked_encoding(self) -> Draft:
        """The same sent in chunks, without a Content-Length."""
        return _changed(self, is_chunked=True)

    def with_header(self, name: str, value: str) -> Draft:
        """The same with a further header."""
        return _changed(self, headers=(*self.headers, (name, value)))

    def with_method(self, method: str) -> Draft:
        """The same with another method."""
        return _changed(self, method=method)

    def with_path(self, path: str) -> Draft:
        """The same at another path."""
        return _changed(self, path=path)

    def with_raw_writer(self, raw_writer: RawWriter) -> Draft:
        """The same, with its bytes on the connection written by `raw_writer`."""
        return _changed(self, raw_writer=raw_writer)

    def allowing_no_answer(self, *, may_time_out: bool = False) -> Draft:
        """The same; the check itself judges a closed connection and, if `may_time_out`, a timeout."""
        return _changed(self, may_go_unanswered=True, may_time_out=may_time_out)

    def as_control(self) -> Draft:
        """The same as a control: a recent answer to an identical one may be reused."""
        return _changed(self, is_control=True)

    def taking_429(self) -> Draft:
        """The same; a 429 is its response, not a reason to wait and retry."""
        return _changed(self, takes_429=True)

    def with_pause(self, seconds: float) -> Draft:
        """The same, sent after a pause."""
        return _changed(self, pause_s=seconds)

    def require_within_limits(self) -> None:
        """Raises NotApplicable if the request exceeds a size limit: the target may refuse it for that."""
        if self.layout.max_body_bytes is not None and self.operation.kind is not OperationKind.PIXEL:
            size = len(self._encode_body())
            if size > self.layout.max_body_bytes and self.size_unit is SizeUnit.BYTES:
                raise NotApplicable(f"a body of {size:,} bytes is beyond the limit of {self.layout.max_body_bytes:,}")
        if self.layout.max_event_bytes is not None and self.event_size is None and self.body_size is None:
            largest = max((len(encode_json(event)) for event in self._events_with_key()), default=0)
            if largest > self.layout.max_event_bytes:
                limit = self.layout.max_event_bytes
                raise NotApplicable(f"an event of {largest:,} bytes is beyond the limit of {limit:,} in a batch")

    def build_request(self) -> Request:
        """The request itself."""
        headers = [*self.credentials.headers, *self.headers]
        query: dict[str, str | None] = dict(self.credentials.query)
        body = self._encode_body()
        if self.operation.kind is OperationKind.PIXEL and self.layout.pixel_parameter:
            query[self.layout.pixel_parameter] = self.encode_pixel(body)
            body = b""
        elif self.content_type is not None:
            headers.append(("Content-Type", self.content_type))
        return Request(
            method=self.method or self.operation.method,
            path=self.operation.path if self.path is None else self.path,
            query=tuple((name, value) for name, value in {**query, **self.query_changes}.items() if value is not None),
            headers=tuple(headers),
            body=body,
            chunked=self.is_chunked,
            raw_writer=self.raw_writer,
            awaits_end=self.awaits_end,
            event_count=self._event_count(),
            measured_size=self._measured_size(),
        )

    def _measured_size(self) -> MeasuredSize | None:
        """Its size in the unit of a limit, if the draft has been given an exact size."""
        if self.event_size is not None:
            return MeasuredSize(limit_fact=f"limits.{LimitKind.BATCH_EVENT}", size=self.event_size)
        if self.body_size is None:
            return None
        limit_kind = LimitKind.BATCH if self.operation.kind is OperationKind.BATCH else LimitKind.EVENT
        return MeasuredSize(limit_fact=f"limits.{limit_kind}", size=self.body_size)

    def _event_count(self) -> int:
        """How many events it has; at least one."""
        body_value = self.body_value
        where = self.layout.batch_pointer
        if body_value is not None and pointers.has(body_value, where):
            items = pointers.get(body_value, where)
            return max(1, len(items)) if isinstance(items, list) else 1
        return max(1, len(self.events))

    def _encode_body(self) -> bytes:
        body = encode_json(self._body_json(), ascii_only=self.ascii_only)
        return self.edit_bytes(body) if self.edit_bytes else body

    def _body_json(self) -> Json:
        """The JSON value of the body."""
        if self.body_value is not None:
            return self.body_value
        events = self._events_with_key()
        padding = Padding(
            pointer=self.layout.filler_pointer,
            character=self.filler_character,
            ascii_only=self.ascii_only,
            size_unit=self.size_unit,
        )
        if self.event_size is not None:
            events[0] = padding.pad_event(_as_object(events[0]), self.event_size)
        if self.operation.kind is OperationKind.BATCH:
            return self._wrap_in_envelope(events[::-1] if self.is_reversed else events, padding)
        return events[0] if self.body_size is None else padding.pad_event(_as_object(events[0]), self.body_size)

    def _events_with_key(self) -> list[Json]:
        """The events, each with the key if the credentials put it into the body."""
        key = self.credentials.body_key
        if key is None or self.layout.key_pointer is None:
            return list(self.events)
        return [
            pointers.put(event, self.layout.key_pointer, key) if isinstance(event, dict) else event
            for event in self.events
        ]

    def _wrap_in_envelope(self, events: list[Json], padding: Padding) -> Json:
        """The envelope with the events, or with what replaces their list."""
        envelope, where = self.envelope, self.layout.batch_pointer
        if self.credentials.body_key is not None and self.layout.key_pointer is not None:
            envelope = pointers.put(envelope, self.layout.key_pointer, self.credentials.body_key)
        if self.batch_list == ():
            return envelope
        if self.batch_list is not None:
            return pointers.put(envelope, where, *self.batch_list)
        if self.body_size is not None:
            return padding.pad_batch(envelope, where, map(_as_object, events), self.body_size)
        return pointers.put(envelope, where, events)

    def _edit_first_event(self, change: Callable[[JsonObject], JsonObject]) -> Draft:
        first, *rest = self.events
        return _changed(self, events=(change(_as_object(first)), *rest))


def _as_object(event: Json) -> dict[str, Any]:
    """An event that is an object. Raises TypeError for anything else."""
    if not isinstance(event, dict):
        raise TypeError(f"an event that is not an object can't be changed: {event!r}")
    return event


def _changed(draft: Draft, **changes: Any) -> Draft:  # noqa: ANN401 - as different as fields
    """A copy with other values. `dataclasses.replace` looks at each field, and a run makes tens of thousands."""
    copy = object.__new__(Draft)
    copy.__dict__.update(draft.__dict__, **changes)
    return copy
