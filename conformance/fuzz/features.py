"""Features: what a request has that could be the reason of a failure, each a place and what is there."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import OperationKind
from conformance.fuzz.case import JSON_MEDIA_TYPE, Auth
from conformance.fuzz.strict_json import BOM, parse_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json
    from conformance.fuzz.case import Case

Feature = tuple[str, str]
"""A place and what is there. The place `*` is anywhere in a body, `free form` inside its open object."""

ANYWHERE, FREE_FORM, REQUEST = "*", "free form", "request"
NOT_JSON = (REQUEST, "no JSON")
BATCH_EVENT, MISSING = "an event", "nothing"
JSON_TYPE_NAMES = ("null", "a boolean", "a number", "a text", "a list", "an object")
_CATEGORY_RANK = {"an object": 1, "a list": 2, "a text": 3, "a number": 4, "a fraction": 5}
"""How narrow a word is; all others are narrower."""
_INT64 = 2**63
_LONG_TEXT_LENGTH, _LONG_NAME_LENGTH, _MANY_NAMES, _MAX_DEPTH = 1_000, 1_000, 500, 60
_SURROGATE = re.compile("[\ud800-\udfff]")
_TIMESTAMP_START = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class FeatureExtractor:
    """Finds the features of the cases of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._operations = {str(operation): operation for operation in contract.operations}
        self._open_objects = {event.open_object for event in contract.profile.events.values() if event.open_object}
        self._schemas = {name: contract.event_schema(name) for name in contract.profile.events}

    def features_of(self, case: Case) -> frozenset[Feature]:
        """Everything that a case has."""
        operation = self._operations[case.call]
        features = {*_header_features(case)}
        parsed = parse_body(case.body)
        if case.coding:
            features |= set() if parsed.is_json else {NOT_JSON}
        else:
            if case.body.startswith(BOM.encode()):
                features.add((REQUEST, "a byte order mark"))
            if parsed.has_duplicate_names:
                features.add((ANYWHERE, "a name twice"))
            if parsed.is_too_deep:
                features.add((ANYWHERE, "deep nesting"))
            elif parsed.is_json:
                features |= {*self._body_features(operation, parsed.value)}
                features |= {*self._missing_features(operation, parsed.value)}
            else:
                features.add(NOT_JSON)
                if not case.body or not parsed.is_utf8:
                    features.add((REQUEST, "no body" if not case.body else "no UTF-8"))
        return frozenset(features)

    def _body_features(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """What a body has: that of an event, or of a batch and its events."""
        if operation.kind is not OperationKind.BATCH:
            if not isinstance(value, dict):
                yield REQUEST, f"{json_type_name(value)} as body"
            yield from self._value_features("", value, 0)
            return
        batch_pointer = self._contract.profile.batch.pointer
        events = pointers.get(value, batch_pointer) if pointers.has(value, batch_pointer) else None
        if isinstance(events, list):
            yield REQUEST, "a batch"
            for item in events:
                if isinstance(item, dict):
                    yield from self._value_features("", item, 0)
                else:
                    yield from self._value_features(BATCH_EVENT, item, 0)
            value = pointers.remove(value, batch_pointer) if isinstance(value, dict) else value
            yield from self._value_features("envelope", value, 0)
        else:
            yield from self._value_features("envelope", value, 0)

    def _missing_features(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """What an event should have, and one in the body has not."""
        batch_pointer = self._contract.profile.batch.pointer
        events: list[Json] = [value]
        if operation.kind is OperationKind.BATCH:
            event_list = pointers.get(value, batch_pointer) if pointers.has(value, batch_pointer) else None
            events = event_list if isinstance(event_list, list) else []
            if not events:
                yield REQUEST, "no event" if event_list == [] else "no list of events"
        event_type, ids = (
            self._contract.event_type(operation.event_type),
            self._contract.identity_pointers(operation.event_type),
        )
        type_pointer = self._contract.profile.pointers.type if operation.kind is OperationKind.BATCH else None
        for event in events:
            if isinstance(event, dict):
                if not any(pointers.has(event, pointer) for pointer in ids.values()):
                    yield REQUEST, "nobody's event"
                for pointer in (*event_type.required, *([type_pointer] if type_pointer else [])):
                    if not pointers.has(event, pointer):
                        yield pointer, MISSING

    def _value_features(self, place: str, value: Json, depth: int) -> Iterator[Feature]:
        """What a value has, and the values in it."""
        if place:
            for category in categories(value):
                yield self.display_place(place), category
                yield ANYWHERE, category
        if depth == _MAX_DEPTH:
            yield ANYWHERE, "deep nesting"
            return
        if isinstance(value, dict):
            for name, item in value.items():
                for category in _name_categories(name):
                    yield self.display_place(f"{place}/*"), category
                    yield ANYWHERE, category
                yield from self._value_features(f"{place}/{self._documented_name(place, name)}", item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                yield from self._value_features(f"{place}/*", item, depth + 1)

    def _documented_name(self, place: str, name: str) -> str:
        """A name where the documents know it; elsewhere any."""
        pointer = f"{place}/{name}"
        for schema in self._schemas.values():
            if _schema_documents(schema, pointer):
                return name
        return "*"

    def display_place(self, pointer: str) -> str:
        """A place as it is called in findings: open objects are all alike."""
        for open_object in self._open_objects:
            if pointer.startswith(f"{open_object}/"):
                return FREE_FORM
        return pointer


def _schema_documents(schema: object, pointer: str) -> bool:
    """Whether a schema names what a pointer points at."""
    for step in pointers.split(pointer):
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(properties, dict) or step not in properties:
            return False
        schema = properties[step]
    return True


def most_specific(distinguishing: frozenset[Feature]) -> Feature | None:
    """The one feature that tells most: the deepest place, and the narrowest word for what is there."""
    return max(distinguishing, key=_specificity, default=None)


def _specificity(feature: Feature) -> tuple[int, int, int, str]:
    """How much a feature tells."""
    place, category = feature
    is_placed = place not in {ANYWHERE, REQUEST}
    depth = 2 if place == FREE_FORM else place.count("/")
    return is_placed, depth, _CATEGORY_RANK.get(category, 10), f"{place} {category}"


def describe_feature(feature: Feature | None) -> str:
    """A feature in words."""
    if feature is None:
        return "an acceptable request"
    place, category = feature
    match place:
        case "*":
            return f"{category}, anywhere"
        case "request":
            return category
        case "an event":
            return f"{category} as an event of a batch"
        case "free form":
            return f"{category} in the free form of an event"
        case _:
            return f"{category} as {place}"


def first_in_category(body: bytes, category: str) -> Json:
    """The first value of a category in a body, or an object of the first such name."""
    queue: list[Json] = [json.loads(body)]
    while queue:
        value = queue.pop(0)
        if category in categories(value):
            return value
        if isinstance(value, dict):
            for name, item in value.items():
                if category in _name_categories(name):
                    return {name: item}
                queue.append(item)
        elif isinstance(value, list):
            queue += value
    return None


def _header_features(case: Case) -> Iterator[Feature]:
    """What is special about a request beside its body."""
    if case.auth is not Auth.VALID:
        yield REQUEST, f"credentials: {case.auth}"
    if case.content_type != JSON_MEDIA_TYPE:
        description = "with a parameter" if ";" in case.content_type else case.content_type or "of nothing"
        yield REQUEST, f"the Content-Type {description}"
    if case.coding:
        yield REQUEST, f"the coding {case.coding}"


def json_type_name(value: Json) -> str:
    """What a value is, in a word or two."""
    if value is None:
        return "null"
    type_names = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return type_names.get(type(value), "a number")


def categories(value: Json) -> Iterator[str]:
    """What a value is, from the broadest word to the narrowest."""
    yield json_type_name(value)
    if isinstance(value, str):
        yield from _text_categories(value)
    elif isinstance(value, dict):
        if len(value) >= _MANY_NAMES:
            yield "an object of very many names"
    elif isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        yield "an integer beyond 64 bits"
    elif isinstance(value, float):
        yield "a number beyond any" if math.isinf(value) else "a fraction"


def _text_categories(text: str) -> Iterator[str]:
    """What a text is."""
    if not text.strip():
        yield "an empty text" if not text else "a blank text"
    if _TIMESTAMP_START.match(text):
        yield "a text that is a time"
    if "\0" in text:
        yield "a text with a NUL"
    if _SURROGATE.search(text):
        yield "a lone surrogate"
    elif not text.isascii():
        yield "a text beyond ASCII"
        if max(text) > "\uffff":
            yield "a text beyond the first plane, such as an emoji"
    if len(text) >= _LONG_TEXT_LENGTH:
        yield "a long text"
    if "<" in text:
        yield "a text with markup"
    if "'" in text:
        yield "a text with an apostrophe"


def _name_categories(name: str) -> Iterator[str]:
    """What is special about a name."""
    if not name:
        yield "an empty name"
    if len(name) >= _LONG_NAME_LENGTH:
        yield "a long name"
    if "\0" in name:
        yield "a name with a NUL"
    if not name.isascii():
        yield "a name beyond ASCII"
    if "." in name or name.startswith("$"):
        yield "a name with a dot or a dollar"
    if name.startswith("__") or name == "constructor":
        yield "a name of a prototype"
