"""Credentials: which ways to hand in the key are taken, and what a wrong key is answered with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect
from conformance.errors import CannotJudge
from conformance.model import Kind, Level
from conformance.payloads.credentials import NOBODY, UNKNOWN_KEY
from conformance.profile.facts import Scheme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.contract import Operation
    from conformance.model import Exchange
    from conformance.payloads import Call, Draft
    from conformance.probe.family import Way
    from conformance.probe.inquiry import Inquiry

_FIRST = (Scheme.BASIC, Scheme.HEADER, Scheme.BODY, Scheme.QUERY, Scheme.BEARER, Scheme.BASIC_WITHOUT_COLON)
"""Which of several ways the other requests use."""


@dataclass(slots=True, kw_only=True)
class Credentialing:
    """Tries each way to hand in the key alone."""

    inquiry: Inquiry
    ways: Sequence[Way]

    async def learn(self) -> None:
        """Finds the ways that are taken. Raises CannotJudge if none is, alone."""
        sketch = self.inquiry.sketch
        posted = [item for item in sketch.firsts() if item.kind in {Kind.EVENT, Kind.BATCH}]
        if not posted:
            await self._special()
            return
        first, *others = posted
        nobody = await self._nobody(first)
        taken: list[Way] = []
        for way in sorted(self.ways, key=lambda item: _FIRST.index(item.scheme)):
            if any(item.scheme is way.scheme for item in taken):
                continue
            exchange = await self._by(first, way)
            looked_at = not expect.is_accepted(nobody) or not expect.is_accepted(
                await self._by(first, way, UNKNOWN_KEY)
            )
            if expect.is_accepted(exchange) and looked_at:
                taken.append(way)
        if not taken and expect.is_accepted(nobody):
            taken = [next(way for way in self.ways if way.scheme is Scheme.BASIC)]
            sketch.is_open = True
            sketch.remark("no key is asked for, and a wrong one is not noticed")
        if not taken:
            raise CannotJudge("the key is taken in several places at once, and in none of them alone")
        await self._elsewhere(taken, others)

    async def _elsewhere(self, taken: list[Way], others: Sequence[Operation]) -> None:
        """Keeps what is taken, at a lower level where another kind of path refuses it."""
        sketch = self.inquiry.sketch
        weak: set[Way] = set()
        for way in taken:
            for operation in others:
                exchange = await self._by(operation, way)
                if not expect.is_accepted(exchange):
                    weak.add(way)
                    sketch.remark(f"credentials.{way}: refused on {operation}: {exchange.outline}")
        firm = [way for way in taken if way not in weak] or taken
        sketch.ways = [*firm, *(way for way in taken if way not in firm)]
        webhooks = sketch.operations(Kind.WEBHOOK)
        if webhooks and not any(way.scheme is Scheme.QUERY for way in sketch.ways):
            sketch.ways.append(next(way for way in self.ways if way.scheme is Scheme.QUERY))
        if sketch.operations(Kind.PIXEL) and not any(way.scheme is Scheme.BODY for way in sketch.ways):
            weak.add(body := next(way for way in self.ways if way.scheme is Scheme.BODY))
            sketch.ways.append(body)
        for way in sketch.ways:
            level = Level.MAY if way in weak else Level.MUST
            says = f"the right key by {way} was accepted"
            sketch.facts[f"credentials.{way.scheme}"] = way.fact(level, says, str(sketch.firsts()[0]))
            sketch.tell(
                "credentials", str(way), f"accepted alone{'' if level is Level.MUST else ', not everywhere'}"
            )

    async def _special(self) -> None:
        """A server of pixels or webhooks alone: the key is where their kind has it."""
        sketch = self.inquiry.sketch
        kinds = {item.kind for item in sketch.operations()}
        schemes = [
            scheme
            for kind, scheme in ((Kind.WEBHOOK, Scheme.QUERY), (Kind.PIXEL, Scheme.BODY))
            if kind in kinds
        ]
        taken = [next(way for way in self.ways if way.scheme is scheme) for scheme in schemes]
        await self._elsewhere(taken, ())

    async def _by(self, operation: Operation, way: Way, key: str | None = None) -> Exchange:
        contract = self.inquiry.sketch.contract(ways=(way,))
        call = self.inquiry.call(operation, contract, way.scheme)
        return await self.inquiry.ask(self._event(call).by(call.credentials(way.scheme, key)))

    async def _nobody(self, operation: Operation) -> Exchange:
        contract = self.inquiry.sketch.contract(ways=(self.ways[0],))
        call = self.inquiry.call(operation, contract)
        return await self.inquiry.ask(self._event(call).by(NOBODY))

    def _event(self, call: Call) -> Draft:
        """An event that is accepted: with all fields, where few are too few."""
        return call.full() if call.operation.type in self.inquiry.sketch.full else call.event()
