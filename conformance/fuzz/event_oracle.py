"""Events under a contract: what is wrong with one, and what the contract leaves open about it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.core import pointers
from conformance.core.model import Json, JsonObject, OperationKind
from conformance.fuzz.case import compact_json
from conformance.fuzz.strict_json import UNLIMITED_LENGTH, is_ordinary_value
from conformance.profile.facts import Condition, LimitKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract

EventFacts = tuple[set[str], bool]
"""The facts that an event falls under, and whether there is a doubt."""

_ISO_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_ORDINARY_YEARS = range(1990, 2026)
_MAX_ID_LENGTH, _MAX_TEXT_LENGTH = 90, 2_000
_OWN_FIELD_PREFIX = "conformance"
"""How unknown fields are called that no server has a reason to take for something else."""
_EVENT_MARGIN_BYTES = 64
"""An event in a batch is weighed as it was written or as the server would write it: a few bytes apart."""


class EventOracle:
    """Examines events under one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.max_text_length = _MAX_TEXT_LENGTH
        self._validators = {
            name: jsonschema_rs.validator_for({**contract.event_schema(name), "required": []})
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
        """Long texts are no matter of doubt where a body is too large anyway."""
        self.max_text_length = UNLIMITED_LENGTH if is_over_limit else _MAX_TEXT_LENGTH
        try:
            yield
        finally:
            self.max_text_length = _MAX_TEXT_LENGTH

    def label_batch_event(self, event: Json) -> EventFacts:
        """An event of a batch."""
        if not isinstance(event, dict):
            return {f"answers.{Condition.BATCH_EVENT_NOT_OBJECT}"}, False
        body = compact_json(event) if self._event_limit else b""
        size = self._event_limit.unit.measure(body, body) if self._event_limit else 0
        if self._event_limit and size > self._event_limit.at_most:
            with self.allow_long_texts(is_over_limit=True):
                facts, is_ambiguous = self._label_by_named_type(event, is_near_limit=False)
            return {self._event_limit.name, *facts}, is_ambiguous
        is_near_limit = bool(self._event_limit and size > self._event_limit.at_least - _EVENT_MARGIN_BYTES)
        return self._label_by_named_type(event, is_near_limit=is_near_limit)

    def _label_by_named_type(self, event: JsonObject, *, is_near_limit: bool) -> EventFacts:
        """An event of a batch, as the type that it names has it."""
        pointer, known = self.contract.profile.pointers.type, self.contract.profile.events
        if pointer is None:
            return self._label_as_type(self._batch_type(), event, is_ambiguous=is_near_limit)
        if not pointers.has(event, pointer):
            return {f"answers.{Condition.BATCH_TYPE_MISSING}"}, is_near_limit or _is_lookup_ambiguous(event, pointer)
        name = pointers.get(event, pointer)
        if not isinstance(name, str) or not name:
            return {f"answers.{Condition.BATCH_TYPE_UNKNOWN}"}, True
        if name not in known:
            differs_in_case = any(name.strip().lower() == item.lower() for item in known)
            return {f"answers.{Condition.BATCH_TYPE_UNKNOWN}"}, is_near_limit or differs_in_case
        return self._label_as_type(name, event, is_ambiguous=is_near_limit or name not in self.contract.batch_types())

    def _label_as_type(self, event_type: str, event: JsonObject, *, is_ambiguous: bool) -> EventFacts:
        facts, is_event_ambiguous = self.label_event(event_type, event, Condition.IDENTITY_MISSING, is_single=False)
        return facts, is_event_ambiguous or is_ambiguous

    def _batch_type(self) -> str:
        return next(item.event_type for item in self.contract.operations if item.kind is OperationKind.BATCH)

    def label_event(
        self, event_type: str, event: JsonObject, missing_identity: Condition, *, is_single: bool
    ) -> EventFacts:
        """An event of a type: whose it is, whether it is complete, and whether all else is in order."""
        facts: set[str] = set()
        is_ambiguous = self._is_identity_ambiguous(event_type, event, facts, missing_identity)
        for pointer in self.contract.event_type(event_type).required:
            if not pointers.has(event, pointer):
                facts.add(f"events.{event_type}.{pointer}")
                is_ambiguous |= _is_lookup_ambiguous(event, pointer)
            else:
                is_ambiguous |= not _is_filled(pointers.get(event, pointer))
        is_ambiguous |= any(not _is_filled_at(event, pointer) for pointer in self.contract.profile.always_required)
        is_ambiguous |= is_single and self._names_another_type(event_type, event)
        return facts, is_ambiguous or not self._is_ordinary_event(event_type, event)

    def is_documented_envelope(self, value: JsonObject) -> bool:
        """Whether nothing stands beside the list of a batch but what the documents put there."""
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

    def _is_identity_ambiguous(
        self, event_type: str, event: JsonObject, facts: set[str], missing_identity: Condition
    ) -> bool:
        """Whose an event is; whether that is in doubt."""
        identities = [
            (pointer, pointers.get(event, pointer)) for pointer in self._id_pointers if pointers.has(event, pointer)
        ]
        is_blocked = any(_is_behind_non_object(event, pointer) for pointer in self._id_pointers)
        if self.contract.has_identity(event_type, event):
            return is_blocked or not all(_is_ordinary_id(value) for _, value in identities)
        if identities or is_blocked or self._has_id_like_field(event):
            return True
        facts.add(f"answers.{missing_identity}")
        return False

    def _has_id_like_field(self, value: Json) -> bool:
        """Whether a field anywhere is called as an id is, whatever the case of its letters."""
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
        """Whether an event fits its schema and holds nothing that a server might stumble over."""
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


def timestamp_pointers(contract: Contract) -> frozenset[str]:
    """Where the timestamps of all events are."""
    return frozenset(
        pointer for name in contract.profile.events for pointer in _schema_timestamps(contract.event_schema(name))
    )


def _schema_timestamps(schema: Any, prefix: str = "") -> Iterator[str]:  # noqa: ANN401 - a JSON Schema
    """Where the timestamps of a schema are."""
    for key, property_schema in schema.get("properties", {}).items():
        if property_schema.get("format") == "date-time":
            yield f"{prefix}/{key}"
        yield from _schema_timestamps(property_schema, f"{prefix}/{key}")


def _is_ordinary_timestamp(value: Json) -> bool:
    """Whether a value is a timestamp that nobody stumbles over."""
    if not isinstance(value, str) or _ISO_TIMESTAMP.fullmatch(value) is None:
        return False
    try:
        return datetime.fromisoformat(value).year in _ORDINARY_YEARS
    except ValueError:
        return False


def _is_ordinary_id(value: Json) -> bool:
    """Whether a value is an id that nobody stumbles over."""
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_LENGTH and value.strip() == value


def _is_filled(value: Json) -> bool:
    """Whether a required field says something, whatever its type."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def _is_filled_at(event: JsonObject, pointer: str) -> bool:
    return pointers.has(event, pointer) and _is_filled(pointers.get(event, pointer))


def _is_behind_non_object(event: Json, pointer: str) -> bool:
    """Whether something that is no object stands in the way to a pointer."""
    for step in pointers.split(pointer)[:-1]:
        if not isinstance(event, dict) or step not in event:
            return False
        event = event[step]
        if not isinstance(event, dict):
            return True
    return False


def _is_lookup_ambiguous(event: Json, pointer: str) -> bool:
    """Whether a field is there under its name in other letters, which some readers take, or out of reach."""
    for step in pointers.split(pointer):
        if not isinstance(event, dict):
            return True
        if step not in event:
            return any(key.lower() == step.lower() for key in event)
        event = event[step]
    return False
