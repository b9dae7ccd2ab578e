"""The oracle: which facts of the contract say how a request is answered. In doubt it says nothing."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.fuzz.case import Auth, Case
from conformance.fuzz.events import Events
from conformance.fuzz.reading import read
from conformance.model import Json, Kind, Level
from conformance.profile.facts import BATCH_EVENTS, Answer, Ceiling, Condition, Scheme
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation

ACCEPTED = f"answers.{Condition.ACCEPTED}"
_MARGIN_BYTES = 512
"""How much a key may add to a body, and so blur where its limit is."""
_OPEN_BATCH = 200
"""More events than so many, and a correct server may have reasons of its own."""


@dataclass(slots=True)
class Signs:
    """What was found out about a request: the facts that it falls under, and whether there is a doubt."""

    facts: set[str] = field(default_factory=set)
    is_doubtful: bool = False

    def add(self, condition: Condition) -> None:
        """It falls under a condition."""
        self.facts.add(f"answers.{condition}")

    def doubt(self) -> None:
        """The contract does not say enough."""
        self.is_doubtful = True


class Oracle:
    """Labels requests under one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.events = Events(contract)
        self.operations = {str(operation): operation for operation in contract.operations}

    def expect(self, case: Case) -> tuple[str, ...]:
        """The facts of which one says how a request is answered; none where that is open."""
        operation, signs = self.operations[case.call], Signs()
        self._weigh_headers(case, operation, signs)
        is_heavy = self._weigh(case, operation, signs)
        if not signs.is_doubtful:
            with self.events.weighing(heavy=is_heavy):
                self._read(case, operation, signs)
        if is_heavy and signs.is_doubtful and not case.coding:
            signs.add(Condition.JSON_INVALID)
            signs.is_doubtful = False
        if signs.is_doubtful:
            return ()
        if not signs.facts:
            return (ACCEPTED,)
        known = {name: self.answer(name) for name in signs.facts}
        if any(answer is None or answer.level is Level.MAY for answer in known.values()):
            return ()
        return tuple(sorted(known))

    def answer(self, name: str) -> Answer | None:
        """How a fact says that a request is answered; None where the profile does not state it."""
        if name.startswith("events."):
            _, event, pointer = name.split(".", 2)
            return self.contract.event(event).required.get(pointer)
        found = self.contract.profile.facts.get(name)
        return found if isinstance(found, Answer) else None

    def _weigh_headers(self, case: Case, operation: Operation, signs: Signs) -> None:
        """Credentials, type and coding."""
        if case.auth is not Auth.RIGHT:
            signs.add(_auth_condition(operation.kind, case.auth))
        media_type, _, parameter = case.content_type.partition(";")
        if media_type != "application/json" or parameter.strip().lower() not in {"", "charset=utf-8"}:
            signs.doubt()
        if case.coding and (case.coding != "gzip" or read(case.body).is_json or _unpacks(case.body)):
            signs.doubt()
        elif case.coding:
            signs.add(Condition.ENCODING_INVALID)

    def _weigh(self, case: Case, operation: Operation, signs: Signs) -> bool:
        """The size of the whole body; whether it is over its limit, which is refused whatever it says."""
        if operation.kind is Kind.PIXEL:
            return False
        ceiling = Ceiling.BATCH if operation.kind is Kind.BATCH else Ceiling.EVENT
        if not self.contract.states(f"limits.{ceiling}"):
            return False
        limit = self.contract.limit(ceiling)
        size = len(case.body)
        if size > limit.at_least and limit.unit is not Unit.BYTES:
            signs.doubt()
            return False
        if size > limit.at_most:
            signs.facts.add(limit.name)
            return True
        if size > limit.at_least - _MARGIN_BYTES * self._is_keyed(operation):
            signs.doubt()
        return False

    def _is_keyed(self, operation: Operation) -> bool:
        """Whether the body carries the key."""
        return operation.kind is Kind.PIXEL or self.contract.first_scheme is Scheme.BODY

    def _read(self, case: Case, operation: Operation, signs: Signs) -> None:
        """What the body says."""
        if case.coding:
            return
        found, is_pixel = read(case.body), operation.kind is Kind.PIXEL
        if found.is_odd:
            signs.doubt()
        elif not found.is_json or not isinstance(found.value, dict):
            self._unread(case, operation, signs, is_utf8=found.is_utf8, is_json=found.is_json)
        elif self._carries_key(operation, found.value):
            signs.doubt()
        elif operation.kind is Kind.BATCH:
            self._read_batch(found.value, signs)
        else:
            missing = Condition.PIXEL_IDENTITY_MISSING if is_pixel else Condition.IDENTITY_MISSING
            is_open = operation.kind is Kind.WEBHOOK
            facts, doubtful = self.events.examine(operation.type, found.value, missing, is_single=True)
            signs.facts |= facts
            signs.is_doubtful |= doubtful or (is_open and bool(facts))

    def _unread(
        self, case: Case, operation: Operation, signs: Signs, *, is_utf8: bool, is_json: bool
    ) -> None:
        """A body that is no JSON object."""
        if operation.kind is Kind.PIXEL:
            signs.add(Condition.PIXEL_DATA_INVALID)
            if not case.body:
                signs.add(Condition.PIXEL_DATA_MISSING)
        elif not is_json:
            signs.add(Condition.JSON_INVALID)
            if not is_utf8:
                signs.add(Condition.JSON_NOT_UTF8)
        else:
            signs.add(Condition.JSON_NOT_OBJECT)
        if self._is_keyed(operation):
            signs.add(_auth_condition(operation.kind, Auth.NONE))

    def _carries_key(self, operation: Operation, value: dict[str, Json]) -> bool:
        """Whether a body has something of its own where a key could be."""
        if not self.contract.states(f"credentials.{Scheme.BODY}"):
            return False
        first = pointers.steps(self.contract.credential_key(Scheme.BODY))[0]
        batch = self.contract.profile.batch.pointer
        listed = pointers.get(value, batch) if pointers.has(value, batch) else None
        holders = [value, *(listed if isinstance(listed, list) and operation.kind is Kind.BATCH else [])]
        return any(isinstance(holder, dict) and first in holder for holder in holders)

    def _read_batch(self, value: dict[str, Json], signs: Signs) -> None:
        """A batch: its envelope, its list, and every event in it."""
        where = self.contract.profile.batch.pointer
        if not self.events.is_plain_envelope(value):
            signs.doubt()
        listed = pointers.get(value, where) if pointers.has(value, where) else None
        if not pointers.has(value, where):
            signs.add(Condition.BATCH_MISSING)
        elif listed is None:
            signs.add(Condition.BATCH_NOT_ARRAY)
            signs.add(Condition.BATCH_MISSING)
        elif not isinstance(listed, list):
            signs.add(Condition.BATCH_NOT_ARRAY)
        elif not listed:
            signs.add(Condition.BATCH_EMPTY)
        else:
            if self.contract.states(BATCH_EVENTS) and len(listed) > self.contract.most_events:
                signs.facts.add(BATCH_EVENTS)
            self._read_events(listed, signs)

    def _read_events(self, listed: list[Json], signs: Signs) -> None:
        """The events of a batch: all good, all bad, or some of each."""
        if len(listed) > _OPEN_BATCH:
            signs.doubt()
        bad = 0
        for event in listed[:_OPEN_BATCH]:
            facts, doubtful = self.events.examine_item(event)
            signs.facts |= facts
            signs.is_doubtful |= doubtful
            bad += bool(facts)
        if bad and len(listed) > 1:
            self._mix(signs, some_good=bad < len(listed))

    def _mix(self, signs: Signs, *, some_good: bool) -> None:
        """Several events of which some are bad: the whole may be answered as partly bad."""
        partly = self.answer(f"answers.{Condition.BATCH_PARTLY_BAD}")
        if partly is None:
            signs.doubt()
        elif some_good or 207 in partly.statuses:
            signs.add(Condition.BATCH_PARTLY_BAD)


def _auth_condition(kind: Kind, auth: Auth) -> Condition:
    """The condition of wrong credentials, by the name that it has on a kind of operation."""
    if kind is Kind.PIXEL:
        return Condition.PIXEL_KEY_UNKNOWN
    if kind is Kind.WEBHOOK:
        return Condition.WEBHOOK_KEY_MISSING if auth is Auth.NONE else Condition.WEBHOOK_KEY_UNKNOWN
    return {
        Auth.NONE: Condition.CREDENTIALS_MISSING,
        Auth.UNKNOWN: Condition.CREDENTIALS_UNKNOWN,
        Auth.MALFORMED: Condition.CREDENTIALS_MALFORMED,
    }[auth]


def _unpacks(body: bytes) -> bool:
    """Whether a body is gzip."""
    try:
        gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return False
    return True
