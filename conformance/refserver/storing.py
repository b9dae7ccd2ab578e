"""What the reference server keeps of a request: its events, as the contract says that they are kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from conformance.core import pointers
from conformance.core.model import Level, OperationKind
from conformance.core.statuses import CLIENT_ERROR
from conformance.core.written_json import read_written_json
from conformance.profile.facts import AuthScheme, ResponseKind, Rule
from conformance.refserver.request import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.core.model import JsonObject
    from conformance.core.written_json import WrittenObject
    from conformance.refserver.responder import Decision, Responder


_MAX_IDS = 100_000
"""So many ids are remembered, to drop events that are sent again."""


@dataclass(frozen=True, kw_only=True)
class Storing:
    """What is about to be kept of a request.

    `kept` is what the correct server keeps, `offered` are all its events, of a refused request, too. `memory`, and
    `last`, the events that were kept last, belong to the server, for faults that look at several requests.
    """

    decision: Decision
    document: WrittenObject
    offered: list[WrittenObject]
    kept: list[WrittenObject]
    memory: Counter[str] = field(default_factory=Counter)
    last: list[WrittenObject] = field(default_factory=list)

    @property
    def is_batch(self) -> bool:
        """Whether it is a list of events."""
        operation = self.decision.operation
        return operation is not None and operation.kind is OperationKind.BATCH


EditStored: TypeAlias = "Callable[[Storing], list[WrittenObject]]"
"""What a changed server keeps in place of `kept`."""


@dataclass(slots=True)
class Keeper:
    """Keeps the events of requests in a store, as the contract says or as `edit` does."""

    store: Any
    edit: EditStored | None = None
    memory: Counter[str] = field(default_factory=Counter)
    last: list[WrittenObject] = field(default_factory=list)
    ids: dict[str, None] = field(default_factory=dict)

    def keep(self, responder: Responder, decision: Decision) -> None:
        """Keeps the events of a request, before it is answered."""
        storing = read_storing(responder, decision, self.memory, self.last)
        if storing is None:
            return
        storing = replace(
            storing, kept=[item for item in storing.kept if not self._is_repeat(responder.contract, item)]
        )
        events = self.edit(storing) if self.edit else storing.kept
        if storing.kept:
            self.last[:] = storing.kept
        if events:
            self.store.add(events)

    def _is_repeat(self, contract: Contract, event: WrittenObject) -> bool:
        """Whether an event with the same id was kept before, where the vendor promises to drop repeats."""
        fact, where = f"rules.{Rule.DEDUPLICATED}", contract.profile.pointers.message_id
        if not where or not contract.has_fact(fact) or contract.fact(fact).level is Level.MAY:
            return False
        message_id: Any = pointers.find(event, where)
        if not isinstance(message_id, str) or not message_id:
            return False
        is_known = message_id in self.ids
        self.ids[message_id] = None
        if len(self.ids) > _MAX_IDS:
            del self.ids[next(iter(self.ids))]
        return is_known


def read_storing(
    responder: Responder, decision: Decision, memory: Counter[str], last: list[WrittenObject]
) -> Storing | None:
    """The events of a request; None if it has none that could be read."""
    operation = decision.operation
    if operation is None:
        return None
    document = read_written_json(decision.body.decode("utf-8", errors="replace"))
    if not isinstance(document, dict):
        return None
    contract = responder.contract.for_operation(operation)
    offered = _merged_events(responder, operation.kind, document)
    where = contract.profile.pointers.type
    if where and operation.kind in {OperationKind.EVENT, OperationKind.PIXEL}:
        offered = [_put(event, where, operation.event_type) for event in offered]
    refusal = decision.refusal
    kept = offered if refusal is None else []
    if refusal is not None and refusal.shape is ResponseKind.PARTLY_BAD and refusal.answer.expect[0] < CLIENT_ERROR:
        kept = [event for event, is_good in zip(offered, _good_ones(responder, decision), strict=True) if is_good]
    return Storing(decision=decision, document=document, offered=offered, kept=kept, memory=memory, last=last)


def _merged_events(responder: Responder, kind: OperationKind, document: WrittenObject) -> list[WrittenObject]:
    """The events of a document without the key, those of a batch with what they share; their own values win."""
    contract = responder.contract
    body_key = f"credentials.{AuthScheme.BODY}"
    key = contract.credential_carrier(AuthScheme.BODY) if contract.has_fact(body_key) else None
    if kind is not OperationKind.BATCH:
        return [_remove(document, key)]
    listed: Any = document
    for step in pointers.split(contract.profile.batch.pointer):
        listed = listed.get(step) if isinstance(listed, dict) else None
    events = [event for event in listed if isinstance(event, dict)] if isinstance(listed, list) else []
    shared: WrittenObject = {}
    for pointer in contract.profile.batch.shared:
        if pointers.has(cast("Any", document), pointer):
            shared = _put(shared, pointer, pointers.get(cast("Any", document), pointer))
    return [
        _remove(cast("WrittenObject", pointers.deep_merge(cast("Any", shared), cast("Any", event))), key)
        for event in events
    ]


def _good_ones(responder: Responder, decision: Decision) -> list[bool]:
    """Of each event of a batch, whether it may be in there."""
    listed: Any = pointers.get(decision.document or {}, responder.contract.profile.batch.pointer)
    return [_is_good(responder, event) for event in listed if isinstance(event, dict)]


def _is_good(responder: Responder, event: JsonObject) -> bool:
    try:
        name = responder.event_type(event)
        responder.validate_event_size(event)
        responder.validate_event(name, event)
    except RequestRefused:
        return False
    return True


def _put(event: WrittenObject, pointer: str, value: object) -> WrittenObject:
    return cast("WrittenObject", pointers.put(cast("Any", event), pointer, cast("Any", value)))


def _remove(event: WrittenObject, pointer: str | None) -> WrittenObject:
    return cast("WrittenObject", pointers.remove(cast("Any", event), pointer)) if pointer else event
