"""How a faulty or variant server differs from the correct one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.core.model import Json, JsonObject, OperationKind
from conformance.core.pointers import PointerNotFound, get
from conformance.refserver.application import DEFAULT_BEHAVIOR, HttpBehavior, create_application
from conformance.refserver.authentication import NO_FURTHER_KEYS, FurtherKeys
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.responder import Responder
from conformance.refserver.storing import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract
    from conformance.refserver.application import Application
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.request import ReceivedRequest
    from conformance.refserver.responder import Decision
    from conformance.refserver.store import Store
    from conformance.refserver.storing import EditStored


@dataclass(frozen=True, kw_only=True)
class RequestView:
    """A request as an override sees it, with the decision of the correct server.

    `memory` belongs to the server and holds what an override counts over several requests.
    """

    server: OverridingResponder
    decision: Decision
    memory: Counter[str] = field(default_factory=Counter)

    @property
    def request(self) -> ReceivedRequest:
        """The request as it was received."""
        return self.decision.request

    @property
    def contract(self) -> Contract:
        """The contract of the server."""
        return self.server.contract

    @property
    def kind(self) -> OperationKind | None:
        """The kind of its operation; None at an unknown path or method."""
        return self.decision.operation.kind if self.decision.operation else None

    @property
    def is_secondary_operation(self) -> bool:
        """Whether its operation is not the first of its kind."""
        operations = self.contract.operations
        return self.kind is not None and self.decision.operation not in {
            next(item for item in operations if item.kind is kind) for kind in {item.kind for item in operations}
        }

    @property
    def refusal_fact(self) -> str:
        """The fact that says how it is refused, such as `answers.json-invalid`; empty if it is accepted."""
        return self.decision.refusal.answer.name if self.decision.refusal else ""

    @property
    def is_accepted(self) -> bool:
        """Whether the correct answer is a plain success."""
        return self.decision.refusal is None or self.decision.refusal.is_success

    def correct_reply(self) -> ServerReply:
        """The answer of the correct server."""
        return self.server.correct_reply(self.decision)

    @cached_property
    def body_text(self) -> str:
        """The decoded body, or the decoded data of a pixel, as text."""
        return self.decision.body.decode("utf-8", errors="replace")

    @cached_property
    def document(self) -> Json:
        """Its JSON, even if it was refused before that was parsed; None if it is not JSON."""
        if self.decision.document is not None:
            return self.decision.document
        try:
            parsed: Json = json.loads(self.body_text)
        except (ValueError, RecursionError):
            return None
        return parsed

    @cached_property
    def events(self) -> list[JsonObject]:
        """Its events that are objects."""
        try:
            batch_pointer = self.contract.profile.batch.pointer
            items = get(self.document, batch_pointer) if self.kind is OperationKind.BATCH else [self.document]
        except PointerNotFound:
            return []
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def values_at(self, pointer: str | None) -> list[Json]:
        """The values at a pointer in the events that have one there."""
        values = []
        for event in self.events if pointer else ():
            try:
                values.append(get(event, pointer or ""))
            except PointerNotFound:
                continue
        return values

    def values_of(self, field_name: str) -> list[Json]:
        """The values of a field in the events that have it, by its name in the profile's pointers: `timestamp`."""
        return self.values_at(getattr(self.contract.profile.pointers, field_name))

    def all_values(self) -> Iterator[Any]:
        """Every value and every key in its JSON, from the top down."""
        waiting: list[Any] = [self.document]
        while waiting:
            value = waiting.pop()
            yield value
            if isinstance(value, dict):
                waiting += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                waiting += value

    def all_strings(self) -> Iterator[str]:
        """Every string in its JSON, keys included."""
        return (value for value in self.all_values() if isinstance(value, str))


ResponseOverride: TypeAlias = Callable[[RequestView], "ServerReply | None"]
"""The answer of a changed server; None for the answer of the correct one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChange:
    """The difference of a server: in its answers, its use of HTTP, its connections, its contract, or what it keeps."""

    override: ResponseOverride | None = None
    behavior: HttpBehavior = DEFAULT_BEHAVIOR
    protocol: type[HttpProtocol] = HttpProtocol
    edit_contract: Callable[[Contract], Contract] | None = None
    edit_stored: EditStored | None = None

    @classmethod
    def from_part(cls, part: ServerChange | ResponseOverride | HttpBehavior | type[HttpProtocol]) -> ServerChange:
        """A change of one part alone: an override, a behavior or a protocol."""
        if isinstance(part, ServerChange):
            return part
        if isinstance(part, HttpBehavior):
            return cls(behavior=part)
        return cls(protocol=part) if isinstance(part, type) else cls(override=part)

    @property
    def is_only_answers(self) -> bool:
        """Whether nothing differs but its answers."""
        return self.override is not None and self == ServerChange(override=self.override)

    def combined_with(self, other: ServerChange) -> ServerChange:
        """A change of the answers that either changes, as this one does where both do.

        Raises ValueError if one of them changes more than answers.
        """
        one, two = self.override, other.override
        if one is None or two is None or not (self.is_only_answers and other.is_only_answers):
            raise ValueError("only changes of answers can be combined")
        return ServerChange(override=lambda view: one(view) or two(view))

    def create_application(
        self,
        contract: Contract,
        write_key: str,
        bearer: str | None,
        further_keys: FurtherKeys = NO_FURTHER_KEYS,
        store: Store | None = None,
    ) -> Application:
        """The changed server as an ASGI application, which keeps events in a store if there is one."""
        contract = self.edit_contract(contract) if self.edit_contract else contract
        responder = Responder(contract, write_key, bearer, further_keys)
        if self.override:
            responder = OverridingResponder(responder, self.override)
        responder.keep = Keeper(store, self.edit_stored).keep if store else None
        return create_application(responder, self.behavior)

    def with_delay(self, delay_s: float) -> ServerChange:
        """The same with a delay before each answer."""
        return replace(self, behavior=replace(self.behavior, delay_s=delay_s))


class OverridingResponder(Responder):
    """Answers as its override says, or correctly where that returns None."""

    def __init__(self, correct_responder: Responder, override: ResponseOverride) -> None:
        super().__init__(
            correct_responder.contract,
            correct_responder.authenticator.write_key,
            correct_responder.authenticator.bearer,
            correct_responder.authenticator.further_keys,
        )
        self._override = override
        self._memory: Counter[str] = Counter()

    def reply_to(self, decision: Decision) -> ServerReply:
        """The answer of the override, or the correct one."""
        view = RequestView(server=self, decision=decision, memory=self._memory)
        return self._override(view) or self.correct_reply(decision)

    def correct_reply(self, decision: Decision) -> ServerReply:
        """The answer of the correct server."""
        return super().reply_to(decision)
