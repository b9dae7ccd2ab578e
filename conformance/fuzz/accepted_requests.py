"""Accepted requests: the smallest one that each operation of a target takes, and cases that have what it needs."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import OperationKind
from conformance.fuzz.case import compact_json
from conformance.fuzz.seed_events import SeedEvents, batch_events
from conformance.fuzz.strict_json import parse_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json, JsonObject
    from conformance.fuzz.case import Case
    from conformance.fuzz.case_runner import CaseRunner

Fields = dict[str, "Json"]
"""Values by their pointers."""


class AcceptedRequests:
    """The smallest request that each operation takes: the documented one, or one with the fields that it needs beside.

    `seed_events` are made of it, by the name of the operation in a case. `untestable` are the operations that accept
    nothing: what they refuse proves nothing.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._needed: dict[str, Fields] = {}
        self.seed_events = {str(item): SeedEvents.for_operation(contract, item) for item in contract.operations}
        self.untestable: set[str] = set()

    async def learn(self, case_runner: CaseRunner, operation: Operation) -> None:
        """Finds the smallest request that an operation takes, by a few requests where the documented one is refused."""
        call, smallest = str(operation), self.seed_events[str(operation)]
        if await case_runner.accepts(smallest.control_case()):
            return
        needed = dict(_additional_fields(smallest.minimal_event, smallest.full_event))
        if not await case_runner.accepts(_with_fields(smallest, needed).control_case()):
            self.untestable.add(call)
            return
        for pointer in tuple(needed):
            fewer = {name: value for name, value in needed.items() if name != pointer}
            if await case_runner.accepts(_with_fields(smallest, fewer).control_case()):
                needed = fewer
        self._needed[call] = needed
        self.seed_events[call] = _with_fields(smallest, needed)

    def adapt(self, case: Case) -> Case | None:
        """A case with the fields that its operation needs; None if nothing can be learned from it on this target."""
        if case.call in self.untestable:
            return None
        if not self._needed.get(case.call):
            return case
        body = _unzip(case.body) if case.coding == "gzip" else case.body
        if body is None:
            return case
        adapted = self._adapt_body(self.seed_events[case.call], body)
        if adapted is None or adapted == body:
            return case if adapted == body else None
        adapted = gzip.compress(adapted, mtime=0) if case.coding == "gzip" else adapted
        return case._replace(body=adapted, expected_facts=())

    def _adapt_body(self, seed_events: SeedEvents, body: bytes) -> bytes | None:
        """A body whose events have the needed fields; None if that is impossible."""
        parsed = parse_body(body)
        if not parsed.is_json or parsed.is_parser_dependent or compact_json(parsed.value) != body:
            adapted = self._insert_members(seed_events, body)
            value = parse_body(adapted)
            return adapted if not value.is_json or not self._lacks_fields(seed_events, value.value) else None
        events = self._events(seed_events, parsed.value)
        if not events or not isinstance(parsed.value, dict):
            return body
        completed = [self._complete(seed_events, event) if isinstance(event, dict) else event for event in events]
        if seed_events.operation.kind is not OperationKind.BATCH:
            return compact_json(completed[0])
        return compact_json(pointers.put(parsed.value, self._contract.profile.batch.pointer, completed))

    def _events(self, seed_events: SeedEvents, value: Json) -> list[Json]:
        """The events in a body."""
        if not isinstance(value, dict):
            return []
        return (
            batch_events(self._contract, value) or [] if seed_events.operation.kind is OperationKind.BATCH else [value]
        )

    def _complete(self, seed_events: SeedEvents, event: JsonObject) -> JsonObject:
        """An event with the needed fields, if it lacks them."""
        for pointer, value in self._missing_fields(seed_events, event).items():
            event = pointers.put(event, pointer, value)
        return event

    def _missing_fields(self, seed_events: SeedEvents, event: JsonObject) -> Fields:
        """The needed fields that an event lacks. An event of nobody stays one; a value that is there stays as it is."""
        ids = {*self._contract.identity_pointers(seed_events.operation.event_type).values()}
        names_nobody = not any(pointers.has(event, pointer) for pointer in ids)
        return {
            pointer: value
            for pointer, value in self._needed[seed_events.call].items()
            if not (names_nobody and pointer in ids) and not _is_taken(event, pointer)
        }

    def _lacks_fields(self, seed_events: SeedEvents, value: Json) -> bool:
        events = self._events(seed_events, value)
        return any(isinstance(event, dict) and self._missing_fields(seed_events, event) for event in events)

    def _insert_members(self, seed_events: SeedEvents, body: bytes) -> bytes:
        """A body of which every byte matters, with the needed fields at the beginning of its events.

        An event is recognised by its first member, or by the first brace of the body.
        """
        needed = self._needed[seed_events.call]
        fields = {pointer: value for pointer, value in needed.items() if pointer.count("/") == 1}
        fields = {pointer: value for pointer, value in fields.items() if b'"%b"' % pointer[1:].encode() not in body}
        if not fields:
            return body
        members = compact_json({pointer[1:]: value for pointer, value in fields.items()})[1:-1]
        first_name = next(iter(seed_events.minimal_event))
        start = b"{" + compact_json(first_name) + b":"
        if start in body:
            return body.replace(start, b"{" + members + b"," + start[1:])
        head, brace, rest = body.partition(b"{")
        if head.strip() or seed_events.operation.kind is OperationKind.BATCH or not brace:
            return body
        return head + brace + members + (b"" if rest.lstrip().startswith(b"}") else b",") + rest


def _with_fields(seed_events: SeedEvents, fields: Fields) -> SeedEvents:
    """Seed events whose smallest one has some more fields."""
    event = seed_events.minimal_event
    for pointer, value in fields.items():
        event = pointers.put(event, pointer, value)
    return replace(seed_events, minimal_event=event)


def _additional_fields(smallest: JsonObject, full: JsonObject, place: str = "") -> Iterator[tuple[str, Json]]:
    """The fields of a full event that the smallest one lacks."""
    for name, value in full.items():
        there = smallest.get(name)
        if name not in smallest:
            yield f"{place}/{name}", value
        elif isinstance(there, dict) and isinstance(value, dict):
            yield from _additional_fields(there, value, f"{place}/{name}")


def _is_taken(event: JsonObject, pointer: str) -> bool:
    """Whether an event has a value at a pointer, or one that is not an object on the way."""
    value: Json = event
    for name in pointers.split(pointer):
        if not isinstance(value, dict):
            return True
        if name not in value:
            return False
        value = value[name]
    return True


def _unzip(body: bytes) -> bytes | None:
    """A body without gzip; None if it is not gzip."""
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return None
