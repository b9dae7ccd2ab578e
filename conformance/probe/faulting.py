"""Faults: what each kind of faulty request is answered with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.payloads import codings
from conformance.payloads.spoils import (
    BAD_BATCH,
    BAD_HEADER,
    BAD_PIXEL,
    BAD_WEBHOOK,
    INVALID_JSON,
    NO_IDENTITY,
    NOT_OBJECT,
    NOT_UTF8,
    WRONG_BODY_KEY,
    WRONG_KEY,
    Spoil,
)
from conformance.payloads.strays import by_method, unknown_paths, wrong_methods
from conformance.profile.facts import Condition, Scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from conformance.contract import Operation
    from conformance.payloads import Call, Draft
    from conformance.probe.inquiry import Inquiry


def _nulls(call: Call) -> Draft:
    """An event whose ids are all null."""
    draft = call.event()
    for pointer in call.contract.identities(call.operation.type).values():
        draft = draft.put(pointer, None)
    return draft


def _partly_bad(call: Call) -> Draft:
    """A batch of which the second event names no user."""
    good, last = (call.plain(call.operation.type) for _ in range(2))
    return call.event().carrying(good, *NO_IDENTITY.make(call).events, last)


def _method(method: str) -> Spoil:
    return Spoil(
        f"method.{method}",
        f"the method {method}",
        Condition.METHOD_WRONG,
        lambda call: by_method(call, method),
    )


def _coding(slug: str, words: str, make: Callable[[Draft], Draft]) -> Spoil:
    return Spoil(slug, words, Condition.ENCODING_INVALID, lambda call: make(call.event()))


JSON = (*INVALID_JSON, *NOT_OBJECT, *NOT_UTF8)
CODED = (
    _coding("gzip.corrupt", "a body that begins like gzip and is none", codings.corrupt),
    _coding("gzip.truncated", "a body in gzip that breaks off", codings.truncated),
)
NULLS = Spoil("null-identity", "an event whose ids are null", Condition.IDENTITY_MISSING, _nulls)
PARTLY = Spoil("partly", "a batch of which one event names no user", Condition.BATCH_PARTLY_BAD, _partly_bad)
SAME = frozenset({Condition.JSON_INVALID, Condition.JSON_NOT_OBJECT, Condition.JSON_NOT_UTF8})


def spoils(operation: Operation, *, takes_body_keys: bool) -> tuple[Spoil, ...]:
    """Every fault that an operation may be sent."""
    methods = tuple(map(_method, wrong_methods(operation.method)))
    keys = (*BAD_HEADER, *WRONG_KEY, *(WRONG_BODY_KEY if takes_body_keys else ()))
    match operation.kind:
        case Kind.EVENT:
            return (*keys, *JSON, *CODED, NO_IDENTITY, NULLS, *methods)
        case Kind.BATCH:
            return (*keys, *JSON, *CODED, *BAD_BATCH, PARTLY, *methods)
        case Kind.WEBHOOK:
            return (*BAD_WEBHOOK, *JSON, *CODED, *methods)
        case _:
            return (*BAD_PIXEL, *methods)


@dataclass(slots=True, kw_only=True)
class Faulting:
    """Sends faulty requests and notes what comes."""

    inquiry: Inquiry

    async def learn(self) -> None:
        """Sends each fault to the first operation; to that of another kind, what is new there and samples."""
        known: set[Condition] = set()
        for operation in self.inquiry.sketch.firsts():
            spoils = self._spoils(operation)
            for spoil in _sampled(spoils, known):
                await self._send(operation, spoil)
            known |= {spoil.condition for spoil in spoils}
        await self._paths()

    async def repeat(self) -> None:
        """Sends the first fault of each condition to all other operations."""
        sketch = self.inquiry.sketch
        firsts = sketch.firsts()
        for operation in sketch.operations():
            if operation in firsts:
                continue
            for spoil in _sampled(self._spoils(operation), frozenset(Condition), 1):
                await self._send(operation, spoil)

    def _spoils(self, operation: Operation) -> tuple[Spoil, ...]:
        takes = any(way.scheme is Scheme.BODY for way in self.inquiry.sketch.ways)
        return spoils(operation, takes_body_keys=takes)

    async def _send(self, operation: Operation, spoil: Spoil) -> None:
        call = self.inquiry.call(operation)
        exchange = await self.inquiry.try_out(lambda: spoil.make(call))
        if exchange is not None:
            self.inquiry.sketch.see(f"answers.{spoil.condition}", operation, spoil.words, exchange)

    async def _paths(self) -> None:
        """Asks for paths that are unknown."""
        sketch = self.inquiry.sketch
        operation = sketch.firsts()[0]
        for unknown in unknown_paths(operation.path):
            exchange = await self.inquiry.ask(self.inquiry.call(operation).event().at(unknown))
            sketch.see(f"answers.{Condition.PATH_UNKNOWN}", operation, f"a request to {unknown}", exchange)


def _sampled(spoils: Iterable[Spoil], known: Container[Condition], most: int = 2) -> Iterator[Spoil]:
    """All faults of conditions that are new, and a few of each that is known."""
    counts: Counter[Condition] = Counter()
    for spoil in spoils:
        counts[spoil.condition] += 1
        if spoil.condition not in known or counts[spoil.condition] <= most:
            yield spoil
