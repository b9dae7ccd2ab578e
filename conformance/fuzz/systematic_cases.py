"""Systematic cases: every interesting value in every field of every operation, one at a time, in a fixed order."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import OperationKind
from conformance.fuzz import interesting_values
from conformance.fuzz.case import Auth, Case, Origin
from conformance.fuzz.interleave import interleave, spread_over_paths
from conformance.fuzz.seed_events import SeedEvents, group_operations, without_keys
from conformance.profile.facts import LimitKind
from conformance.requests.padding import encode_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json, JsonObject

_UNKNOWN_FIELD = "/conformance_field"
_MAX_BATCH_LIMIT_BYTES = 5_000_000


def systematic_cases(contract: Contract) -> Iterator[Case]:
    """All systematic cases, for all operations in turn."""
    yield from interleave([_group_cases(contract, operations) for operations in group_operations(contract)])


def _group_cases(contract: Contract, operations: list[Operation]) -> Iterator[Case]:
    """The cases of equal operations, spread over their paths; cases about a whole request go to each path."""
    for operation in operations:
        yield from _per_path_cases(SeedEvents.for_operation(contract, operation))
    seed_events = SeedEvents.for_operation(contract, operations[0])
    cases = interleave((_field_cases(seed_events), _other_cases(seed_events)), (2, 1))
    yield from spread_over_paths(cases, operations)


def _per_path_cases(seed_events: SeedEvents) -> Iterator[Case]:
    """Cases for every path: valid requests, and wrong credentials."""
    for event, description in zip(
        seed_events.valid_events, ("the smallest event", "a full event", "the example"), strict=False
    ):
        yield case_with_value(seed_events, description, seed_events.wrap_events(event))
    body = seed_events.minimal_body()
    for auth in (Auth.NONE, Auth.UNKNOWN, Auth.MALFORMED):
        if auth is not Auth.MALFORMED or seed_events.operation.kind in {OperationKind.EVENT, OperationKind.BATCH}:
            yield case_with_value(
                seed_events, f"credentials: {auth}", seed_events.wrap_events(seed_events.minimal_event)
            )._replace(auth=auth)
    yield _case_with_bytes(seed_events, "half a body", body[: len(body) // 2])


def _other_cases(seed_events: SeedEvents) -> Iterator[Case]:
    """Cases about the envelope, the text, sizes and headers, in turn."""
    parts = (_envelope_cases, _rewritten_body_cases, _size_cases, _header_cases)
    yield from interleave([make_cases(seed_events) for make_cases in parts])


def case_with_value(seed_events: SeedEvents, about: str, value: Json) -> Case:
    """A systematic case with a value as its body."""
    return _case_with_bytes(seed_events, about, interesting_values.to_json_bytes(value))


def _case_with_bytes(seed_events: SeedEvents, about: str, body: bytes) -> Case:
    return Case(call=seed_events.call, origin=Origin.MUTATOR, about=about, body=body)


def _field_cases(seed_events: SeedEvents) -> Iterator[Case]:
    """Every interesting value in every field, then timestamps, then every field missing."""
    uses_basic_values = seed_events.operation.kind is not OperationKind.EVENT
    fields = [*seed_events.field_pointers, _UNKNOWN_FIELD]
    for interesting in interesting_values.BASIC_VALUES if uses_basic_values else interesting_values.VALUES:
        for pointer in fields:
            event = pointers.put(seed_events.minimal_event, pointer, interesting.value)
            yield case_with_value(seed_events, f"{pointer}: {interesting.description}", seed_events.wrap_events(event))
        yield from _open_object_cases(seed_events, interesting)
    timestamp_pointer = seed_events.contract.profile.pointers.timestamp
    for timestamp in interesting_values.TIMESTAMPS if timestamp_pointer else ():
        event = pointers.put(seed_events.minimal_event, timestamp_pointer or "", timestamp.value)
        yield case_with_value(
            seed_events, f"{timestamp_pointer}: {timestamp.description}", seed_events.wrap_events(event)
        )
    for pointer in fields:
        yield case_with_value(
            seed_events, f"without {pointer}", seed_events.wrap_events(pointers.remove(seed_events.full_event, pointer))
        )
    yield case_with_value(
        seed_events, "an event that names nobody", seed_events.wrap_events(seed_events.event_without_ids)
    )


def _open_object_cases(seed_events: SeedEvents, interesting: interesting_values.InterestingValue) -> Iterator[Case]:
    """An interesting value inside the open object of an event, and inside its context."""
    open_pointer = seed_events.contract.event_type(seed_events.operation.event_type).open_object
    for pointer in dict.fromkeys(
        item for item in (open_pointer, seed_events.contract.profile.pointers.context) if item
    ):
        event = pointers.put(seed_events.minimal_event, f"{pointer}/conformance", interesting.value)
        yield case_with_value(seed_events, f"{pointer}/*: {interesting.description}", seed_events.wrap_events(event))


def _rewritten_body_cases(seed_events: SeedEvents) -> Iterator[Case]:
    """Bodies with rewritten bytes."""
    body = seed_events.minimal_body()
    for description, rewrite in interesting_values.BODY_REWRITES:
        yield _case_with_bytes(seed_events, description, rewrite(body))


def _envelope_cases(seed_events: SeedEvents) -> Iterator[Case]:
    """Invalid batches, and what may be in a batch."""
    if seed_events.operation.kind is not OperationKind.BATCH:
        return
    contract, valid = seed_events.contract, seed_events.minimal_event
    batch_pointer = contract.profile.batch.pointer
    for interesting in interesting_values.VALUES[:12]:
        yield case_with_value(
            seed_events, f"an event that is {interesting.description}", seed_events.wrap_events(interesting.value)
        )
        yield case_with_value(
            seed_events, f"the list is {interesting.description}", pointers.put({}, batch_pointer, interesting.value)
        )
        yield case_with_value(
            seed_events,
            f"a last event that is {interesting.description}",
            seed_events.wrap_events(valid, interesting.value),
        )
        yield case_with_value(
            seed_events,
            f"a first event that is {interesting.description}",
            seed_events.wrap_events(interesting.value, valid),
        )
    yield from _mixed_batch_cases(seed_events, valid)
    example = contract.profile.batch.example
    if example:
        yield case_with_value(seed_events, "the example", without_keys(contract, example.value))


def _mixed_batch_cases(seed_events: SeedEvents, valid: JsonObject) -> Iterator[Case]:
    """Batches of several events."""
    contract, operation = seed_events.contract, seed_events.operation
    without_ids = seed_events.event_without_ids
    for events in (
        [without_ids],
        [valid, without_ids],
        [without_ids, valid],
        [without_ids, without_ids],
        [valid] * 3,
        [valid] * 50,
        [],
    ):
        description = f"{events.count(valid)} valid events and {events.count(without_ids)} that name nobody"
        yield case_with_value(seed_events, description, seed_events.wrap_events(*events) if events else pointers.put(
            {}, contract.profile.batch.pointer, []))  # fmt: skip
    for name in contract.batch_types():
        other_seed_events = SeedEvents.for_operation(contract, operation, name)
        for event, description in (
            (other_seed_events.minimal_event, "the smallest"),
            (other_seed_events.full_event, "a full"),
        ):
            yield case_with_value(seed_events, f"{description} {name}", seed_events.wrap_events(event))
    type_pointer = contract.profile.pointers.type
    for interesting in (
        (*interesting_values.BASIC_VALUES, interesting_values.InterestingValue("unknown", "conformance-unknown"))
        if type_pointer
        else ()
    ):
        event = pointers.put(valid, type_pointer or "", interesting.value)
        yield case_with_value(seed_events, f"a type that is {interesting.description}", seed_events.wrap_events(event))
    if type_pointer:
        yield case_with_value(seed_events, "no type", seed_events.wrap_events(pointers.remove(valid, type_pointer)))


def _size_cases(seed_events: SeedEvents) -> Iterator[Case]:
    """Bodies around their limits."""
    contract, kind = seed_events.contract, seed_events.operation.kind
    if kind is OperationKind.PIXEL:
        return
    padding, limit_kind = seed_events.padding, seed_events.event_limit_kind
    if contract.has_fact(f"limits.{limit_kind}"):
        limit = contract.size_limit(limit_kind)
        sizes = (limit.smallest_refused, limit.at_most * 2, limit.largest_accepted - 100)
        for size in filter(seed_events.fits, sizes):
            event = padding.pad_event(seed_events.minimal_event, size)
            yield case_with_value(seed_events, f"an event of {size:,} bytes", seed_events.wrap_events(event))
    if kind is OperationKind.BATCH and contract.has_fact(f"limits.{LimitKind.BATCH}"):
        limit = contract.size_limit(LimitKind.BATCH)
        if limit.at_most < _MAX_BATCH_LIMIT_BYTES and seed_events.fits(limit.smallest_refused // 4):
            yield case_with_value(
                seed_events, "a batch over its limit", _batch_of_size(seed_events, limit.smallest_refused)
            )


def oversized_bodies(seed_events: SeedEvents) -> Iterator[bytes]:
    """A body with an ordinary event of the smallest size that must be refused, if it has a limit."""
    contract = seed_events.contract
    limit_kind = seed_events.event_limit_kind
    if contract.has_fact(f"limits.{limit_kind}"):
        size = contract.size_limit(limit_kind).smallest_refused
        if not seed_events.fits(size):
            return
        yield interesting_values.to_json_bytes(
            seed_events.wrap_events(seed_events.padding.pad_event(seed_events.minimal_event, size))
        )


def _batch_of_size(seed_events: SeedEvents, size: int) -> Json:
    """A batch of `size` bytes, of events below their own limit."""
    padding = seed_events.padding
    event_size = min(10_000, size // 4)
    count = max(1, size // (event_size + 1) - 1)
    events = [padding.pad_event(seed_events.minimal_event, event_size)] * count
    last_event_size = size - len(encode_json(seed_events.wrap_events(*events))) - 1
    return seed_events.wrap_events(*events, padding.pad_event(seed_events.minimal_event, last_event_size))


def _header_cases(seed_events: SeedEvents) -> Iterator[Case]:
    """Content types and codings."""
    if seed_events.operation.kind is OperationKind.PIXEL:
        return
    minimal = case_with_value(seed_events, "", seed_events.wrap_events(seed_events.minimal_event))
    compressed = gzip.compress(minimal.body, mtime=0)
    for media_type in interesting_values.CONTENT_TYPES:
        yield minimal._replace(about=f"the type {media_type or 'that is empty'}", content_type=media_type)
    for description, body in (
        ("gzip", compressed),
        ("gzip without its end", compressed[: len(compressed) // 2]),
        ("gzip with a wrong byte", compressed[:20] + b"\xff" + compressed[21:]),
        ("plain JSON labelled as gzip", minimal.body),
        ("plain text labelled as gzip", b"conformance"),
        ("gzip of half a body", gzip.compress(minimal.body[:20], mtime=0)),
    ):
        yield minimal._replace(about=description, coding="gzip", body=body)
