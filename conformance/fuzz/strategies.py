"""Hypothesis strategies for what no schema says: whose an event is, mixed batches, sizes, times, codings."""

from __future__ import annotations

import gzip
import itertools
import warnings
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from conformance import pointers
from conformance.fuzz.case import Case, Origin, compact
from conformance.fuzz.generated import drawn
from conformance.fuzz.stock import Stock, families
from conformance.model import Kind
from conformance.payloads.padding import FILLER, Padding
from conformance.profile.facts import Ceiling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.model import Json, JsonObject

    Drawn = st.SearchStrategy[tuple[str, bytes, str]]

IDENTITIES, TIMES, BATCHES, SIZES, CODINGS, VALUES = 24, 16, 40, 8, 6, 30
_ABSENT = object()
_IDS = st.one_of(
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
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_TIMES = st.builds(
    lambda when, zone, digits: _written(when.astimezone(zone), digits),
    st.datetimes(datetime(1995, 1, 1), datetime(2024, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    _ZONES | st.just(UTC),
    st.sampled_from((0, 1, 3, 6)),
)


def examples(contract: Contract, seed: int) -> Iterator[Case]:
    """Cases from every strategy; calls take turns, and so do the paths of one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        queues = [_dealt(contract, family, seed) for family in families(contract)]
    for found in itertools.zip_longest(*queues):
        yield from (case for case in found if case is not None)


def _dealt(contract: Contract, family: list[Operation], seed: int) -> list[Case]:
    """The cases of one call."""
    stock = Stock.of(contract, family[0])
    found = [drawn(strategy, seed, count) for strategy, count in _strategies(stock)]
    mixed = [item for turn in itertools.zip_longest(*found) for item in turn if item is not None]
    return [
        Case(call=str(operation), origin=Origin.STRATEGY, about=about, body=body, coding=coding)
        for (about, body, coding), operation in zip(mixed, itertools.cycle(family), strict=False)
    ]


def _strategies(stock: Stock) -> Iterator[tuple[Drawn, int]]:
    """What is drawn for one call, and how often."""
    yield _identities(stock), IDENTITIES
    yield _values(stock), VALUES
    if stock.contract.profile.pointers.timestamp:
        yield _times(stock), TIMES
    if stock.operation.kind is Kind.BATCH:
        yield _batches(stock), BATCHES
    if stock.operation.kind in {Kind.EVENT, Kind.BATCH}:
        yield _codings(stock), CODINGS
        if stock.contract.states(f"limits.{_ceiling(stock)}"):
            yield _sizes(stock), SIZES


def _identities(stock: Stock) -> Drawn:
    """Events with ids of every sort."""
    where = stock.contract.profile.pointers
    ids = tuple(pointer for pointer in (where.user, where.anonymous) if pointer)

    def event(values: tuple[Any, ...]) -> tuple[str, bytes, str]:
        made = _with(stock.smallest, zip(ids, values, strict=True))
        return "ids of every sort", compact(stock.wrap(made)), ""

    return st.tuples(*(_IDS for _ in ids)).map(event)


def _with(event: JsonObject, changes: Iterator[tuple[str, Any]] | zip[tuple[str, Any]]) -> JsonObject:
    """An event with values in some fields, or without them."""
    for pointer, value in changes:
        event = pointers.drop(event, pointer) if value is _ABSENT else pointers.put(event, pointer, value)
    return event


def _values(stock: Stock) -> Drawn:
    """Events with anything in their free form, or in any one field."""
    opened = stock.contract.event(stock.operation.type).open
    places = st.sampled_from([*stock.fields, *([f"{opened}/conformance"] * 6 if opened else [])])

    def event(pointer: str, value: Json) -> tuple[str, bytes, str]:
        return f"{pointer}: anything", compact(stock.wrap(pointers.put(stock.smallest, pointer, value))), ""

    return st.builds(event, places, _ANY)


def _times(stock: Stock) -> Drawn:
    """Events at any time, in any zone."""
    where = stock.contract.profile.pointers.timestamp or ""

    def event(time: str) -> tuple[str, bytes, str]:
        return f"the time {time}", compact(stock.wrap(pointers.put(stock.smallest, where, time))), ""

    return _TIMES.map(event)


def _written(when: datetime, digits: int) -> str:
    """A time as ISO 8601 with so many decimals."""
    text = when.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{when.microsecond:06}"[: digits + 1] if digits else ""
    zone = when.strftime("%z")
    return f"{text}{fraction}{'Z' if zone == '+0000' else f'{zone[:3]}:{zone[3:5]}'}"


def _batches(stock: Stock) -> Drawn:
    """Batches of good events, events of nobody, and things that are no events."""
    contract, operation = stock.contract, stock.operation
    good = [Stock.of(contract, operation, name).smallest for name in contract.batch_types()]
    ids = contract.identities(operation.type).values()
    nameless = [_with(event, ((pointer, _ABSENT) for pointer in ids)) for event in good]
    item = st.one_of(
        st.sampled_from(good), st.sampled_from(good), st.sampled_from(nameless), _ANY, st.just(None)
    )

    def batch(events: list[Json]) -> tuple[str, bytes, str]:
        value = pointers.put({}, contract.profile.batch.pointer, events)
        return f"a batch of {len(events)} events of any sort", compact(value), ""

    return st.lists(item, max_size=6).map(batch)


def _ceiling(stock: Stock) -> Ceiling:
    return Ceiling.BATCH_EVENT if stock.operation.kind is Kind.BATCH else Ceiling.EVENT


def _sizes(stock: Stock) -> Drawn:
    """Events around the limit of one event."""
    limit = stock.contract.limit(_ceiling(stock))
    padding = Padding(pointer=f"{stock.contract.event(stock.operation.type).open or ''}{FILLER}")

    def event(size: int) -> tuple[str, bytes, str]:
        return f"an event of {size:,} bytes", compact(stock.wrap(padding.event(stock.smallest, size))), ""

    around = st.integers(limit.at_least - 40, limit.at_least) | st.integers(
        limit.at_most + 1, limit.at_most + 64
    )
    return around.map(event)


def _codings(stock: Stock) -> Drawn:
    """Acceptable bodies in gzip, whole or spoiled."""
    packed = gzip.compress(stock.body(), mtime=0)

    def spoiled(at: int, byte: int) -> tuple[str, bytes, str]:
        body = packed[:at] + bytes([byte]) + packed[at + 1 :]
        return f"gzip with another byte {at}", body, "gzip"

    return st.builds(spoiled, st.integers(0, len(packed) - 1), st.integers(0, 255))
