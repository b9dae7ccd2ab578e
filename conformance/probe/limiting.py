"""Limits: how large an event, an event in a batch and a batch may be, and how many events it may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from conformance import expect
from conformance.model import Kind, Level, Source
from conformance.probe.family import SOURCE
from conformance.probe.measuring import emptied, first, words
from conformance.probe.search import COUNTS, ROUND_SIZES, search
from conformance.probe.trail import Trail, follow
from conformance.probe.units import Filled, Units
from conformance.profile.facts import BATCH_EVENTS, Ceiling, Crowd, Limit
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.contract import Operation
    from conformance.payloads import Draft
    from conformance.probe.inquiry import Inquiry
    from conformance.probe.search import Bounds

Made: TypeAlias = "Callable[[Filled], Draft]"

_MOST_EVENTS = 1_000
_SHARES = {Ceiling.EVENT: 0.45, Ceiling.BATCH: 0.6, Ceiling.BATCH_EVENT: 0.8}
"""How much of what is left of the budget of bytes the search for each limit may take."""
_COUNT_SHARE = 0.2
_SLACK = 64
_MARGINS = (1.0, 1.03, 1.1, 1.3)
_LITTLE = 12
"""How many bytes of filler an event gets at least."""
_SPARE_BODIES = 4
_SMALL_EVENT = 400
"""About how many bytes that are, unless an event may have fewer."""


@dataclass(slots=True, kw_only=True)
class Limiting:
    """Searches for limits. `marks` are sizes that are documented somewhere, `largest` is tried last."""

    inquiry: Inquiry
    marks: Iterable[int]
    largest: int

    async def learn(self) -> None:
        """Finds every limit that there is."""
        sketch = self.inquiry.sketch
        event = next(iter(sketch.operations(Kind.EVENT)), None)
        batch = next(iter(sketch.operations(Kind.BATCH)), None)
        if event is not None:
            await self._size(Ceiling.EVENT, event, self._event(event), self.largest)
        if batch is not None:
            await self._count(batch)
            outer = await self._size(Ceiling.BATCH, batch, self._spread(batch), self.largest)
            room = self._room(batch, outer)
            inner = await self._size(Ceiling.BATCH_EVENT, batch, self._inner(batch), room)
            self._reconcile(batch, inner, outer)

    def _event(self, operation: Operation) -> Made:
        return lambda filled: filled.whole(self.inquiry.call(operation).event())

    def _inner(self, operation: Operation) -> Made:
        """A batch in which one event is large, and beside it a small one if there may be."""
        count = min(2, self._most())
        return lambda filled: filled.first(self.inquiry.call(operation).crowd(count))

    def _spread(self, operation: Operation) -> Made:
        """A batch of many events, so that none of them is large."""

        def make(filled: Filled) -> Draft:
            call = self.inquiry.call(operation)
            one = first(emptied(call.crowd(1))) + _LITTLE
            count = max(1, min(self._most(), filled.size // max(one, self._usual())))
            return filled.whole(call.crowd(count))

        return make

    def _usual(self) -> int:
        """About how many bytes each event of a batch takes, while the limit of the whole is searched for."""
        limit = self.inquiry.sketch.facts.get(f"limits.{Ceiling.EVENT}")
        return min(_SMALL_EVENT, limit.at_least // 2) if isinstance(limit, Limit) else _SMALL_EVENT

    def _most(self) -> int:
        """How many events a batch may have, as far as is known."""
        fact = self.inquiry.sketch.facts.get(BATCH_EVENTS)
        return fact.count if isinstance(fact, Crowd) else _MOST_EVENTS

    def _room(self, operation: Operation, outer: Trail | None) -> int:
        """The largest event that the limit of a whole batch has room for."""
        if outer is None or outer.bounds.refused is None:
            return self.largest
        small = self._inner(operation)(Filled())
        body = len(small.request().body)
        return outer.bounds.taken - (body - first(small))

    async def _size(self, ceiling: Ceiling, operation: Operation, make: Made, largest: int) -> Trail | None:
        """Finds a limit of size and what it counts, and states it."""
        sketch, name = self.inquiry.sketch, f"limits.{ceiling}"
        bare = emptied(make(Filled()))
        is_inner = ceiling is Ceiling.BATCH_EVENT
        small = (first(bare) if is_inner else len(bare.request().body)) + _LITTLE
        if not await self.inquiry.takes(make(Filled(size=small))):
            sketch.remark(f"{name}: a free-form text of a few bytes is refused, so nothing can be filled up")
            return None
        if is_inner and largest > small and await self._is_roomy(make, largest):
            sketch.tell(name, f"none of its own up to {largest:,} bytes", "1 request")
            return None
        marks = {*self.marks, *ROUND_SIZES}
        trail = await follow(
            self.inquiry,
            search(small, marks, largest),
            lambda size: make(Filled(size=size)),
            small,
            _SHARES[ceiling],
        )
        if trail.refusal is None:
            cut = ", where the budget ends" if trail.is_cut else ""
            sketch.tell(name, f"none up to {trail.bounds.taken:,} bytes{cut}", f"{trail.requests} requests")
            return trail
        await self._judge(ceiling, operation, make, trail)
        return trail

    async def _is_roomy(self, make: Made, largest: int) -> bool:
        """Whether an event may take all the room that a batch has."""
        return self.inquiry.bytes_left > largest and await self.inquiry.takes(make(Filled(size=largest)))

    async def _judge(self, ceiling: Ceiling, operation: Operation, make: Made, trail: Trail) -> None:
        """States a limit with what it counts; or says why it can't be stated."""
        sketch, low, refusal = self.inquiry.sketch, trail.bounds.taken, trail.refusal
        name, high = f"limits.{ceiling}", trail.bounds.refused or low
        outline = refusal.outline if refusal else ""
        evidence = f"{trail.requests} requests; {high:,}: {outline}"
        before = self.inquiry.requests_sent
        if refusal is None or not 200 <= refusal.status < 500:
            sketch.tell(name, f"{low:,} bytes, not stated", evidence)
            sketch.remark(f"{name}: {low:,} bytes are taken; {high:,}: {outline}: no profile states that")
            return
        units = Units(inquiry=self.inquiry, make=make, size=low, is_read=ceiling is Ceiling.BATCH_EVENT)
        unit = await units.learn() if trail.bounds.is_exact else Unit.BYTES
        least, most = low, high - 1
        if unit is None:
            band = await self._band(name, operation, units, trail.bounds)
            if band is None:
                sketch.tell(name, f"{low:,} bytes of plain letters, not stated", evidence)
                return
            (least, most), unit = band, Unit.BYTES
        limit = Limit(
            name=name,
            level=Level.MUST,
            sources=(_seen(operation, f"{low:,} were taken, {high:,} were answered {refusal.status}"),),
            expect=(refusal.status,),
            at_least=least,
            at_most=most,
            unit=unit,
            holds_in_chunks=not trail.bounds.is_exact or await units.holds_in_chunks(unit),
        )
        sketch.facts[name] = limit
        more = self.inquiry.requests_sent - before
        further = f" and {more} for what it counts" if more else ""
        sketch.tell(name, words(limit), f"{trail.requests} requests{further}; {high:,}: {outline}")
        if not trail.bounds.is_exact:
            self._cut_short(name, low, high)

    async def _band(
        self, name: str, operation: Operation, units: Units, bounds: Bounds
    ) -> tuple[int, int] | None:
        """What is taken however it is spelled, and what is refused in any case, where no unit fits."""
        low, high = bounds.taken, bounds.refused or bounds.taken
        bound = await units.least() if units.is_heavier else None
        told = f"{name}: {low:,} bytes of plain letters are taken, but {units.why}"
        is_batch = name == f"limits.{Ceiling.BATCH}"
        most = await self._surely(operation, high) if bound and is_batch else high
        if bound is None or most is None:
            self.inquiry.sketch.remark(f"{told}: not stated")
            return None
        self.inquiry.sketch.remark(
            f"{told}; {bound:,} bytes are taken however they are written: a band is stated"
        )
        return bound, most - 1

    def _cut_short(self, name: str, low: int, high: int) -> None:
        """Says that a limit is not exact, and what that would take."""
        missing = (high - low).bit_length() * high
        self.inquiry.sketch.remark(
            f"{name}: the budget ended between {low:,} and {high:,} bytes; about {missing:,} bytes more "
            "would tell it exactly, see --max-bytes"
        )

    async def _surely(self, operation: Operation, size: int) -> int | None:
        """A size that is refused of few large events, too: what stands between may have counted."""
        for factor in _MARGINS:
            large = int(size * factor)
            if not await self.inquiry.takes(self.inquiry.call(operation).roomy(large).sized(large)):
                return large
        return None

    async def repeat(self) -> None:
        """Looks whether the limits of whole bodies are the same on all other paths; else states none."""
        sketch = self.inquiry.sketch
        for ceiling, kind in ((Ceiling.EVENT, Kind.EVENT), (Ceiling.BATCH, Kind.BATCH)):
            limit = sketch.facts.get(f"limits.{ceiling}")
            if isinstance(limit, Limit):
                await self._repeated(limit, sketch.operations(kind)[1:])

    async def _repeated(self, limit: Limit, others: Iterable[Operation]) -> None:
        """Sends the largest body that is taken, and the smallest that is not, to other paths."""
        sketch = self.inquiry.sketch
        for operation in others:
            make = self._event(operation) if operation.kind is Kind.EVENT else self._spread(operation)
            if self.inquiry.bytes_left < _SPARE_BODIES * limit.at_most:
                sketch.remark(f"{limit.name}: not asked on {operation}, for want of bytes")
                return
            taken = await self.inquiry.ask(make(Filled(size=limit.at_least, unit=limit.unit)))
            refused = await self.inquiry.ask(make(Filled(size=limit.at_most + 1, unit=limit.unit)))
            if not expect.is_accepted(taken) or refused.status not in limit.expect:
                sketch.remark(
                    f"{limit.name}: not the same everywhere: on {operation} {limit.at_least:,} get "
                    f"{taken.outline}, {limit.at_most + 1:,} get {refused.outline}; not stated"
                )
                del sketch.facts[limit.name]
                return

    async def _count(self, operation: Operation) -> None:
        """Finds how many events a batch may have, of the smallest ones."""
        sketch = self.inquiry.sketch
        trail = await follow(
            self.inquiry,
            search(1, COUNTS, _MOST_EVENTS),
            self.inquiry.call(operation).crowd,
            1,
            _COUNT_SHARE,
        )
        refusal, count, over = trail.refusal, trail.bounds.taken, trail.bounds.refused
        if refusal is None or over is None:
            sketch.tell(BATCH_EVENTS, f"none up to {count:,} events", f"{trail.requests} requests")
            return
        if not await self._is_count(operation, count, over):
            sketch.tell(
                BATCH_EVENTS, f"none up to {count:,} events", "what is refused is the size of the batch"
            )
            return
        evidence = f"{trail.requests} requests; {over:,}: {refusal.outline}"
        if not trail.bounds.is_exact or not 200 <= refusal.status < 500:
            sketch.tell(BATCH_EVENTS, f"{count:,} events, not stated", evidence)
            sketch.remark(f"{BATCH_EVENTS}: {count:,} are taken; {over:,}: {refusal.outline}: not stated")
            return
        says = f"{count:,} events were taken, {over:,} were answered {refusal.status}"
        sketch.facts[BATCH_EVENTS] = Crowd(
            name=BATCH_EVENTS,
            level=Level.MUST,
            sources=(_seen(operation, says),),
            expect=(refusal.status,),
            count=count,
        )
        sketch.tell(BATCH_EVENTS, f"{count:,} events", evidence)

    async def _is_count(self, operation: Operation, count: int, over: int) -> bool:
        """Whether it was the number that was refused, and not the bytes: as many bytes in fewer events."""
        call = self.inquiry.call(operation)
        size, draft = len(call.crowd(over).request().body), call.crowd(count)
        missing = size - len(draft.request().body)
        return await self.inquiry.takes(draft.event_sized(first(draft) + max(missing, _SLACK)))

    def _reconcile(self, operation: Operation, inner: Trail | None, outer: Trail | None) -> None:
        """Takes back the limit of a batch where it was that of its events."""
        sketch, name = self.inquiry.sketch, f"limits.{Ceiling.BATCH}"
        if inner is None or outer is None or inner.refusal is None or outer.bounds.refused is None:
            return
        draft = self._spread(operation)(Filled(size=outer.bounds.refused))
        if outer.bounds.refused // len(draft.events) >= inner.bounds.taken and name in sketch.facts:
            del sketch.facts[name]
            sketch.entries = [entry for entry in sketch.entries if entry.topic != name]
            sketch.tell(name, f"none up to {outer.bounds.taken:,} bytes", "what is refused is an event in it")


def _seen(operation: Operation, says: str) -> Source:
    return Source(document=SOURCE, section=str(operation), says=says)
