"""Traits: what a request of a check has that could be the reason why two servers answer it differently."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from conformance import pointers
from conformance.fuzz.case import JSON_TYPE, Case, Origin
from conformance.fuzz.features import FREE, REQUEST, Feature, Features
from conformance.fuzz.reading import read
from conformance.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.model import Json, Request

_LARGEST_BYTES = 20_000
_LONGEST = 120
_ENCODED = re.compile(r"base64\((?P<text>.*)\)", re.DOTALL)
_LONGEST_LOOK = 40
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")


class Traits:
    """Finds the traits of requests under one contract; each request is looked at once."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._features = Features(contract)
        kinds = [*contract.profile.events.values()]
        self._opens = {kind.open for kind in kinds if kind.open}
        self._documented = {
            place for kind in kinds if kind.example for place in _places("", kind.example.value)
        }
        for name in contract.profile.events:
            self._documented |= {*_properties("", contract.event_schema(name))}
        self._known: dict[tuple[Operation, Request], frozenset[Feature]] = {}

    def of(self, operation: Operation, request: Request) -> frozenset[Feature]:
        """Everything that a request has, whose secrets are taken out."""
        key = (operation, request)
        if key not in self._known:
            self._known[key] = frozenset(self._found(operation, request))
        return self._known[key]

    def _found(self, operation: Operation, request: Request) -> Iterator[Feature]:
        yield from self._of_head(operation, request)
        if request.weight is not None:
            yield REQUEST, self._weight(request)
        body = request.body
        if operation.kind is Kind.PIXEL:
            body = b""
            for name, value in request.query:
                if name == self.contract.pixel_parameter:
                    body = _decoded(value)
                else:
                    yield REQUEST, f"the query {name}={value[:_LONGEST]}"
        if len(body) > _LARGEST_BYTES:
            yield REQUEST, "a large body"
        elif request.method == operation.method:
            yield from self.of_case(operation, case(operation, request, body))

    def of_case(self, operation: Operation, case: Case) -> Iterator[Feature]:
        """What is special about the body of a case, and what says of what type it is."""
        if len(case.body) > _LARGEST_BYTES:
            yield REQUEST, "a large body"
            return
        yield from self._features.of(case)
        found = read(case.body)
        if not found.is_deep:
            yield from self._nobody(operation, found.value)
            yield from _looks("", found.value)
            for event in self._events(operation, found.value):
                yield from self._further(operation, event)

    def events(self, operation: Operation, request: Request) -> list[Any]:
        """The events in a request, if it can be read; values that are no objects among them."""
        body = request.body
        if operation.kind is Kind.PIXEL:
            wanted = self.contract.pixel_parameter
            body = next((_decoded(value) for name, value in request.query if name == wanted), b"")
        if request.method != operation.method or len(body) > _LARGEST_BYTES:
            return []
        return self.events_of(operation, case(operation, request, body))

    def events_of(self, operation: Operation, case: Case) -> list[Any]:
        """The events in the body of a case."""
        found = read(case.body)
        return self._events(operation, found.value) if found.is_json and not found.is_deep else []

    def _events(self, operation: Operation, value: Json) -> list[Any]:
        """The events in a body: itself, or those of a batch."""
        if operation.kind is not Kind.BATCH:
            return [value]
        where = self.contract.profile.batch.pointer
        found: Any = pointers.get(value, where) if pointers.has(value, where) else []
        return found if isinstance(found, list) else []

    def _nobody(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """Whether an event names no user, in whatever way."""
        for event in self._events(operation, value):
            if isinstance(event, dict) and not self.contract.identified(operation.type, event):
                yield REQUEST, "no user"

    def _further(self, operation: Operation, event: Json) -> Iterator[Feature]:
        """Where an event has more than what is needed, and where names that no document knows."""
        kind = self.contract.event(operation.type)
        needed = {*kind.required, *self.contract.identities(operation.type).values()}
        typed = self.contract.profile.pointers.type or ""
        needed.add(typed)
        named = pointers.get(event, typed) if typed and pointers.has(event, typed) else None
        opened = self.contract.profile.events.get(str(named), kind).open
        rest: list[tuple[str, Json]] = [("", event)]
        while rest:
            place, value = rest.pop()
            for name, item in value.items() if isinstance(value, dict) else ():
                inner = f"{place}/{name}"
                is_way = any(pointer.startswith(f"{inner}/") for pointer in needed)
                if inner not in needed and not is_way:
                    yield place, "a further field"
                if place in self._opens and inner not in self._documented:
                    yield place, "a name that no document knows"
                    if place == opened:
                        yield FREE, "a name that no document knows"
                if is_way or inner in self._opens:
                    rest.append((inner, item))

    def _of_head(self, operation: Operation, request: Request) -> Iterator[Feature]:
        """What is special beside the body."""
        if request.method != operation.method:
            yield REQUEST, f"the method {request.method}"
        if request.path != operation.path:
            yield REQUEST, f"the path {request.path[:_LONGEST]}"
        if request.chunked:
            yield REQUEST, "a body in chunks"
        if operation.kind is not Kind.PIXEL:
            for name, value in request.query:
                yield REQUEST, f"the query {name}={value[:_LONGEST]}"
        yield from _of_headers(request)

    def _weight(self, request: Request) -> str:
        """How heavy a request is that was made to be, by the limit that it is about."""
        weight = request.weight
        fact = self.contract.profile.facts.get(weight.fact) if weight else None
        if weight is None or fact is None:
            return "a size"
        at_least, at_most = getattr(fact, "at_least", 0), getattr(fact, "at_most", 0)
        if weight.size <= at_least:
            return f"within {weight.fact}"
        return f"over {weight.fact}" if weight.size > at_most else f"about at {weight.fact}"


def _of_headers(request: Request) -> Iterator[Feature]:
    """The headers, and whether the credentials among them have anything to do with the right ones."""
    if not any(name.lower() == "authorization" for name, _ in request.headers):
        yield REQUEST, "no credentials in the header"
    for name, value in request.headers:
        lower = name.lower()
        if lower == "content-encoding":
            yield REQUEST, f"the coding {value}"
        elif lower != "content-type":
            yield REQUEST, f"the header {lower}: {value[:_LONGEST]}"
        if lower == "authorization":
            yield REQUEST, f"credentials {'with' if '$' in value else 'without'} the key"


def _looks(place: str, value: Json) -> Iterator[Feature]:
    """What texts with digits look like, such as times and numbers, and where they are."""
    if isinstance(value, str) and len(value) <= _LONGEST_LOOK and any(map(str.isdigit, value)):
        yield place, f"like {_LETTERS.sub('a', _DIGITS.sub('9', value))}"
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _looks(f"{place}/{name}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _looks(f"{place}/*", item)


def _places(place: str, value: Json) -> Iterator[str]:
    """The pointers of all fields in an example."""
    for name, item in value.items() if isinstance(value, dict) else ():
        yield f"{place}/{name}"
        yield from _places(f"{place}/{name}", item)


def _properties(place: str, schema: Json) -> Iterator[str]:
    """The pointers of all fields that a schema names."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        yield f"{place}/{name}"
        yield from _properties(f"{place}/{name}", inner)


def case(operation: Operation, request: Request, body: bytes) -> Case:
    """A request as fuzzing has it, with the right key."""
    given = {name.lower(): value for name, value in request.headers}
    coding = "" if request.unpacked else given.get("content-encoding", "")
    content_type = given.get("content-type", "" if operation.kind is not Kind.PIXEL else JSON_TYPE)
    return Case(
        call=str(operation), origin=Origin.SHRINKER, about="", body=body, content_type=content_type,
        coding=coding,
    )  # fmt: skip


def _decoded(value: str) -> bytes:
    """What a pixel's parameter carries."""
    shown = _ENCODED.fullmatch(value)
    if shown:
        return shown["text"].encode()
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.encode()
