"""Events: which ids name their user, which fields they can't do without, and which they can't have."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance import expect, pointers
from conformance.contract import Operation
from conformance.model import Kind, Level, Source
from conformance.probe.family import SOURCE, asked
from conformance.probe.sketch import FIELDS, without
from conformance.profile.facts import Answer

if TYPE_CHECKING:
    from conformance.model import Exchange
    from conformance.payloads import Call, Draft
    from conformance.probe.inquiry import Inquiry

_IDS = {"user": "conformance-user-alone", "anonymous": "conformance-anonymous-alone"}


@dataclass(slots=True, kw_only=True)
class Identifying:
    """Takes fields out of acceptable events, and puts them in; `unwanted` are those that are refused."""

    inquiry: Inquiry
    unwanted: dict[str, list[str]] = field(default_factory=dict)

    async def learn(self) -> None:
        """Finds the ids and the required fields of every event type."""
        sketch = self.inquiry.sketch
        for name in list(sketch.events):
            operation = self._operation(name)
            if operation is not None:
                await self._ids(name, operation)
                if name in sketch.full:
                    await self._needed(name, operation)
                await self._required(name, operation)
                await self._unwanted(name, operation)
        for pointer, names in self.unwanted.items():
            sketch.remark(f"{', '.join(names)}: refused with {pointer}, which the profile leaves out")
        ids = {word for event in sketch.events.values() for word in event.identified_by}
        if sketch.pointers.anonymous and "anonymous" not in ids:
            sketch.pointers = replace(sketch.pointers, anonymous=None)

    def _operation(self, name: str) -> Operation | None:
        """Where an event of a type is sent: to its own path, or in a batch."""
        routes = self.inquiry.sketch.routes
        own = next((route for route in routes if route.type == name and route.kind is not Kind.BATCH), None)
        batch = next((route for route in routes if route.kind is Kind.BATCH), None)
        if own is None and batch is not None:
            own = replace(batch, type=name)
        return Operation.of(own) if own else None

    def _draft(self, operation: Operation) -> Draft:
        call = self.inquiry.call(operation)
        return call.full() if operation.type in self.inquiry.sketch.full else call.event()

    async def _ids(self, name: str, operation: Operation) -> None:
        sketch = self.inquiry.sketch
        where = self.inquiry.call(operation).contract.identities(name)
        found: dict[str, Exchange] = {}
        for word, pointer in where.items():
            draft = self._draft(operation).drop(*where.values()).put(pointer, _IDS[word])
            found[word] = await self.inquiry.ask(draft)
        taken = tuple(word for word, exchange in found.items() if expect.is_accepted(exchange))
        told = "; ".join(f"{word} alone {exchange.status}" for word, exchange in found.items())
        if taken:
            sketch.events[name] = replace(sketch.events[name], identified_by=taken)
        elif len(where) > 1 and await self._together(operation, where):
            told += "; both together are accepted"
            first, *others = where
            event = sketch.events[name]
            needed = {pointer: asked(pointer) for word, pointer in where.items() if word in others}
            sketch.events[name] = replace(
                event, identified_by=(first,), required={**event.required, **needed}
            )
            taken = (f"{first}, with {' and '.join(others)} required",)
        else:
            sketch.remark(f"{name}: refused with one id alone ({told}); a run fails on that")
        sketch.tell(f"identity of {name}", " or ".join(taken) or "both together", told)

    async def _together(self, operation: Operation, where: dict[str, str]) -> bool:
        """Whether an event with all ids is accepted, where none is enough."""
        draft = self._draft(operation)
        for word, pointer in where.items():
            draft = draft.put(pointer, _IDS[word])
        return await self.inquiry.takes(draft)

    async def _needed(self, name: str, operation: Operation) -> None:
        """Where few fields are too few: takes each field out of an event with all of them."""
        sketch = self.inquiry.sketch
        call = self.inquiry.call(operation)
        for pointer in call.optional():
            if not await self.inquiry.takes(call.full().drop(pointer)):
                event = sketch.events[name]
                sketch.events[name] = replace(event, required={**event.required, pointer: asked(pointer)})

    async def _required(self, name: str, operation: Operation) -> None:
        """Leaves out one field after the other that may be required, and for good what is not missed."""
        sketch = self.inquiry.sketch
        kind = sketch.pointers.type if operation.kind is Kind.BATCH else None
        missed, gone = await self._left_out(name, operation, kind)
        if missed and gone:
            again, _ = await self._left_out(name, operation, kind)
            if set(again) != set(missed):
                always = tuple(pointer for pointer in gone if pointer not in sketch.always)
                sketch.always += always
                sketch.remark(
                    f"{name}: what is required depends on {', '.join(gone)}, which all events carry now"
                )
                self._require(name, missed)
        told = ", ".join(f"{pointer} ({answer.expect[0]})" for pointer, answer in missed.items())
        sketch.tell(f"required by {name}", told or "nothing else", "each left out")

    async def _left_out(
        self, name: str, operation: Operation, kind: str | None
    ) -> tuple[dict[str, Answer], list[str]]:
        """What is missed, with the answers, and what is not."""
        sketch = self.inquiry.sketch
        missed: dict[str, Answer] = {}
        gone: list[str] = []
        for pointer in list(sketch.events[name].required):
            if pointer == kind:
                continue
            exchange = await self.inquiry.ask(self.inquiry.call(operation).event().drop(pointer))
            if 300 <= exchange.status < 500:
                missed[pointer] = self._answer(name, pointer, operation, exchange)
                continue
            if not expect.is_accepted(exchange):
                sketch.remark(f"{operation} without {pointer}: {exchange.outline}; a run fails on that")
                continue
            gone.append(pointer)
            rest = {key: value for key, value in sketch.events[name].required.items() if key != pointer}
            self._require(name, rest)
        self._require(name, missed)
        return missed, gone

    def _require(self, name: str, required: dict[str, Answer]) -> None:
        events = self.inquiry.sketch.events
        events[name] = replace(events[name], required=required)

    async def _unwanted(self, name: str, operation: Operation) -> None:
        """Where an event with every field is refused: puts each field into the smallest one."""
        call = self.inquiry.call(operation)
        if await self.inquiry.takes(call.full()):
            return
        full: dict[str, Any] = call.largest(name)
        for pointer in call.optional():
            draft = call.event().put(pointer, pointers.get(full, pointer))
            if not await self.inquiry.takes(draft) and not await self._is_too_large(call, draft):
                self.unwanted.setdefault(pointer, []).append(name)
                self._forget(name, pointer)

    async def _is_too_large(self, call: Call, draft: Draft) -> bool:
        """Whether it is the size that is refused: as many bytes of filler are, too."""
        size = len(draft.request().body)
        return not await self.inquiry.takes(call.event().sized(size))

    def _forget(self, name: str, pointer: str) -> None:
        """Takes a field out of the schema of an event, and out of all that speaks of it."""
        sketch = self.inquiry.sketch
        schema: dict[str, Any] = dict(sketch.contract().event_schema(name))
        key = pointer.removeprefix("/")
        schema["properties"] = {word: value for word, value in schema["properties"].items() if word != key}
        event = sketch.events[name]
        sketch.events[name] = replace(
            event, schema=schema, open=None if event.open == pointer else event.open
        )
        sketch.shared = tuple(item for item in sketch.shared if item != pointer)
        for word in FIELDS:
            if getattr(sketch.pointers, word) == pointer:
                sketch.pointers = without(sketch.pointers, word)

    @staticmethod
    def _answer(name: str, pointer: str, operation: Operation, exchange: Exchange) -> Answer:
        says = f"without {pointer}: {exchange.status}"
        return Answer(
            name=f"events.{name}.required.{pointer}",
            level=Level.MUST,
            sources=(Source(document=SOURCE, section=str(operation), says=says),),
            expect=(exchange.status,),
        )
