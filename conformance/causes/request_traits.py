"""Traits: features of a request that could be the cause of different answers."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from conformance.causes.evidence import MAX_BODY_BYTES
from conformance.core import pointers
from conformance.core.model import OperationKind
from conformance.fuzz.case import JSON_MEDIA_TYPE, Case, Origin
from conformance.fuzz.feature_extractor import FeatureExtractor
from conformance.fuzz.features import FREE_FORM, REQUEST, Category, Feature
from conformance.fuzz.strict_json import parse_body
from conformance.profile.facts import SizeLimit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json, MeasuredSize, Request

_MAX_LENGTH = 120
_BASE64_PLACEHOLDER = re.compile(r"base64\((?P<text>.*)\)", re.DOTALL)
_MAX_PATTERN_LENGTH = 40
_GZIP_NAMES, _GZIP_WINDOW_BITS = frozenset({"gzip", "x-gzip"}), 31
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
"""A date in a form that every parser reads: what it can't read, it can't find too old."""
_DATE_LIMITS_YEARS, _DAYS_IN_YEAR = (1, 10, 50), 365
_SPREAD = re.compile(rb"[{,]\s*[\r\n]")
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")


class RequestTraits:
    """Finds the traits of requests under one contract, and caches them."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._features = FeatureExtractor(contract)
        kinds = [*contract.profile.events.values()]
        self._open_pointers = {kind.open_object for kind in kinds if kind.open_object}
        self._documented_pointers = {
            place for kind in kinds if kind.example for place in _example_pointers("", kind.example.value)
        }
        for name in contract.profile.events:
            self._documented_pointers |= {*pointers.of_properties("", contract.event_schema(name))}
        self._cache: dict[tuple[int, int], tuple[Operation, Request, frozenset[Feature]]] = {}
        """By identity, for requests take long to hash; both objects are kept, so that no other gets their identity."""

    def of_request(self, operation: Operation, request: Request) -> frozenset[Feature]:
        """All traits of a request. Its secrets must be redacted."""
        key = (id(operation), id(request))
        if key not in self._cache:
            self._cache[key] = (operation, request, frozenset(self._find_in_request(operation, request)))
        return self._cache[key][-1]

    def _find_in_request(self, operation: Operation, request: Request) -> Iterator[Feature]:
        yield from self._find_outside_body(operation, request)
        if request.measured_size is not None:
            yield self._measured_size_trait(request.measured_size)
        body = request.body
        if operation.kind is OperationKind.PIXEL:
            body = b""
            for name, value in request.query:
                if name == self.contract.pixel_parameter:
                    body = _decode_pixel(value)
                else:
                    yield Feature(REQUEST, Category.QUERY, f"{name}={value[:_MAX_LENGTH]}")
        if not body.isascii() and (request.is_decompressed or not _is_coded(request)):
            yield Feature(REQUEST, Category.NON_ASCII_BYTES)
        if len(body) > MAX_BODY_BYTES:
            yield Feature(REQUEST, Category.LARGE_BODY)
        elif request.method == operation.method:
            yield from self.of_case(operation, case_from_request(operation, request, body))

    def of_case(self, operation: Operation, case: Case) -> Iterator[Feature]:
        """The traits of the body of a case, and of its Content-Type and Content-Encoding."""
        if len(case.body) > MAX_BODY_BYTES:
            yield Feature(REQUEST, Category.LARGE_BODY)
            return
        yield from self._features.features_of(case)
        if case.coding:
            yield from _find_in_coding(case.coding, case.body)
        parsed = parse_body(case.body)
        if not parsed.is_too_deep:
            yield from self._find_missing_user(operation, parsed.value)
            yield from _find_digit_patterns("", parsed.value)
            if _SPREAD.search(case.body):
                yield Feature(REQUEST, Category.SPREAD_JSON)
            for event in self._events_in_body(operation, parsed.value):
                yield from self._find_extra_fields(operation, event)

    def events_of_request(self, operation: Operation, request: Request) -> list[Any]:
        """The events in a request, if its body is readable JSON; they need not be objects."""
        body = request.body
        if operation.kind is OperationKind.PIXEL:
            wanted = self.contract.pixel_parameter
            body = next((_decode_pixel(value) for name, value in request.query if name == wanted), b"")
        if request.method != operation.method or len(body) > MAX_BODY_BYTES:
            return []
        return self.events_of_case(operation, case_from_request(operation, request, body))

    def events_of_case(self, operation: Operation, case: Case) -> list[Any]:
        """The events in the body of a case."""
        parsed = parse_body(case.body)
        return self._events_in_body(operation, parsed.value) if parsed.is_json and not parsed.is_too_deep else []

    def _events_in_body(self, operation: Operation, value: Json) -> list[Any]:
        """The events in a body: the body itself, or those of a batch."""
        if operation.kind is not OperationKind.BATCH:
            return [value]
        events_pointer = self.contract.profile.batch.pointer
        events: Any = pointers.get(value, events_pointer) if pointers.has(value, events_pointer) else []
        return events if isinstance(events, list) else []

    def _find_missing_user(self, operation: Operation, value: Json) -> Iterator[Feature]:
        """A trait for each event without a valid id."""
        for event in self._events_in_body(operation, value):
            if isinstance(event, dict) and not self.contract.has_identity(operation.event_type, event):
                yield Feature(REQUEST, Category.NO_USER)

    def _find_extra_fields(self, operation: Operation, event: Json) -> Iterator[Feature]:
        """The places of additional fields, and of undocumented names."""
        kind = self.contract.event_type(operation.event_type)
        needed = {*kind.required, *self.contract.identity_pointers(operation.event_type).values()}
        type_pointer = self.contract.profile.pointers.type or ""
        needed.add(type_pointer)
        type_name = pointers.get(event, type_pointer) if type_pointer and pointers.has(event, type_pointer) else None
        open_pointer = self.contract.profile.events.get(str(type_name), kind).open_object
        pending: list[tuple[str, Json]] = [("", event)]
        while pending:
            place, value = pending.pop()
            for name, item in value.items() if isinstance(value, dict) else ():
                field_pointer = f"{place}/{name}"
                is_ancestor = any(pointer.startswith(f"{field_pointer}/") for pointer in needed)
                if field_pointer not in needed and not is_ancestor:
                    yield Feature(place, Category.ADDITIONAL_FIELD)
                if place == open_pointer and isinstance(item, (dict, list)):
                    yield Feature(FREE_FORM, Category.NESTED_VALUE)
                if place in self._open_pointers and field_pointer not in self._documented_pointers:
                    yield Feature(place, Category.UNDOCUMENTED_NAME)
                    if place == open_pointer:
                        yield Feature(FREE_FORM, Category.UNDOCUMENTED_NAME)
                if is_ancestor or field_pointer in self._open_pointers:
                    pending.append((field_pointer, item))

    def _find_outside_body(self, operation: Operation, request: Request) -> Iterator[Feature]:
        """The traits outside the body."""
        if request.method != operation.method:
            yield Feature(REQUEST, Category.METHOD, request.method)
        if request.path != operation.path:
            yield Feature(REQUEST, Category.PATH, request.path[:_MAX_LENGTH])
        if request.chunked:
            yield Feature(REQUEST, Category.CHUNKED_BODY)
        if operation.kind is not OperationKind.PIXEL:
            for name, value in request.query:
                yield Feature(REQUEST, Category.QUERY, f"{name}={value[:_MAX_LENGTH]}")
        yield from _find_in_headers(request)

    def _measured_size_trait(self, measured_size: MeasuredSize) -> Feature:
        """The size of a request that was made to have it, compared with the limit that it is about."""
        fact = self.contract.profile.facts.get(measured_size.limit_fact)
        if not isinstance(fact, SizeLimit):
            return Feature(REQUEST, Category.UNKNOWN_SIZE)
        category = Category.NEAR_LIMIT
        if measured_size.size <= fact.largest_accepted:
            category = Category.WITHIN_LIMIT
        elif measured_size.size >= fact.smallest_refused:
            category = Category.OVER_LIMIT
        return Feature(REQUEST, category, measured_size.limit_fact)


def _find_in_headers(request: Request) -> Iterator[Feature]:
    """The headers, and whether the credentials among them contain the key."""
    if not any(name.lower() == "authorization" for name, _ in request.headers):
        yield Feature(REQUEST, Category.NO_CREDENTIALS_HEADER)
    for name, value in request.headers:
        lower = name.lower()
        if lower == "content-encoding":
            yield Feature(REQUEST, Category.CODING, value)
            yield from _find_in_coding(value, request.body, is_decompressed=request.is_decompressed)
        elif lower != "content-type":
            yield Feature(REQUEST, Category.HEADER, f"{lower}: {value[:_MAX_LENGTH]}")
        if lower == "authorization":
            yield Feature(REQUEST, Category.CREDENTIALS_WITH_KEY if "$" in value else Category.CREDENTIALS_WITHOUT_KEY)


def _is_coded(request: Request) -> bool:
    return any(name.lower() == "content-encoding" for name, _ in request.headers)


def _find_in_coding(name: str, body: bytes, *, is_decompressed: bool = False) -> Iterator[Feature]:
    """What is unusual about a coded body: its coding, that it is damaged, or how much it unpacks to."""
    if name.strip().lower() not in _GZIP_NAMES:
        yield Feature(REQUEST, Category.OTHER_CODING)
        return
    if is_decompressed:
        if len(body) > MAX_BODY_BYTES:
            yield Feature(REQUEST, Category.GZIP_BOMB)
        return
    unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW_BITS)
    try:
        unpacked = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        unpacked = b""
    if len(unpacked) > MAX_BODY_BYTES:
        yield Feature(REQUEST, Category.GZIP_BOMB)
    elif not unpacker.eof or unpacker.unused_data:
        yield Feature(REQUEST, Category.UNREADABLE_GZIP)


def _find_digit_patterns(place: str, value: Json) -> Iterator[Feature]:
    """The patterns of texts with digits, such as times and numbers."""
    if isinstance(value, str) and len(value) <= _MAX_PATTERN_LENGTH and any(map(str.isdigit, value)):
        yield Feature(place, Category.DIGIT_PATTERN, _LETTERS.sub("a", _DIGITS.sub("9", value)))
        yield from _find_dates(place, value)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _find_digit_patterns(f"{place}/{name}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _find_digit_patterns(f"{place}/*", item)


def _find_dates(place: str, text: str) -> Iterator[Feature]:
    """How far a date is from today, for whoever refuses what is too old or too far ahead."""
    if not _DATE.fullmatch(text):
        return
    try:
        days = (datetime.fromisoformat(text) - datetime.now(UTC)).days
    except ValueError:
        return
    direction = "ahead" if days > 0 else "ago"
    for years in _DATE_LIMITS_YEARS:
        if abs(days) > years * _DAYS_IN_YEAR:
            yield Feature(place, Category.DATE, f"more than {years} years {direction}")


def _example_pointers(place: str, value: Json) -> Iterator[str]:
    """The pointers of all fields in an example."""
    for name, item in value.items() if isinstance(value, dict) else ():
        yield f"{place}/{name}"
        yield from _example_pointers(f"{place}/{name}", item)


def case_from_request(operation: Operation, request: Request, body: bytes) -> Case:
    """A request as a case of fuzzing."""
    headers = {name.lower(): value for name, value in request.headers}
    coding = "" if request.is_decompressed else headers.get("content-encoding", "")
    content_type = headers.get("content-type", "" if operation.kind is not OperationKind.PIXEL else JSON_MEDIA_TYPE)
    return Case(
        call=str(operation), origin=Origin.SHRINKER, about="", body=body, content_type=content_type,
        coding=coding,
    )  # fmt: skip


def _decode_pixel(value: str) -> bytes:
    """The decoded value of the pixel parameter."""
    placeholder = _BASE64_PLACEHOLDER.fullmatch(value)
    if placeholder:
        return placeholder["text"].encode()
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.encode()
