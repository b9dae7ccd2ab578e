"""The feature extractor: finds the features of a case."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import OperationKind
from conformance.fuzz.case import JSON_MEDIA_TYPE, Auth
from conformance.fuzz.features import ANYWHERE, BATCH_EVENT, ENVELOPE, FREE_FORM, NOT_JSON, REQUEST, Category, Feature
from conformance.fuzz.seed_events import batch_events
from conformance.fuzz.strict_json import BOM, parse_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json
    from conformance.fuzz.case import Case

_INT64 = 2**63
_LONG_TEXT_LENGTH, _LONG_NAME_LENGTH, _MANY_NAMES, _MAX_DEPTH = 100, 100, 500, 60
_SURROGATE = re.compile("[\ud800-\udfff]")
_TIMESTAMP_START = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class FeatureExtractor:
    """Finds the features of the cases of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._operations = {str(operation): operation for operation in contract.operations}
        self._open_objects = {event.open_object for event in contract.profile.events.values() if event.open_object}
        self._documented_pointers = {
            pointer
            for name in contract.profile.events
            for pointer in pointers.of_properties("", contract.event_schema(name))
        }

    def features_of(self, case: Case) -> frozenset[Feature]:
        """All features of a case."""
        operation = self._operations[case.call]
        features = {*_header_features(case)}
        parsed = parse_body(case.body)
        if case.coding:
            features |= set() if parsed.is_json else {NOT_JSON}
        else:
            if case.body.startswith(BOM.encode()):
                features.add(Feature(REQUEST, Category.BYTE_ORDER_MARK))
            if parsed.has_duplicate_names:
                features.add(Feature(ANYWHERE, Category.DUPLICATE_NAME))
            if parsed.is_too_deep:
                features.add(Feature(ANYWHERE, Category.DEEP_NESTING))
            elif parsed.is_json:
                features |= {*self._body_features(operation, parsed.value)}
                features |= {*self._missing_features(operation, parsed.value)}
            else:
                features.add(NOT_JSON)
                if not case.body or not parsed.is_utf8:
                    features.add(Feature(REQUEST, Category.NOT_UTF8 if case.body else Category.NO_BODY))
        return frozenset(features)

    def _body_features(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """The features of the values in a body: of an event, or of a batch and its events."""
        if operation.kind is not OperationKind.BATCH:
            if not isinstance(value, dict):
                yield Feature(REQUEST, Category.BODY_OF_TYPE, json_type(value).value)
            yield from self._value_features("", value, 0)
            return
        events = batch_events(self._contract, value)
        if events is not None:
            yield Feature(REQUEST, Category.BATCH)
            for item in events:
                yield from self._value_features("" if isinstance(item, dict) else BATCH_EVENT, item, 0)
            if isinstance(value, dict):
                value = pointers.remove(value, self._contract.profile.batch.pointer)
        yield from self._value_features(ENVELOPE, value, 0)

    def _missing_features(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """What an event needs, and one in the body lacks."""
        contract, events = self._contract, [value]
        is_batch = operation.kind is OperationKind.BATCH
        if is_batch:
            event_list = batch_events(contract, value)
            events = event_list or []
            if not events:
                yield Feature(REQUEST, Category.NO_EVENT_LIST if event_list is None else Category.NO_EVENT)
        ids = contract.identity_pointers(operation.event_type)
        type_pointer = contract.profile.pointers.type if is_batch else None
        required = (*contract.event_type(operation.event_type).required, *([type_pointer] if type_pointer else []))
        for event in events:
            if isinstance(event, dict):
                if not any(pointers.has(event, pointer) for pointer in ids.values()):
                    yield Feature(REQUEST, Category.NO_IDENTITY)
                for pointer in required:
                    if not pointers.has(event, pointer):
                        yield Feature(pointer, Category.MISSING)

    def _value_features(self, place: str, value: Json, depth: int) -> Iterator[Feature]:
        """The features of a value and of all values in it."""
        if place:
            for category in categories(value):
                yield Feature(self._display_place(place), category)
                yield Feature(ANYWHERE, category)
        if depth == _MAX_DEPTH:
            yield Feature(ANYWHERE, Category.DEEP_NESTING)
            return
        if isinstance(value, dict):
            for name, item in value.items():
                for category in _name_categories(name):
                    yield Feature(self._display_place(f"{place}/*"), category)
                    yield Feature(ANYWHERE, category)
                yield from self._value_features(f"{place}/{self._documented_name(place, name)}", item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                yield from self._value_features(f"{place}/*", item, depth + 1)

    def _documented_name(self, place: str, name: str) -> str:
        """A name if a schema has it in this place, else `*`."""
        pointer = f"{place}/{name}"
        return name if pointer[pointer.index("/") :] in self._documented_pointers else "*"

    def _display_place(self, pointer: str) -> str:
        """A place as findings name it: all places inside an open object are one."""
        is_in_open_object = any(pointer.startswith(f"{open_object}/") for open_object in self._open_objects)
        return FREE_FORM if is_in_open_object else pointer


def first_in_category(body: bytes, category: Category) -> Json:
    """The first value of a category in a body, or an object with the first name of that category."""
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
    """What is special about a request apart from its body."""
    if case.auth is not Auth.VALID:
        yield Feature(REQUEST, Category.CREDENTIALS, case.auth.value)
    if case.content_type != JSON_MEDIA_TYPE:
        detail = "with a parameter" if ";" in case.content_type else case.content_type or "that is empty"
        yield Feature(REQUEST, Category.CONTENT_TYPE, detail)
    if case.coding:
        yield Feature(REQUEST, Category.CODING, case.coding)


def json_type(value: Json) -> Category:
    """The JSON type of a value."""
    if value is None:
        return Category.NULL
    types = {bool: Category.BOOLEAN, str: Category.TEXT, list: Category.LIST, dict: Category.OBJECT}
    return types.get(type(value), Category.NUMBER)


def categories(value: Json) -> Iterator[Category]:
    """The categories of a value, from the broadest to the narrowest."""
    yield json_type(value)
    if isinstance(value, str):
        yield from _text_categories(value)
    elif isinstance(value, dict):
        if len(value) >= _MANY_NAMES:
            yield Category.LARGE_OBJECT
    elif isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        yield Category.BIG_INTEGER
    elif isinstance(value, float):
        yield Category.INFINITE_NUMBER if math.isinf(value) else Category.FRACTION


def _text_categories(text: str) -> Iterator[Category]:
    if not text.strip():
        yield Category.BLANK_TEXT if text else Category.EMPTY_TEXT
    if _TIMESTAMP_START.match(text):
        yield Category.TIMESTAMP_TEXT
    if "\0" in text:
        yield Category.TEXT_WITH_NUL
    if _SURROGATE.search(text):
        yield Category.LONE_SURROGATE
    elif not text.isascii():
        yield Category.NON_ASCII_TEXT
        if max(text) > "\uffff":
            yield Category.ASTRAL_TEXT
    if len(text) >= _LONG_TEXT_LENGTH:
        yield Category.LONG_TEXT
    if "<" in text:
        yield Category.TEXT_WITH_MARKUP
    if "'" in text:
        yield Category.TEXT_WITH_APOSTROPHE


def _name_categories(name: str) -> Iterator[Category]:
    if not name:
        yield Category.EMPTY_NAME
    if len(name) >= _LONG_NAME_LENGTH:
        yield Category.LONG_NAME
    if "\0" in name:
        yield Category.NAME_WITH_NUL
    if not name.isascii():
        yield Category.NON_ASCII_NAME
    if "." in name or name.startswith("$"):
        yield Category.NAME_WITH_DOT_OR_DOLLAR
    if name.startswith("__") or name == "constructor":
        yield Category.PROTOTYPE_NAME
