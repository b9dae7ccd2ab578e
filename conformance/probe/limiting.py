"""Limits: how large an event, an event in a batch and a batch may be, and how many events it may have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import expect
from conformance.model import Kind, Level, Source
from conformance.payloads.padding import encode
from conformance.probe.family import SOURCE
from conformance.probe.search import COUNTS, ROUND_SIZES, Bounds, search
from conformance.probe.units import Units
from conformance.profile.facts import BATCH_EVENTS, Ceiling, Crowd, Limit, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.contract import Operation
    from conformance.model import Exchange
    from conformance.payloads import Draft
    from conformance.probe.inquiry import Inquiry
    from conformance.probe.search import Search

_MOST_EVENTS = 1_000
_SHARES = {Ceiling.EVENT: 0.33, Ceiling.BATCH_EVENT: 0.5, Ceiling.BATCH: 0.9}
"""How much of what is left of the budget of bytes the search for each limit may take."""
_LATER_REQUESTS = 40
"""So many requests are left for what comes after the limits."""
_SPARE_BYTES = 4_096
_NEAR_PERCENT = 10


@dataclass(slots=True, kw_only=True)
class Trail:
    """What a search has seen: each size with what it was answered, and why it ended early."""

    answers: dict[int, Exchange]
    bounds: Bounds
    is_cut: bool = False

    @property
    def refusal(self) -> Exchange | None:
        """The answer to the smallest size that was refused."""
        return None if self.bounds.refused is None else self.answers[self.bounds.refused]


@dataclass(slots=True, kw_only=True)
class Limiting:
    """Searches for limits, the smallest first. `marks` are sizes that are documented somewhere."""

    inquiry: Inquiry
    marks: Iterable[int]
    largest: int

    async def learn(self) -> None:
        """Finds every limit that there is."""
        sketch = self.inquiry.sketch
        event = next(iter(sketch.operations(Kind.EVENT)), None)
        batch = next(iter(sketch.operations(Kind.BATCH)), None)
        if event is not None:
            await self._size(Ceiling.EVENT, event, self._event(event))
        if batch is not None:
            await self._count(batch)
            inner = await self._size(Ceiling.BATCH_EVENT, batch, self._inner(batch))
            outer = await self._size(Ceiling.BATCH, batch, self._outer(batch))
            self._reconcile(batch, inner, outer)

    def _event(self, operation: Operation) -> Callable[[int, str, Unit, bool], Draft]:
        def make(size: int, unit: str, counted: Unit, escaped: bool) -> Draft:
            draft = self.inquiry.call(operation).event()
            return (draft.escaped() if escaped else draft).sized(size, unit, counted)

        return make

    def _inner(self, operation: Operation) -> Callable[[int, str, Unit, bool], Draft]:
        def make(size: int, unit: str, counted: Unit, escaped: bool) -> Draft:
            draft = self.inquiry.call(operation).crowd(self._pair())
            return (draft.escaped() if escaped else draft).event_sized(size, unit, counted)

        return make

    def _outer(self, operation: Operation) -> Callable[[int, str, Unit, bool], Draft]:
        def make(size: int, unit: str, counted: Unit, escaped: bool) -> Draft:
            draft = self.inquiry.call(operation).roomy(size)
            return (draft.escaped() if escaped else draft).sized(size, unit, counted)

        return make

    def _pair(self) -> int:
        """How many events the batch has that one large event is in."""
        fact = self.inquiry.sketch.facts.get(BATCH_EVENTS)
        return min(2, fact.count) if isinstance(fact, Crowd) else 2

    async def _size(
        self, ceiling: Ceiling, operation: Operation, make: Callable[[int, str, Unit, bool], Draft]
    ) -> Trail | None:
        """Finds a limit of size and what it counts, and states it."""
        sketch, before = self.inquiry.sketch, self.inquiry.sender.wire.sent
        small = make_small(make)
        if small is None or not await self.inquiry.takes(make(small, "a", Unit.BYTES, False)):
            sketch.remark(
                f"limits.{ceiling}: a free-form text of a few bytes is refused, so nothing can be filled up"
            )
            return None
        trail = await self._searched(
            search(small, {*self.marks, *ROUND_SIZES}, self._largest(ceiling)),
            lambda size: make(size, "a", Unit.BYTES, False),
            small,
            int(self.inquiry.bytes_left * _SHARES[ceiling]),
        )
        asked = self.inquiry.sender.wire.sent - before
        if trail.refusal is None:
            cut = ", where the budget ends" if trail.is_cut else ""
            sketch.tell(
                f"limits.{ceiling}", f"none up to {trail.bounds.taken:,} bytes{cut}", f"{asked} requests"
            )
            return trail
        await self._state(ceiling, operation, make, trail, asked)
        return trail

    def _largest(self, ceiling: Ceiling) -> int:
        """The largest size that is tried: a batch can't have more than its events."""
        facts = self.inquiry.sketch.facts
        crowd, inner = facts.get(BATCH_EVENTS), facts.get(f"limits.{Ceiling.BATCH_EVENT}")
        if ceiling is Ceiling.BATCH and isinstance(crowd, Crowd) and isinstance(inner, Limit):
            return min(self.largest, crowd.count * inner.at_least * 9 // 10)
        return self.largest

    async def _searched(self, steps: Search, make: Callable[[int], Draft], taken: int, room: int) -> Trail:
        """Follows a search as far as the budget goes."""
        answers: dict[int, Exchange] = {}
        low, high, spent, sent = taken, None, 0, None
        try:
            while True:
                size = next(steps) if sent is None else steps.send(sent)
                spent += size
                if spent > room or self.inquiry.requests_left < _LATER_REQUESTS:
                    return Trail(answers=answers, bounds=Bounds(taken=low, refused=high), is_cut=True)
                answers[size] = await self.inquiry.ask(make(size))
                sent = expect.is_accepted(answers[size])
                if sent:
                    low = max(low, size)
                else:
                    high = size if high is None else min(high, size)
        except StopIteration as end:
            found: Bounds = end.value
            return Trail(answers=answers, bounds=found)

    async def _state(
        self,
        ceiling: Ceiling,
        operation: Operation,
        make: Callable[[int, str, Unit, bool], Draft],
        trail: Trail,
        asked: int,
    ) -> None:
        """States a limit, with its unit where it is exact; or says why it can't be stated."""
        sketch, bounds, refusal = self.inquiry.sketch, trail.bounds, trail.refusal
        name, low, high = f"limits.{ceiling}", bounds.taken, bounds.refused or 0
        outline = refusal.outline if refusal else ""
        if refusal is None or not 200 <= refusal.status < 500:
            sketch.tell(name, f"{low:,} bytes, not stated", f"{asked} requests; {high:,} bytes: {outline}")
            sketch.remark(
                f"{name}: {low:,} bytes are taken, {high:,} are answered with {outline}: no profile states that"
            )
            return
        units = Units(inquiry=self.inquiry, make=make, size=low)
        unit = await units.learn() if bounds.is_exact else Unit.BYTES
        says = f"{low:,} bytes were taken, {high:,} were answered {refusal.status}"
        if unit is None:
            sketch.tell(name, f"{low:,} bytes of plain letters, not stated", f"{asked} requests; {outline}")
            sketch.remark(f"{name}: {says}, but {units.why}: no profile states that")
            return
        holds = ceiling is Ceiling.BATCH_EVENT or not bounds.is_exact or await units.holds_in_chunks(unit)
        sketch.facts[name] = Limit(
            name=name,
            level=Level.MUST,
            sources=(Source(document=SOURCE, section=str(operation), says=says),),
            expect=(refusal.status,),
            at_least=low,
            at_most=high - 1,
            unit=unit,
            holds_in_chunks=holds,
        )
        exact = f"{low:,}" if bounds.is_exact else f"between {low:,} and {high - 1:,}"
        words = unit.replace("-", " ")
        sketch.tell(
            name,
            f"{exact} {words}{'' if holds else ', not in chunks'}",
            f"{asked} requests; {high:,}: {outline}",
        )
        if not bounds.is_exact:
            sketch.remark(
                f"{name}: the budget ended between {low:,} and {high:,} bytes; --max-bytes gives it more"
            )

    async def _count(self, operation: Operation) -> None:
        """Finds how many events a batch may have, of the smallest ones."""
        sketch, before = self.inquiry.sketch, self.inquiry.sender.wire.sent
        trail = await self._searched(
            search(1, COUNTS, _MOST_EVENTS),
            lambda count: self.inquiry.call(operation).crowd(count),
            1,
            int(self.inquiry.bytes_left * _SHARES[Ceiling.EVENT]),
        )
        asked, refusal = self.inquiry.sender.wire.sent - before, trail.refusal
        count, over = trail.bounds.taken, trail.bounds.refused
        if refusal is None or over is None:
            sketch.tell(BATCH_EVENTS, f"none up to {count:,} events", f"{asked} requests")
            return
        if not await self._is_count(operation, count, over):
            return
        if not trail.bounds.is_exact or not 200 <= refusal.status < 500:
            sketch.tell(BATCH_EVENTS, f"{count:,} events, not stated", f"{asked} requests; {refusal.outline}")
            sketch.remark(
                f"{BATCH_EVENTS}: {count:,} are taken, {over:,} are answered with {refusal.outline}"
            )
            return
        says = f"{count:,} events were taken, {over:,} were answered {refusal.status}"
        sketch.facts[BATCH_EVENTS] = Crowd(
            name=BATCH_EVENTS,
            level=Level.MUST,
            sources=(Source(document=SOURCE, section=str(operation), says=says),),
            expect=(refusal.status,),
            count=count,
        )
        sketch.tell(BATCH_EVENTS, f"{count:,} events", f"{asked} requests; {over:,}: {refusal.outline}")

    async def _is_count(self, operation: Operation, count: int, over: int) -> bool:
        """Whether it was the number that was refused, and not the bytes: as many bytes in fewer events."""
        size = len(self.inquiry.call(operation).crowd(over).request().body)
        return await self.inquiry.takes(self.inquiry.call(operation).crowd(count).sized(size))

    def _reconcile(self, operation: Operation, inner: Trail | None, outer: Trail | None) -> None:
        """Takes back the limit of an event in a batch where it was that of the whole batch."""
        sketch, name = self.inquiry.sketch, f"limits.{Ceiling.BATCH_EVENT}"
        if inner is None or outer is None or inner.refusal is None or outer.bounds.refused is None:
            return
        body = len(self._inner(operation)(inner.bounds.taken, "a", Unit.BYTES, False).request().body)
        if body >= outer.bounds.taken and sketch.facts.pop(name, None) is not None:
            sketch.entries = [entry for entry in sketch.entries if entry.topic != name]
            sketch.tell(name, "none of its own", "what is refused is the whole batch")


def make_small(make: Callable[[int, str, Unit, bool], Draft]) -> int | None:
    """The size of the smallest filled request."""
    draft = replace(make(1, "a", Unit.BYTES, False), size=None, event_size=None)  # noqa: FBT003 - a spelling
    return len(encode(draft.put(draft.layout.filler, "").events[0])) + 64 if draft.events else None
