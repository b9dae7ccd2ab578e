"""A change: in what a server differs from the correct one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.model import Json, JsonObject, Kind
from conformance.pointers import Missing, get
from conformance.refserver.answering import Answering
from conformance.refserver.application import PLAIN, Manner, application
from conformance.refserver.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract
    from conformance.refserver.admission import Incoming
    from conformance.refserver.answering import Decision
    from conformance.refserver.application import Application
    from conformance.refserver.replies import Reply


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A request as a changed server sees it, with what the correct one has decided.

    `memory` is the server's own: a change that remembers something counts there.
    """

    server: Twisted
    decision: Decision
    memory: Counter[str] = field(default_factory=Counter)

    @property
    def incoming(self) -> Incoming:
        """The request as it came."""
        return self.decision.incoming

    @property
    def contract(self) -> Contract:
        """What is asked of the server."""
        return self.server.contract

    @property
    def kind(self) -> Kind | None:
        """The kind of operation that it is for; None where there is none."""
        return self.decision.operation.kind if self.decision.operation else None

    @property
    def is_further(self) -> bool:
        """Whether it is for another operation than the first of its kind."""
        operations = self.contract.operations
        return self.kind is not None and self.decision.operation not in {
            next(item for item in operations if item.kind is kind)
            for kind in {item.kind for item in operations}
        }

    @property
    def refusal(self) -> str:
        """The fact that speaks of its refusal, such as `answers.json-invalid`; empty if it is accepted."""
        return self.decision.refused.answer.name if self.decision.refused else ""

    @property
    def is_accepted(self) -> bool:
        """Whether the correct answer is a success of the usual kind."""
        return self.decision.refused is None or self.decision.refused.is_success

    def reply(self) -> Reply:
        """The correct answer."""
        return self.server.correct(self.decision)

    @cached_property
    def text(self) -> str:
        """What carries the event, as text."""
        return self.decision.body.decode("utf-8", errors="replace")

    @cached_property
    def document(self) -> Json:
        """Its JSON, also where it was refused before that was read; None if it is none."""
        if self.decision.document is not None:
            return self.decision.document
        try:
            found: Json = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return found

    @cached_property
    def events(self) -> list[JsonObject]:
        """The events in it."""
        try:
            where = self.contract.profile.batch.pointer
            found = get(self.document, where) if self.kind is Kind.BATCH else [self.document]
        except Missing:
            return []
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def each(self, pointer: str | None) -> list[Json]:
        """What each event has at a pointer, if it has anything there."""
        found = []
        for event in self.events if pointer else ():
            try:
                found.append(get(event, pointer or ""))
            except Missing:
                continue
        return found

    def values(self) -> Iterator[Any]:
        """Every value in its JSON, and every key, from the top down."""
        waiting: list[Any] = [self.document]
        while waiting:
            value = waiting.pop()
            yield value
            if isinstance(value, dict):
                waiting += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                waiting += value

    def strings(self) -> Iterator[str]:
        """Every text in its JSON, keys among them."""
        return (value for value in self.values() if isinstance(value, str))


Twist: TypeAlias = Callable[[Sight], "Reply | None"]
"""What a changed server answers; None where it answers as the correct one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """In what a server differs: in its answers, in how it speaks HTTP, or in what is asked of it."""

    twist: Twist | None = None
    manner: Manner = PLAIN
    protocol: type[Protocol] = Protocol
    restate: Callable[[Contract], Contract] | None = None

    def application(self, contract: Contract, write_key: str, bearer: str | None) -> Application:
        """The changed server."""
        contract = self.restate(contract) if self.restate else contract
        plain = Answering(contract, write_key, bearer)
        return application(Twisted(plain, self.twist) if self.twist else plain, self.manner)

    def slowed(self, delay_s: float) -> Change:
        """The same, with a time that passes before each answer."""
        return replace(self, manner=replace(self.manner, delay_s=delay_s))


class Twisted(Answering):
    """Answers as a twist says, and where that is silent, correctly."""

    def __init__(self, plain: Answering, twist: Twist) -> None:
        super().__init__(plain.contract, plain.admission.write_key, plain.admission.bearer)
        self._twist = twist
        self._memory: Counter[str] = Counter()

    def respond(self, decision: Decision) -> Reply:
        """The twisted answer to what was decided."""
        sight = Sight(server=self, decision=decision, memory=self._memory)
        return self._twist(sight) or self.correct(decision)

    def correct(self, decision: Decision) -> Reply:
        """The answer of a correct server."""
        return super().respond(decision)
