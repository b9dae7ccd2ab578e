"""Events: which ids name their user, and which fields they can't do without."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import expect
from conformance.contract import Operation
from conformance.model import Kind, Level, Source
from conformance.probe.family import SOURCE
from conformance.profile.facts import Answer

if TYPE_CHECKING:
    from conformance.model import Exchange
    from conformance.payloads import Draft
    from conformance.probe.inquiry import Inquiry

_IDS = {"user": "conformance-user-alone", "anonymous": "conformance-anonymous-alone"}


@dataclass(slots=True, kw_only=True)
class Identifying:
    """Takes fields out of acceptable events."""

    inquiry: Inquiry

    async def learn(self) -> None:
        """Finds the ids and the required fields of every event type."""
        sketch = self.inquiry.sketch
        for name in list(sketch.events):
            operation = self._operation(name)
            if operation is not None:
                await self._ids(name, operation)
                await self._required(name, operation)
        if sketch.pointers.anonymous and not any(
            "anonymous" in e.identified_by for e in sketch.events.values()
        ):
            sketch.pointers = replace(sketch.pointers, anonymous=None)

    def _operation(self, name: str) -> Operation | None:
        """Where an event of a type is sent: to its own path, or in a batch."""
        routes = self.inquiry.sketch.routes
        own = next((route for route in routes if route.type == name and route.kind is not Kind.BATCH), None)
        batch = next((route for route in routes if route.kind is Kind.BATCH), None)
        if own is None and batch is not None:
            own = replace(batch, type=name)
        return Operation.of(own) if own else None

    async def _ids(self, name: str, operation: Operation) -> None:
        sketch = self.inquiry.sketch
        call = self.inquiry.call(operation)
        where = call.contract.identities(name)
        taken: dict[str, Exchange] = {}
        refused: dict[str, Exchange] = {}
        for word, pointer in where.items():
            draft = call.event().drop(*where.values()).put(pointer, _IDS[word])
            exchange = await self.inquiry.ask(draft)
            (taken if expect.is_accepted(exchange) else refused)[word] = exchange
        if not taken:
            sketch.remark(f"{name}: refused with one id alone: {refused['user'].outline}")
            return
        sketch.events[name] = replace(sketch.events[name], identified_by=tuple(taken))
        told = "; ".join(f"{word} alone {exchange.status}" for word, exchange in (taken | refused).items())
        sketch.tell(f"identity of {name}", " or ".join(taken), told)

    async def _required(self, name: str, operation: Operation) -> None:
        sketch = self.inquiry.sketch
        found: dict[str, Answer] = {}
        for pointer in sketch.events[name].required:
            call = self.inquiry.call(operation)
            if operation.kind is Kind.BATCH and pointer == sketch.pointers.type:
                continue
            exchange = await self.inquiry.ask(self._without(call.event(), pointer))
            if 300 <= exchange.status < 500:
                found[pointer] = self._answer(name, pointer, operation, exchange)
            elif not expect.is_accepted(exchange):
                sketch.remark(f"{operation} without {pointer}: {exchange.outline}; a run fails on that")
        sketch.events[name] = replace(sketch.events[name], required=found)
        told = ", ".join(f"{pointer} ({answer.expect[0]})" for pointer, answer in found.items())
        sketch.tell(f"required by {name}", told or "nothing else", f"each left out on {operation}")

    @staticmethod
    def _without(draft: Draft, pointer: str) -> Draft:
        return draft.drop(pointer)

    @staticmethod
    def _answer(name: str, pointer: str, operation: Operation, exchange: Exchange) -> Answer:
        says = f"without {pointer}: {exchange.status}"
        return Answer(
            name=f"events.{name}.required.{pointer}",
            level=Level.MUST,
            sources=(Source(document=SOURCE, section=str(operation), says=says),),
            expect=(exchange.status,),
        )
