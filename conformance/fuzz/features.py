"""Features: what a request has that could be the reason of a failure, each a place and what is there."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.fuzz.case import JSON_TYPE, Auth
from conformance.fuzz.reading import BOM, read
from conformance.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.fuzz.case import Case
    from conformance.model import Json

Feature = tuple[str, str]
"""A place and what is there. The place `*` is anywhere in a body, `free form` inside its open object."""

ANYWHERE, FREE, REQUEST = "*", "free form", "request"
NO_JSON = (REQUEST, "no JSON")
ITEM, NOTHING = "an event", "nothing"
SORTS = ("null", "a boolean", "a number", "a text", "a list", "an object")
_BROAD = {"an object": 1, "a list": 2, "a text": 3, "a number": 4, "a fraction": 5}
"""How narrow a word is; all others are narrower."""
_INT64 = 2**63
_LONG_TEXT, _LONG_NAME, _MANY, _DEEP = 1_000, 1_000, 500, 60
_SURROGATE = re.compile("[\ud800-\udfff]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class Features:
    """Finds the features of the cases of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._operations = {str(operation): operation for operation in contract.operations}
        self._opens = {event.open for event in contract.profile.events.values() if event.open}
        self._known = {name: contract.event_schema(name) for name in contract.profile.events}

    def of(self, case: Case) -> frozenset[Feature]:
        """Everything that a case has."""
        operation = self._operations[case.call]
        found = {*_of_request(case)}
        reading = read(case.body)
        if case.coding:
            found |= set() if reading.is_json else {NO_JSON}
        else:
            if case.body.startswith(BOM.encode()):
                found.add((REQUEST, "a byte order mark"))
            if reading.has_twins:
                found.add((ANYWHERE, "a name twice"))
            if reading.is_deep:
                found.add((ANYWHERE, "deep nesting"))
            elif reading.is_json:
                found |= {*self._of_body(operation, reading.value)}
                found |= {*self._missing(operation, reading.value)}
            else:
                found.add(NO_JSON)
                if not case.body or not reading.is_utf8:
                    found.add((REQUEST, "no body" if not case.body else "no UTF-8"))
        return frozenset(found)

    def _of_body(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """What a body has: that of an event, or of a batch and its events."""
        if operation.kind is not Kind.BATCH:
            if not isinstance(value, dict):
                yield REQUEST, f"{sort(value)} as body"
            yield from self._of_value("", value, 0)
            return
        where = self._contract.profile.batch.pointer
        listed = pointers.get(value, where) if pointers.has(value, where) else None
        if isinstance(listed, list):
            yield REQUEST, "a batch"
            for item in listed:
                if isinstance(item, dict):
                    yield from self._of_value("", item, 0)
                else:
                    yield from self._of_value(ITEM, item, 0)
            value = pointers.drop(value, where) if isinstance(value, dict) else value
            yield from self._of_value("envelope", value, 0)
        else:
            yield from self._of_value("envelope", value, 0)

    def _missing(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """What an event should have, and one in the body has not."""
        where = self._contract.profile.batch.pointer
        events: list[Json] = [value]
        if operation.kind is Kind.BATCH:
            listed = pointers.get(value, where) if pointers.has(value, where) else None
            events = listed if isinstance(listed, list) else []
            if not events:
                yield REQUEST, "no event" if listed == [] else "no list of events"
        kind, ids = self._contract.event(operation.type), self._contract.identities(operation.type)
        named = self._contract.profile.pointers.type if operation.kind is Kind.BATCH else None
        for event in events:
            if isinstance(event, dict):
                if not any(pointers.has(event, pointer) for pointer in ids.values()):
                    yield REQUEST, "nobody's event"
                for pointer in (*kind.required, *([named] if named else [])):
                    if not pointers.has(event, pointer):
                        yield pointer, NOTHING

    def _of_value(self, place: str, value: Json, depth: int) -> Iterator[Feature]:
        """What a value has, and the values in it."""
        if place:
            for category in categories(value):
                yield self.place(place), category
                yield ANYWHERE, category
        if depth == _DEEP:
            yield ANYWHERE, "deep nesting"
            return
        if isinstance(value, dict):
            for name, item in value.items():
                for category in _names(name):
                    yield self.place(f"{place}/*"), category
                    yield ANYWHERE, category
                yield from self._of_value(f"{place}/{self._named(place, name)}", item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                yield from self._of_value(f"{place}/*", item, depth + 1)

    def _named(self, place: str, name: str) -> str:
        """A name where the documents know it; elsewhere any."""
        pointer = f"{place}/{name}"
        for schema in self._known.values():
            if _knows(schema, pointer):
                return name
        return "*"

    def place(self, pointer: str) -> str:
        """A place as it is called in findings: open objects are all alike."""
        for opened in self._opens:
            if pointer.startswith(f"{opened}/"):
                return FREE
        return pointer


def _knows(schema: object, pointer: str) -> bool:
    """Whether a schema names what a pointer points at."""
    for step in pointers.steps(pointer):
        inner = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(inner, dict) or step not in inner:
            return False
        schema = inner[step]
    return True


def headline(special: frozenset[Feature]) -> Feature | None:
    """The one feature that tells most: the deepest place, and the narrowest word for what is there."""
    return max(special, key=_weight, default=None)


def _weight(feature: Feature) -> tuple[int, int, int, str]:
    """How much a feature tells."""
    place, category = feature
    is_placed = place not in {ANYWHERE, REQUEST}
    depth = 2 if place == FREE else place.count("/")
    return is_placed, depth, _BROAD.get(category, 10), f"{place} {category}"


def reason(feature: Feature | None) -> str:
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


def odd(body: bytes, category: str) -> Json:
    """The first value of a category in a body, or an object of the first such name."""
    rest: list[Json] = [json.loads(body)]
    while rest:
        value = rest.pop(0)
        if category in categories(value):
            return value
        if isinstance(value, dict):
            for name, item in value.items():
                if category in _names(name):
                    return {name: item}
                rest.append(item)
        elif isinstance(value, list):
            rest += value
    return None


def _of_request(case: Case) -> Iterator[Feature]:
    """What is special about a request beside its body."""
    if case.auth is not Auth.RIGHT:
        yield REQUEST, f"credentials: {case.auth}"
    if case.content_type != JSON_TYPE:
        words = "with a parameter" if ";" in case.content_type else case.content_type or "of nothing"
        yield REQUEST, f"the Content-Type {words}"
    if case.coding:
        yield REQUEST, f"the coding {case.coding}"


def sort(value: Json) -> str:
    """What a value is, in a word or two."""
    if value is None:
        return "null"
    words = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return words.get(type(value), "a number")


def categories(value: Json) -> Iterator[str]:
    """What a value is, from the broadest word to the narrowest."""
    yield sort(value)
    if isinstance(value, str):
        yield from _texts(value)
    elif isinstance(value, dict):
        if len(value) >= _MANY:
            yield "an object of very many names"
    elif isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        yield "an integer beyond 64 bits"
    elif isinstance(value, float):
        yield "a number beyond any" if math.isinf(value) else "a fraction"


def _texts(text: str) -> Iterator[str]:
    """What a text is."""
    if not text.strip():
        yield "an empty text" if not text else "a blank text"
    if _TIME.match(text):
        yield "a text that is a time"
    if "\0" in text:
        yield "a text with a NUL"
    if _SURROGATE.search(text):
        yield "a lone surrogate"
    elif not text.isascii():
        yield "a text beyond ASCII"
        if max(text) > "\uffff":
            yield "a text beyond the first plane, such as an emoji"
    if len(text) >= _LONG_TEXT:
        yield "a long text"
    if "<" in text:
        yield "a text with markup"
    if "'" in text:
        yield "a text with an apostrophe"


def _names(name: str) -> Iterator[str]:
    """What is special about a name."""
    if not name:
        yield "an empty name"
    if len(name) >= _LONG_NAME:
        yield "a long name"
    if "\0" in name:
        yield "a name with a NUL"
    if not name.isascii():
        yield "a name beyond ASCII"
    if "." in name or name.startswith("$"):
        yield "a name with a dot or a dollar"
    if name.startswith("__") or name == "constructor":
        yield "a name of a prototype"
