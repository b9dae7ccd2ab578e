"""The event oracle: which facts of the contract apply to an event, and whether it leaves the answer open."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.core import pointers
from conformance.core.model import Json, JsonObject, OperationKind
from conformance.fuzz.case import compact_json
from conformance.fuzz.strict_json import UNLIMITED_LENGTH, is_ordinary_value
from conformance.profile.facts import Condition, LimitKind
from conformance.profile.json_schemas import PATTERN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract

_ISO_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_ORDINARY_YEARS = range(1990, 2026)
_MAX_ID_LENGTH, _MAX_TEXT_LENGTH = 90, 2_000
_OWN_FIELD_PREFIX = "conformance"
"""Unknown fields with this prefix are ordinary: no server has a reason to take them for something else."""


@dataclass(slots=True)
class ApplicableFacts:
    """The facts that apply to a request or an event; `is_ambiguous` if the contract does not say enough."""

    facts: set[str] = field(default_factory=set)
    is_ambiguous: bool = False

    def add_condition(self, condition: Condition) -> None:
        """Adds the fact that says how a condition is answered."""
        self.facts.add(f"answers.{condition}")

    def mark_ambiguous(self) -> None:
        """Leaves the answer open."""
        self.is_ambiguous = True

    def add(self, other: ApplicableFacts) -> None:
        """Adds what applies to a part of the request."""
        self.facts |= other.facts
        self.is_ambiguous |= other.is_ambiguous


class EventOracle:
    """Labels events under one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.max_text_length = _MAX_TEXT_LENGTH
        self._validators = {
            name: jsonschema_rs.Draft202012Validator(
                {**contract.event_schema(name), "required": []},
                pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES),
            )
            for name in contract.profile.events
        }
        self._timestamp_pointers = {
            name: tuple(_schema_timestamps(contract.event_schema(name))) for name in contract.profile.events
        }
        event_pointers = contract.profile.pointers
        self._id_pointers = tuple(pointer for pointer in (event_pointers.user, event_pointers.anonymous) if pointer)
        self._id_names = {pointers.split(pointer)[-1].lower() for pointer in self._id_pointers}
        self._event_limit = (
            contract.size_limit(LimitKind.BATCH_EVENT) if contract.has_fact(f"limits.{LimitKind.BATCH_EVENT}") else None
        )

    @contextmanager
    def allow_long_texts(self, *, is_over_limit: bool) -> Iterator[None]:
        """Lifts the text length limit while a body is over its size limit anyway."""
        self.max_text_length = UNLIMITED_LENGTH if is_over_limit else _MAX_TEXT_LENGTH
        try:
            yield
        finally:
            self.max_text_length = _MAX_TEXT_LENGTH

    def label_batch_event(self, event: Json) -> ApplicableFacts:
        """What applies to an event of a batch."""
        if not isinstance(event, dict):
            return _for_condition(Condition.BATCH_EVENT_NOT_OBJECT)
        body = compact_json(event) if self._event_limit else b""
        size = self._event_limit.unit.measure(body, body) if self._event_limit else 0
        if self._event_limit and size >= self._event_limit.smallest_refused:
            with self.allow_long_texts(is_over_limit=True):
                applicable = self._label_by_named_type(event)
            applicable.facts.add(self._event_limit.name)
            return applicable
        applicable = self._label_by_named_type(event)
        applicable.is_ambiguous |= bool(self._event_limit and size > self._event_limit.largest_accepted)
        return applicable

    def _label_by_named_type(self, event: JsonObject) -> ApplicableFacts:
        """What applies to an event of a batch, by the type that it names."""
        pointer, known = self.contract.profile.pointers.type, self.contract.profile.events
        if pointer is None:
            return self.label_event(self._batch_type(), event, Condition.IDENTITY_MISSING, is_single=False)
        is_unusual = not is_ordinary_value(event, max_text_length=self.max_text_length)
        if not pointers.has(event, pointer):
            is_open = is_unusual or _is_lookup_ambiguous(event, pointer)
            return _for_condition(Condition.BATCH_TYPE_MISSING, is_ambiguous=is_open)
        name = pointers.get(event, pointer)
        if not isinstance(name, str) or not name:
            return _for_condition(Condition.BATCH_TYPE_UNKNOWN, is_ambiguous=True)
        if name not in known:
            differs_in_case = any(name.strip().lower() == item.lower() for item in known)
            return _for_condition(Condition.BATCH_TYPE_UNKNOWN, is_ambiguous=differs_in_case or is_unusual)
        applicable = self.label_event(name, event, Condition.IDENTITY_MISSING, is_single=False)
        applicable.is_ambiguous |= name not in self.contract.batch_types()
        return applicable

    def _batch_type(self) -> str:
        return next(item.event_type for item in self.contract.operations if item.kind is OperationKind.BATCH)

    def label_event(
        self, event_type: str, event: JsonObject, missing_identity: Condition, *, is_single: bool
    ) -> ApplicableFacts:
        """What applies to an event of a type: its user, its required fields, and everything else in it.

        `missing_identity` is the condition of an event without a user; `is_single` if it is not part of a batch.
        """
        applicable = ApplicableFacts()
        self._label_identity(event_type, event, applicable, missing_identity)
        is_open = False
        for pointer in self.contract.event_type(event_type).required:
            if not pointers.has(event, pointer):
                applicable.facts.add(f"events.{event_type}.{pointer}")
                is_open |= _is_lookup_ambiguous(event, pointer)
            else:
                is_open |= not _is_filled(pointers.get(event, pointer))
        is_open |= any(not _is_filled_at(event, pointer) for pointer in self.contract.profile.always_required)
        is_open |= is_single and self._names_another_type(event_type, event)
        applicable.is_ambiguous |= is_open or not self._is_ordinary_event(event_type, event)
        return applicable

    def is_documented_envelope(self, value: JsonObject) -> bool:
        """Whether a batch has only documented fields beside its list, with ordinary values."""
        batch = self.contract.profile.batch
        documented = {pointers.split(pointer)[0] for pointer in (batch.pointer, *batch.shared)}
        other_fields = {key: item for key, item in value.items() if key != pointers.split(batch.pointer)[0]}
        schema: Any = self.contract.event_schema(self._batch_type()).get("properties", {})
        types = {key: schema.get(key, {}).get("type") for key in other_fields}
        if not value.keys() <= documented:
            return False
        return (
            is_ordinary_value(other_fields)
            and all(isinstance(item, dict) for key, item in other_fields.items() if types[key] == "object")
            and all(_is_ordinary_timestamp(item) for key, item in other_fields.items() if types[key] != "object")
        )

    def _label_identity(
        self, event_type: str, event: JsonObject, applicable: ApplicableFacts, missing_identity: Condition
    ) -> None:
        """Whether an event names a user, names none, or leaves that open."""
        identities = [pointers.get(event, pointer) for pointer in self._id_pointers if pointers.has(event, pointer)]
        is_blocked = any(_is_behind_non_object(event, pointer) for pointer in self._id_pointers)
        if self.contract.has_identity(event_type, event):
            applicable.is_ambiguous = is_blocked or not all(map(_is_ordinary_id, identities))
        elif identities or is_blocked or self._has_id_like_field(event):
            applicable.mark_ambiguous()
        else:
            applicable.add_condition(missing_identity)

    def _has_id_like_field(self, value: Json) -> bool:
        """Whether a field anywhere has the name of an id, in any case and with or without underscores."""
        if isinstance(value, dict):
            return any(
                key.lower().replace("_", "") in self._id_names or self._has_id_like_field(item)
                for key, item in value.items()
            )
        return isinstance(value, list) and any(self._has_id_like_field(item) for item in value)

    def _names_another_type(self, event_type: str, event: JsonObject) -> bool:
        pointer = self.contract.profile.pointers.type
        return pointer is not None and pointers.has(event, pointer) and pointers.get(event, pointer) != event_type

    def _is_ordinary_event(self, event_type: str, event: JsonObject) -> bool:
        """Whether an event fits its schema and holds nothing that a correct server may reject."""
        if not is_ordinary_value(event, max_text_length=self.max_text_length) or not self._validators[
            event_type
        ].is_valid(event):
            return False
        message_id_pointer = self.contract.profile.pointers.message_id
        if (
            message_id_pointer
            and pointers.has(event, message_id_pointer)
            and not _is_ordinary_id(pointers.get(event, message_id_pointer))
        ):
            return False
        schema: Any = self.contract.event_schema(event_type)
        properties = schema.get("properties", {})
        if any(key not in properties and not key.startswith(_OWN_FIELD_PREFIX) for key in event):
            return False
        return all(
            _is_ordinary_timestamp(pointers.get(event, pointer))
            for pointer in self._timestamp_pointers[event_type]
            if pointers.has(event, pointer)
        )


def _for_condition(condition: Condition, *, is_ambiguous: bool = False) -> ApplicableFacts:
    return ApplicableFacts({f"answers.{condition}"}, is_ambiguous)


def timestamp_pointers(contract: Contract) -> frozenset[str]:
    """The pointers of the timestamps of all event types."""
    return frozenset(
        pointer for name in contract.profile.events for pointer in _schema_timestamps(contract.event_schema(name))
    )


def _schema_timestamps(schema: Any, prefix: str = "") -> Iterator[str]:  # noqa: ANN401 - a JSON Schema
    """The pointers of the timestamps in a schema."""
    for key, property_schema in schema.get("properties", {}).items():
        if property_schema.get("format") == "date-time":
            yield f"{prefix}/{key}"
        yield from _schema_timestamps(property_schema, f"{prefix}/{key}")


def _is_ordinary_timestamp(value: Json) -> bool:
    """Whether a value is an ISO 8601 timestamp of the last decades."""
    if not isinstance(value, str) or _ISO_TIMESTAMP.fullmatch(value) is None:
        return False
    try:
        return datetime.fromisoformat(value).year in _ORDINARY_YEARS
    except ValueError:
        return False


def _is_ordinary_id(value: Json) -> bool:
    """Whether a value is a text of ordinary length without spaces around it."""
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_LENGTH and value.strip() == value


def _is_filled(value: Json) -> bool:
    """Whether a required field has a value other than null or a blank text."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def _is_filled_at(event: JsonObject, pointer: str) -> bool:
    return pointers.has(event, pointer) and _is_filled(pointers.get(event, pointer))


def _is_behind_non_object(event: Json, pointer: str) -> bool:
    """Whether a pointer leads through a value that is not an object."""
    for step in pointers.split(pointer)[:-1]:
        if not isinstance(event, dict) or step not in event:
            return False
        event = event[step]
        if not isinstance(event, dict):
            return True
    return False


def _is_lookup_ambiguous(event: Json, pointer: str) -> bool:
    """Whether a field that is absent is there in another case, or behind a value that is not an object."""
    for step in pointers.split(pointer):
        if not isinstance(event, dict):
            return True
        if step not in event:
            return any(key.lower() == step.lower() for key in event)
        event = event[step]
    return False
