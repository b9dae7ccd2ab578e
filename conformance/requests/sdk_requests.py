"""Requests as official SDKs send them, filled in for one operation, and invalid variants."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.profile.facts import LimitKind
from conformance.profile.yaml_document import WRITE_KEY_PLACEHOLDER
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY, encode_base64
from conformance.requests.padding import Padding, encode_json

if TYPE_CHECKING:
    from conformance.core.model import Json, JsonObject
    from conformance.profile.facts import SizeLimit
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft
    from conformance.sdks import RecordedRequest

_BASIC_PLACEHOLDER, _MESSAGE_ID_PLACEHOLDER = "$BASIC", "$MESSAGE_ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkRequest:
    """A request of an SDK to one operation.

    `shape` is the recorded request, `events` its events or others in their place, `key` the write key to send.
    """

    call: Call
    shape: RecordedRequest
    events: tuple[Json, ...]
    key: str

    @classmethod
    def for_call(cls, call: Call, shape: RecordedRequest) -> SdkRequest:
        """The recorded request with all its events and the right key."""
        where = call.contract.profile.batch.pointer
        batch_list = pointers.get(shape.body, where) if call.is_batch and pointers.has(shape.body, where) else None
        events = tuple(batch_list) if isinstance(batch_list, list) else (shape.body,)
        return cls(call=call, shape=shape, events=events, key=call.keys.write_key)

    def documented_only(self) -> SdkRequest:
        """The same with only the events that the vendor's documents allow.

        SDKs also send events that the documents do not mention: see `undocumented_only`.
        """
        return replace(self, events=tuple(event for event in self.events if self._is_documented(event)))

    def undocumented_only(self) -> SdkRequest:
        """The same with only the events that the vendor's documents do not allow."""
        return replace(self, events=tuple(event for event in self.events if not self._is_documented(event)))

    def with_unknown_key(self) -> SdkRequest:
        """The same with an unknown key."""
        return replace(self, key=UNKNOWN_KEY)

    def first_event_without_user(self) -> SdkRequest:
        """The same with its first event only, without a user."""
        return replace(self, events=(self._without_user(self.events[0]),))

    def middle_event_without_user(self) -> SdkRequest:
        """The same with no user in the middle event."""
        middle = len(self.events) // 2
        events = (*self.events[:middle], self._without_user(self.events[middle]), *self.events[middle + 1 :])
        return replace(self, events=events)

    @property
    def event_limit(self) -> SizeLimit:
        """The limit of one event. Raises NotApplicable if there is none."""
        contract = self.call.contract
        if self.call.is_batch and contract.has_fact(f"limits.{LimitKind.BATCH_EVENT}"):
            return contract.size_limit(LimitKind.BATCH_EVENT)
        return contract.body_size_limit(self.call.operation)

    def first_event_too_large(self) -> SdkRequest:
        """The same with its first event only, made too large. Raises NotApplicable without a limit."""
        first = self._fill_placeholders(self.events[0])
        if not isinstance(first, dict):
            raise TypeError("an event of an SDK is an object")
        limit = self.event_limit
        padding = Padding(pointer=self.call.acceptable_request().layout.filler_pointer, size_unit=limit.unit)
        return replace(self, events=(padding.pad_event(first, limit.smallest_refused),))

    def to_draft(self, *, is_truncated: bool = False) -> Draft:
        """The request; if `is_truncated`, with the first half of its JSON."""
        body = encode_json(self._body_json())
        if is_truncated:
            body = body[: len(body) // 2]
        draft = (
            self.call.acceptable_request()
            .with_events(*self.events)
            .with_credentials(NO_CREDENTIALS)
            .with_content_type(self.shape.content_type)
        )
        for name, value in self.shape.headers:
            draft = draft.with_header(name, str(self._fill_placeholders(value)))
        if self.shape.is_gzipped:
            draft, body = draft.with_header("Content-Encoding", "gzip"), gzip.compress(body, mtime=0)
        return draft.with_body_bytes(body)

    def as_retry(self, draft: Draft) -> Draft:
        """One of its requests as the SDK sends it again after an answer that asks for a retry."""
        for header in self.shape.retry_headers:
            draft = draft.with_header(*header)
        return draft

    def _body_json(self) -> Json:
        """The body with its events, filled in."""
        if not self.call.is_batch:
            return self._fill_placeholders(self.events[0])
        return self._fill_placeholders(
            pointers.put(self.shape.body, self.call.contract.profile.batch.pointer, [*self.events])
        )

    def _fill_placeholders(self, value: Json) -> Json:
        """A value with the key and new message ids in place of the placeholders."""
        if isinstance(value, dict):
            return {name: self._fill_placeholders(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._fill_placeholders(item) for item in value]
        if value == _MESSAGE_ID_PLACEHOLDER:
            return self.call.next_message_id()
        if isinstance(value, str):
            return value.replace(_BASIC_PLACEHOLDER, encode_base64(f"{self.key}:")).replace(
                WRITE_KEY_PLACEHOLDER, self.key
            )
        return value

    def _is_documented(self, event: Json) -> bool:
        """Whether an event is complete, and of a type that belongs here."""
        contract, name = self.call.contract, self._type_of(event)
        if not isinstance(event, dict) or name not in contract.profile.events:
            return False
        if self.call.is_batch and name not in contract.batch_types():
            return False
        required = contract.event_type(name).required
        return contract.has_identity(name, event) and all(_has_value(event, pointer) for pointer in required)

    def _type_of(self, event: Json) -> str:
        """The type of an event; outside of batches, that of the operation."""
        where = self.call.contract.profile.pointers.type
        if not self.call.is_batch or where is None:
            return self.call.operation.event_type
        return str(pointers.get(event, where)) if pointers.has(event, where) else ""

    def _without_user(self, event: Json) -> Json:
        """An event without its user ids."""
        where = self.call.contract.profile.pointers
        for pointer in (where.user, where.anonymous):
            if pointer and isinstance(event, dict):
                event = pointers.remove(event, pointer)
        return event


def _has_value(event: JsonObject, pointer: str) -> bool:
    """Whether an event has a value other than null at a pointer."""
    return pointers.has(event, pointer) and pointers.get(event, pointer) is not None
