"""The series: every odd value in every field of every call, one at a time, in a fixed order."""

from __future__ import annotations

import gzip
import itertools
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.fuzz import oddities
from conformance.fuzz.case import Auth, Case, Origin
from conformance.fuzz.stock import Stock, families, keyless
from conformance.model import Kind
from conformance.payloads.padding import FILLER, Padding, encode
from conformance.profile.facts import Ceiling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.model import Json, JsonObject

_PROBE = "/conformance_field"
_LARGEST_BYTES = 5_000_000


def series(contract: Contract) -> Iterator[Case]:
    """The whole series; calls take turns, and so do the paths of one call."""
    queues = [_shared(contract, family) for family in families(contract)]
    while queues:
        for queue in list(queues):
            case = next(queue, None)
            if case is None:
                queues.remove(queue)
            else:
                yield case


def _shared(contract: Contract, family: list[Operation]) -> Iterator[Case]:
    """The series of one call, dealt out to its paths; what is about a whole request goes to each of them."""
    turns = itertools.cycle(family)
    for operation in family:
        yield from _whole(Stock.of(contract, operation))
    first = Stock.of(contract, family[0])
    for case in _woven(_fields(first), _rest(first)):
        yield case._replace(call=str(next(turns)))


def _woven(fields: Iterator[Case], rest: Iterator[Case]) -> Iterator[Case]:
    """Two of the one and one of the other in turn, to the end of both."""
    while found := [*itertools.islice(fields, 2), *itertools.islice(rest, 1)]:
        yield from found


def _whole(stock: Stock) -> Iterator[Case]:
    """What every path gets: acceptable requests, and those without credentials."""
    for base, words in zip(stock.bases, ("the smallest event", "a full event", "the example"), strict=False):
        yield case_of(stock, words, stock.wrap(base))
    body = stock.body()
    for auth in (Auth.NONE, Auth.UNKNOWN, Auth.MALFORMED):
        if auth is not Auth.MALFORMED or stock.operation.kind in {Kind.EVENT, Kind.BATCH}:
            yield case_of(stock, f"credentials: {auth}", stock.wrap(stock.smallest))._replace(auth=auth)
    yield _spelled(stock, "half a body", body[: len(body) // 2])


def _rest(stock: Stock) -> Iterator[Case]:
    """What is about the text, the envelope, sizes and codings."""
    for queue in itertools.zip_longest(_envelopes(stock), _texts(stock), _sizes(stock), _headers(stock)):
        yield from (case for case in queue if case is not None)


def case_of(stock: Stock, about: str, value: Json) -> Case:
    """A case of the series with a value as its body."""
    return _spelled(stock, about, oddities.written(value))


def _spelled(stock: Stock, about: str, body: bytes) -> Case:
    return Case(call=stock.call, origin=Origin.MUTATOR, about=about, body=body)


def _fields(stock: Stock) -> Iterator[Case]:
    """Every odd value in every field, then timestamps, then every field missing."""
    brief = stock.operation.kind is not Kind.EVENT
    fields = [*stock.fields, _PROBE]
    for odd in oddities.BRIEF if brief else oddities.VALUES:
        for pointer in fields:
            event = pointers.put(stock.smallest, pointer, odd.value)
            yield case_of(stock, f"{pointer}: {odd.words}", stock.wrap(event))
        yield from _members(stock, odd)
    where = stock.contract.profile.pointers.timestamp
    for time in oddities.TIMES if where else ():
        event = pointers.put(stock.smallest, where or "", time.value)
        yield case_of(stock, f"{where}: {time.words}", stock.wrap(event))
    for pointer in fields:
        yield case_of(stock, f"without {pointer}", stock.wrap(pointers.drop(stock.full, pointer)))
    ids = stock.contract.identities(stock.operation.type).values()
    nameless = stock.smallest
    for pointer in ids:
        nameless = pointers.drop(nameless, pointer)
    yield case_of(stock, "an event of nobody", stock.wrap(nameless))


def _members(stock: Stock, odd: oddities.Odd) -> Iterator[Case]:
    """An odd value inside the free form of an event, and inside its context."""
    where = stock.contract.event(stock.operation.type).open
    for pointer in dict.fromkeys(item for item in (where, stock.contract.profile.pointers.context) if item):
        event = pointers.put(stock.smallest, f"{pointer}/conformance", odd.value)
        yield case_of(stock, f"{pointer}/*: {odd.words}", stock.wrap(event))


def _texts(stock: Stock) -> Iterator[Case]:
    """Bodies that are spelled in a way of their own."""
    body = stock.body()
    for words, respell in oddities.SPELLINGS:
        yield _spelled(stock, words, respell(body))


def _envelopes(stock: Stock) -> Iterator[Case]:
    """Batches that are none, and what may be in a batch."""
    if stock.operation.kind is not Kind.BATCH:
        return
    contract, good = stock.contract, stock.smallest
    where = contract.profile.batch.pointer
    for odd in oddities.VALUES[:12]:
        yield case_of(stock, f"an event that is {odd.words}", stock.wrap(odd.value))
        yield case_of(stock, f"the list is {odd.words}", pointers.put({}, where, odd.value))
        yield case_of(stock, f"a last event that is {odd.words}", stock.wrap(good, odd.value))
        yield case_of(stock, f"a first event that is {odd.words}", stock.wrap(odd.value, good))
    yield from _mixed(stock, good)
    example = contract.profile.batch.example
    if example:
        yield case_of(stock, "the example", keyless(contract, example.value))


def _mixed(stock: Stock, good: JsonObject) -> Iterator[Case]:
    """Batches of several events."""
    contract, operation = stock.contract, stock.operation
    bad = good
    for pointer in contract.identities(operation.type).values():
        bad = pointers.drop(bad, pointer)
    for events in ([bad], [good, bad], [bad, good], [bad, bad], [good] * 3, [good] * 50, []):
        words = f"{events.count(good)} good events and {events.count(bad)} of nobody"
        yield case_of(stock, words, stock.wrap(*events) if events else pointers.put(
            {}, contract.profile.batch.pointer, []))  # fmt: skip
    for name in contract.batch_types():
        other = Stock.of(contract, operation, name)
        for event, words in ((other.smallest, "the smallest"), (other.full, "a full")):
            yield case_of(stock, f"{words} {name}", stock.wrap(event))
    kind = contract.profile.pointers.type
    for odd in (*oddities.BRIEF, oddities.Odd("unknown", "conformance-unknown")) if kind else ():
        event = pointers.put(good, kind or "", odd.value)
        yield case_of(stock, f"a type that is {odd.words}", stock.wrap(event))
    if kind:
        yield case_of(stock, "no type", stock.wrap(pointers.drop(good, kind)))


def _sizes(stock: Stock) -> Iterator[Case]:
    """Bodies around their limits."""
    contract, kind = stock.contract, stock.operation.kind
    if kind is Kind.PIXEL:
        return
    padding = Padding(pointer=f"{contract.event(stock.operation.type).open or ''}{FILLER}")
    ceiling = Ceiling.BATCH_EVENT if kind is Kind.BATCH else Ceiling.EVENT
    if contract.states(f"limits.{ceiling}"):
        limit = contract.limit(ceiling)
        for size in (limit.at_most + 1, limit.at_most * 2, limit.at_least - 100):
            event = padding.event(stock.smallest, size)
            yield case_of(stock, f"an event of {size:,} bytes", stock.wrap(event))
    if kind is Kind.BATCH and contract.states(f"limits.{Ceiling.BATCH}"):
        limit = contract.limit(Ceiling.BATCH)
        if limit.at_most < _LARGEST_BYTES:
            yield case_of(stock, "a batch over its limit", _heap(stock, padding, limit.at_most + 1))


def oversized(stock: Stock) -> Iterator[bytes]:
    """Ordinary bodies of an event that is one byte too large."""
    contract = stock.contract
    padding = Padding(pointer=f"{contract.event(stock.operation.type).open or ''}{FILLER}")
    ceiling = Ceiling.BATCH_EVENT if stock.operation.kind is Kind.BATCH else Ceiling.EVENT
    if contract.states(f"limits.{ceiling}"):
        size = contract.limit(ceiling).at_most + 1
        yield oddities.written(stock.wrap(padding.event(stock.smallest, size)))


def _heap(stock: Stock, padding: Padding, size: int) -> Json:
    """A batch of so many bytes, of events that are small enough."""
    share = min(10_000, size // 4)
    count = max(1, size // (share + 1) - 1)
    events = [padding.event(stock.smallest, share)] * count
    rest = size - len(encode(stock.wrap(*events))) - 1
    return stock.wrap(*events, padding.event(stock.smallest, rest))


def _headers(stock: Stock) -> Iterator[Case]:
    """Content types and codings."""
    if stock.operation.kind is Kind.PIXEL:
        return
    plain = case_of(stock, "", stock.wrap(stock.smallest))
    packed = gzip.compress(plain.body, mtime=0)
    for media_type in oddities.TYPES:
        yield plain._replace(about=f"the type {media_type or 'of nothing'}", content_type=media_type)
    for words, body in (
        ("gzip", packed),
        ("gzip without its end", packed[: len(packed) // 2]),
        ("gzip of which a byte is wrong", packed[:20] + b"\xff" + packed[21:]),
        ("plain JSON under the name of gzip", plain.body),
        ("plain words under the name of gzip", b"conformance"),
        ("gzip of half a body", gzip.compress(plain.body[:20], mtime=0)),
    ):
        yield plain._replace(about=words, coding="gzip", body=body)
