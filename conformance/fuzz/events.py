"""Events under a contract: what is wrong with one, and what the contract leaves open about it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance import pointers
from conformance.fuzz.case import compact
from conformance.fuzz.reading import ANY_LENGTH, is_sane
from conformance.model import Json, JsonObject, Kind
from conformance.profile.facts import Ceiling, Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract

Found = tuple[set[str], bool]
"""The facts that an event falls under, and whether there is a doubt."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_YEARS = range(1990, 2026)
_LONGEST_ID, _LONGEST_TEXT = 90, 2_000
_OURS = "conformance"
"""How unknown fields are called that no server has a reason to take for something else."""
_ITEM_MARGIN = 64
"""An event in a batch is weighed as it was written or as the server would write it: a few bytes apart."""


class Events:
    """Examines events under one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.longest = _LONGEST_TEXT
        self._fits = {
            name: jsonschema_rs.validator_for({**contract.event_schema(name), "required": []})
            for name in contract.profile.events
        }
        self._times = {name: tuple(_times(contract.event_schema(name))) for name in contract.profile.events}
        where = contract.profile.pointers
        self._ids = tuple(pointer for pointer in (where.user, where.anonymous) if pointer)
        self._id_names = {pointers.steps(pointer)[-1].lower() for pointer in self._ids}
        self._limit = (
            contract.limit(Ceiling.BATCH_EVENT) if contract.states(f"limits.{Ceiling.BATCH_EVENT}") else None
        )

    @contextmanager
    def weighing(self, *, heavy: bool) -> Iterator[None]:
        """Long texts are no matter of doubt where a body is too large anyway."""
        self.longest = ANY_LENGTH if heavy else _LONGEST_TEXT
        try:
            yield
        finally:
            self.longest = _LONGEST_TEXT

    def examine_item(self, event: Json) -> Found:
        """An event of a batch."""
        if not isinstance(event, dict):
            return {f"answers.{Condition.BATCH_EVENT_NOT_OBJECT}"}, False
        body = compact(event) if self._limit else b""
        size = self._limit.unit.of(body, body) if self._limit else 0
        if self._limit and size > self._limit.at_most:
            with self.weighing(heavy=True):
                facts, doubtful = self._examine_typed(event, heavy=False)
            return {self._limit.name, *facts}, doubtful
        heavy = bool(self._limit and size > self._limit.at_least - _ITEM_MARGIN)
        return self._examine_typed(event, heavy=heavy)

    def _examine_typed(self, event: JsonObject, *, heavy: bool) -> Found:
        """An event of a batch, as the type that it names has it."""
        pointer, known = self.contract.profile.pointers.type, self.contract.profile.events
        if pointer is None:
            return self._of_type(self._only_type(), event, doubtful=heavy)
        if not pointers.has(event, pointer):
            return {f"answers.{Condition.BATCH_TYPE_MISSING}"}, heavy or _has_other_case(event, pointer)
        name = pointers.get(event, pointer)
        if not isinstance(name, str) or not name:
            return {f"answers.{Condition.BATCH_TYPE_UNKNOWN}"}, True
        if name not in known:
            near = any(name.strip().lower() == item.lower() for item in known)
            return {f"answers.{Condition.BATCH_TYPE_UNKNOWN}"}, heavy or near
        return self._of_type(name, event, doubtful=heavy or name not in self.contract.batch_types())

    def _of_type(self, name: str, event: JsonObject, *, doubtful: bool) -> Found:
        facts, doubt = self.examine(name, event, Condition.IDENTITY_MISSING, is_single=False)
        return facts, doubt or doubtful

    def _only_type(self) -> str:
        return next(item.type for item in self.contract.operations if item.kind is Kind.BATCH)

    def examine(self, name: str, event: JsonObject, missing: Condition, *, is_single: bool) -> Found:
        """An event of a type: whose it is, whether it is complete, and whether all else is in order."""
        facts: set[str] = set()
        doubtful = self._identity(name, event, facts, missing)
        for pointer in self.contract.event(name).required:
            if not pointers.has(event, pointer):
                facts.add(f"events.{name}.{pointer}")
                doubtful |= _has_other_case(event, pointer)
            else:
                doubtful |= not _says(pointers.get(event, pointer))
        doubtful |= any(not _says_at(event, pointer) for pointer in self.contract.profile.always)
        doubtful |= is_single and self._is_of_another_type(name, event)
        return facts, doubtful or not self._is_in_order(name, event)

    def is_plain_envelope(self, value: JsonObject) -> bool:
        """Whether nothing stands beside the list of a batch but what the documents put there."""
        shape = self.contract.profile.batch
        known = {pointers.steps(pointer)[0] for pointer in (shape.pointer, *shape.shared)}
        beside = {key: item for key, item in value.items() if key != pointers.steps(shape.pointer)[0]}
        schema: Any = self.contract.event_schema(self._only_type()).get("properties", {})
        types = {key: schema.get(key, {}).get("type") for key in beside}
        if not value.keys() <= known:
            return False
        return (
            is_sane(beside)
            and all(isinstance(item, dict) for key, item in beside.items() if types[key] == "object")
            and all(_is_time(item) for key, item in beside.items() if types[key] != "object")
        )

    def _identity(self, name: str, event: JsonObject, facts: set[str], missing: Condition) -> bool:
        """Whose an event is; whether that is in doubt."""
        given = [
            (pointer, pointers.get(event, pointer)) for pointer in self._ids if pointers.has(event, pointer)
        ]
        blocked = any(_is_blocked(event, pointer) for pointer in self._ids)
        if self.contract.identified(name, event):
            return blocked or not all(_is_id(value) for _, value in given)
        if given or blocked or self._mentions_id(event):
            return True
        facts.add(f"answers.{missing}")
        return False

    def _mentions_id(self, value: Json) -> bool:
        """Whether a field anywhere is called as an id is, whatever the case of its letters."""
        if isinstance(value, dict):
            return any(
                key.lower().replace("_", "") in self._id_names or self._mentions_id(item)
                for key, item in value.items()
            )
        return isinstance(value, list) and any(self._mentions_id(item) for item in value)

    def _is_of_another_type(self, name: str, event: JsonObject) -> bool:
        pointer = self.contract.profile.pointers.type
        return pointer is not None and pointers.has(event, pointer) and pointers.get(event, pointer) != name

    def _is_in_order(self, name: str, event: JsonObject) -> bool:
        """Whether an event fits its schema and holds nothing that a server might stumble over."""
        if not is_sane(event, longest=self.longest) or not self._fits[name].is_valid(event):
            return False
        where = self.contract.profile.pointers.message_id
        if where and pointers.has(event, where) and not _is_id(pointers.get(event, where)):
            return False
        schema: Any = self.contract.event_schema(name)
        known = schema.get("properties", {})
        if any(key not in known and not key.startswith(_OURS) for key in event):
            return False
        return all(
            _is_time(pointers.get(event, pointer))
            for pointer in self._times[name]
            if pointers.has(event, pointer)
        )


def times(contract: Contract) -> frozenset[str]:
    """Where the timestamps of all events are."""
    return frozenset(
        place for name in contract.profile.events for place in _times(contract.event_schema(name))
    )


def _times(schema: Any, prefix: str = "") -> Iterator[str]:  # noqa: ANN401 - a JSON Schema
    """Where the timestamps of a schema are."""
    for key, inner in schema.get("properties", {}).items():
        if inner.get("format") == "date-time":
            yield f"{prefix}/{key}"
        yield from _times(inner, f"{prefix}/{key}")


def _is_time(value: Json) -> bool:
    """Whether a value is a timestamp that nobody stumbles over."""
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        return False
    try:
        return datetime.fromisoformat(value).year in _YEARS
    except ValueError:
        return False


def _is_id(value: Json) -> bool:
    """Whether a value is an id that nobody stumbles over."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.strip() == value


def _says(value: Json) -> bool:
    """Whether a required field says something, whatever its type."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def _says_at(event: JsonObject, pointer: str) -> bool:
    return pointers.has(event, pointer) and _says(pointers.get(event, pointer))


def _is_blocked(event: Json, pointer: str) -> bool:
    """Whether something that is no object stands in the way to a pointer."""
    for step in pointers.steps(pointer)[:-1]:
        if not isinstance(event, dict) or step not in event:
            return False
        event = event[step]
        if not isinstance(event, dict):
            return True
    return False


def _has_other_case(event: Json, pointer: str) -> bool:
    """Whether a field is there under its name in other letters, which some readers take, or out of reach."""
    for step in pointers.steps(pointer):
        if not isinstance(event, dict):
            return True
        if step not in event:
            return any(key.lower() == step.lower() for key in event)
        event = event[step]
    return False
