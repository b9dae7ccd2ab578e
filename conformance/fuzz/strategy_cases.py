"""Hypothesis strategies for what schemas do not describe: ids, mixed batches, sizes, timestamps, codings."""

from __future__ import annotations

import gzip
import warnings
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from conformance.core import pointers
from conformance.core.model import OperationKind
from conformance.fuzz.case import Case, Origin, compact_json
from conformance.fuzz.interleave import interleave, spread_over_paths
from conformance.fuzz.schema_cases import draw_values
from conformance.fuzz.seed_events import SeedEvents, group_operations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json, JsonObject

    BodyStrategy = st.SearchStrategy[tuple[str, bytes, str]]

IDENTITY_EXAMPLES, TIMESTAMP_EXAMPLES, BATCH_EXAMPLES, SIZE_EXAMPLES, CODING_EXAMPLES, VALUE_EXAMPLES = (
    24,
    16,
    40,
    8,
    6,
    30,
)
_ABSENT = object()
_ID_VALUES = st.one_of(
    st.just(_ABSENT),
    st.none(),
    st.just(""),
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30),
    st.text(min_size=1, max_size=12),
    st.integers(),
    st.booleans(),
    st.just([]),
    st.just({}),
)
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_TIMESTAMPS = st.builds(
    lambda when, zone, digits: _format_timestamp(when.astimezone(zone), digits),
    st.datetimes(datetime(1995, 1, 1), datetime(2024, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    _ZONES | st.just(UTC),
    st.sampled_from((0, 1, 3, 6)),
)


def strategy_cases(contract: Contract, seed: int) -> Iterator[Case]:
    """Cases from all strategies, for all operations in turn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases_by_group = [_group_cases(contract, operations, seed) for operations in group_operations(contract)]
    yield from interleave(cases_by_group)


def _group_cases(contract: Contract, operations: list[Operation], seed: int) -> list[Case]:
    """The cases of equal operations, spread over their paths."""
    seed_events = SeedEvents.for_operation(contract, operations[0])
    drawn_by_strategy = [draw_values(strategy, seed, count) for strategy, count in _strategies_with_counts(seed_events)]
    cases = (
        Case(call=seed_events.call, origin=Origin.STRATEGY, about=about, body=body, coding=coding)
        for about, body, coding in interleave(drawn_by_strategy)
    )
    return list(spread_over_paths(cases, operations))


def _strategies_with_counts(seed_events: SeedEvents) -> Iterator[tuple[BodyStrategy, int]]:
    """The strategies for one operation, and how many examples are drawn of each."""
    yield _identity_strategy(seed_events), IDENTITY_EXAMPLES
    yield _value_strategy(seed_events), VALUE_EXAMPLES
    if seed_events.contract.profile.pointers.timestamp:
        yield _timestamp_strategy(seed_events), TIMESTAMP_EXAMPLES
    if seed_events.operation.kind is OperationKind.BATCH:
        yield _batch_strategy(seed_events), BATCH_EXAMPLES
    if seed_events.operation.kind in {OperationKind.EVENT, OperationKind.BATCH}:
        yield _coding_strategy(seed_events), CODING_EXAMPLES
        limit_name = f"limits.{seed_events.event_limit_kind}"
        if seed_events.contract.has_fact(limit_name) and seed_events.fits(_smallest_padded(seed_events)):
            yield _size_strategy(seed_events), SIZE_EXAMPLES


def _identity_strategy(seed_events: SeedEvents) -> BodyStrategy:
    """Events with ids of all types."""
    event_pointers = seed_events.contract.profile.pointers
    ids = tuple(pointer for pointer in (event_pointers.user, event_pointers.anonymous) if pointer)

    def build(values: tuple[Any, ...]) -> tuple[str, bytes, str]:
        event = _with_values(seed_events.minimal_event, zip(ids, values, strict=True))
        return "ids of all types", compact_json(seed_events.wrap_events(event)), ""

    return st.tuples(*(_ID_VALUES for _ in ids)).map(build)


def _with_values(event: JsonObject, changes: Iterator[tuple[str, Any]] | zip[tuple[str, Any]]) -> JsonObject:
    """An event with other values in some fields, or without these fields."""
    for pointer, value in changes:
        event = pointers.remove(event, pointer) if value is _ABSENT else pointers.put(event, pointer, value)
    return event


def _value_strategy(seed_events: SeedEvents) -> BodyStrategy:
    """Events with any JSON in their open object, or in one field."""
    open_pointer = seed_events.contract.event_type(seed_events.operation.event_type).open_object
    places = st.sampled_from(
        [*seed_events.field_pointers, *([f"{open_pointer}/conformance"] * 6 if open_pointer else [])]
    )

    def build(pointer: str, value: Json) -> tuple[str, bytes, str]:
        return (
            f"{pointer}: any JSON",
            compact_json(seed_events.wrap_events(pointers.put(seed_events.minimal_event, pointer, value))),
            "",
        )

    return st.builds(build, places, _ANY_JSON)


def _timestamp_strategy(seed_events: SeedEvents) -> BodyStrategy:
    """Events with any timestamp, in any time zone."""
    timestamp_pointer = seed_events.contract.profile.pointers.timestamp or ""

    def build(timestamp: str) -> tuple[str, bytes, str]:
        return (
            f"the time {timestamp}",
            compact_json(
                seed_events.wrap_events(pointers.put(seed_events.minimal_event, timestamp_pointer, timestamp))
            ),
            "",
        )

    return _TIMESTAMPS.map(build)


def _format_timestamp(moment: datetime, digits: int) -> str:
    """A time in ISO 8601 format, with `digits` decimals of a second."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{moment.microsecond:06}"[: digits + 1] if digits else ""
    zone = moment.strftime("%z")
    return f"{text}{fraction}{'Z' if zone == '+0000' else f'{zone[:3]}:{zone[3:5]}'}"


def _batch_strategy(seed_events: SeedEvents) -> BodyStrategy:
    """Batches of valid events, events without ids, and any other JSON."""
    contract, operation = seed_events.contract, seed_events.operation
    of_types = [SeedEvents.for_operation(contract, operation, name) for name in contract.batch_types()]
    valid = [item.minimal_event for item in of_types]
    without_ids = [item.event_without_ids for item in of_types]
    batch_item = st.one_of(
        st.sampled_from(valid), st.sampled_from(valid), st.sampled_from(without_ids), _ANY_JSON, st.just(None)
    )

    def build(events: list[Json]) -> tuple[str, bytes, str]:
        value = pointers.put({}, contract.profile.batch.pointer, events)
        return f"a batch of {len(events)} items of any kind", compact_json(value), ""

    return st.lists(batch_item, max_size=6).map(build)


def _smallest_padded(seed_events: SeedEvents) -> int:
    """The smallest size of an event around its limit."""
    return seed_events.contract.size_limit(seed_events.event_limit_kind).largest_accepted - 40


def _size_strategy(seed_events: SeedEvents) -> BodyStrategy:
    """Events around the limit of one event."""
    limit = seed_events.contract.size_limit(seed_events.event_limit_kind)

    def build(size: int) -> tuple[str, bytes, str]:
        return (
            f"an event of {size:,} bytes",
            compact_json(seed_events.wrap_events(seed_events.padding.pad_event(seed_events.minimal_event, size))),
            "",
        )

    sizes = st.integers(_smallest_padded(seed_events), limit.largest_accepted) | st.integers(
        limit.smallest_refused, limit.smallest_refused + 63
    )
    return sizes.map(build)


def _coding_strategy(seed_events: SeedEvents) -> BodyStrategy:
    """Valid bodies in gzip, with one byte replaced."""
    compressed = gzip.compress(seed_events.minimal_body(), mtime=0)

    def corrupt(position: int, byte: int) -> tuple[str, bytes, str]:
        body = compressed[:position] + bytes([byte]) + compressed[position + 1 :]
        return f"gzip with another byte {position}", body, "gzip"

    return st.builds(corrupt, st.integers(0, len(compressed) - 1), st.integers(0, 255))
