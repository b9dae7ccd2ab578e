"""A change: in what a server differs from the correct one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.core.model import Json, JsonObject, OperationKind
from conformance.core.pointers import PointerNotFound, get
from conformance.refserver.application import DEFAULT_TIMING, Timing, create_application
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.responder import Responder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract
    from conformance.refserver.application import Application
    from conformance.refserver.authentication import ReceivedRequest
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.responder import Decision


@dataclass(frozen=True, kw_only=True)
class RequestView:
    """A request as a changed server sees it, with what the correct one has decided.

    `memory` is the server's own: a change that remembers something counts there.
    """

    server: OverridingResponder
    decision: Decision
    memory: Counter[str] = field(default_factory=Counter)

    @property
    def request(self) -> ReceivedRequest:
        """The request as it came."""
        return self.decision.request

    @property
    def contract(self) -> Contract:
        """What is asked of the server."""
        return self.server.contract

    @property
    def kind(self) -> OperationKind | None:
        """The kind of operation that it is for; None where there is none."""
        return self.decision.operation.kind if self.decision.operation else None

    @property
    def is_secondary_operation(self) -> bool:
        """Whether it is for another operation than the first of its kind."""
        operations = self.contract.operations
        return self.kind is not None and self.decision.operation not in {
            next(item for item in operations if item.kind is kind) for kind in {item.kind for item in operations}
        }

    @property
    def refusal_fact(self) -> str:
        """The fact that speaks of its refusal, such as `answers.json-invalid`; empty if it is accepted."""
        return self.decision.refusal.answer.name if self.decision.refusal else ""

    @property
    def is_accepted(self) -> bool:
        """Whether the correct answer is a success of the usual kind."""
        return self.decision.refusal is None or self.decision.refusal.is_success

    def correct_reply(self) -> ServerReply:
        """The correct answer."""
        return self.server.correct_reply(self.decision)

    @cached_property
    def body_text(self) -> str:
        """What carries the event, as text."""
        return self.decision.body.decode("utf-8", errors="replace")

    @cached_property
    def document(self) -> Json:
        """Its JSON, also where it was refused before that was read; None if it is none."""
        if self.decision.document is not None:
            return self.decision.document
        try:
            parsed: Json = json.loads(self.body_text)
        except (ValueError, RecursionError):
            return None
        return parsed

    @cached_property
    def events(self) -> list[JsonObject]:
        """The events in it."""
        try:
            batch_pointer = self.contract.profile.batch.pointer
            items = get(self.document, batch_pointer) if self.kind is OperationKind.BATCH else [self.document]
        except PointerNotFound:
            return []
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def values_at(self, pointer: str | None) -> list[Json]:
        """What each event has at a pointer, if it has anything there."""
        values = []
        for event in self.events if pointer else ():
            try:
                values.append(get(event, pointer or ""))
            except PointerNotFound:
                continue
        return values

    def values_of(self, field_name: str) -> list[Json]:
        """What each event has in a field that the profile's pointers name, such as `timestamp`."""
        return self.values_at(getattr(self.contract.profile.pointers, field_name))

    def all_values(self) -> Iterator[Any]:
        """Every value in its JSON, and every key, from the top down."""
        waiting: list[Any] = [self.document]
        while waiting:
            value = waiting.pop()
            yield value
            if isinstance(value, dict):
                waiting += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                waiting += value

    def all_strings(self) -> Iterator[str]:
        """Every text in its JSON, keys among them."""
        return (value for value in self.all_values() if isinstance(value, str))


ResponseOverride: TypeAlias = Callable[[RequestView], "ServerReply | None"]
"""What a changed server answers; None where it answers as the correct one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChange:
    """In what a server differs: in its answers, in how it speaks HTTP, or in what is asked of it."""

    override: ResponseOverride | None = None
    timing: Timing = DEFAULT_TIMING
    protocol: type[HttpProtocol] = HttpProtocol
    edit_contract: Callable[[Contract], Contract] | None = None

    def create_application(self, contract: Contract, write_key: str, bearer: str | None) -> Application:
        """The changed server."""
        contract = self.edit_contract(contract) if self.edit_contract else contract
        correct_responder = Responder(contract, write_key, bearer)
        return create_application(
            OverridingResponder(correct_responder, self.override) if self.override else correct_responder, self.timing
        )

    def with_delay(self, delay_s: float) -> FaultChange:
        """The same, with a time that passes before each answer."""
        return replace(self, timing=replace(self.timing, delay_s=delay_s))


class OverridingResponder(Responder):
    """Answers as a twist says, and where that is silent, correctly."""

    def __init__(self, correct_responder: Responder, override: ResponseOverride) -> None:
        super().__init__(
            correct_responder.contract,
            correct_responder.authenticator.write_key,
            correct_responder.authenticator.bearer,
        )
        self._override = override
        self._memory: Counter[str] = Counter()

    def reply_to(self, decision: Decision) -> ServerReply:
        """The twisted answer to what was decided."""
        view = RequestView(server=self, decision=decision, memory=self._memory)
        return self._override(view) or self.correct_reply(decision)

    def correct_reply(self, decision: Decision) -> ServerReply:
        """The answer of a correct server."""
        return super().reply_to(decision)
