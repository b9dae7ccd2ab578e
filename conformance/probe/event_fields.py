"""Event fields: the ids, the required fields, and the refused fields of each event type."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.contract import Operation
from conformance.core import pointers
from conformance.core.model import Level, OperationKind
from conformance.probe.answer_facts import is_statable
from conformance.probe.dialects import assumed_required, probe_source
from conformance.probe.draft_profile import OPTIONAL_POINTERS, without_pointer
from conformance.probe.summary import Section
from conformance.profile.facts import ExpectedResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.requests import Call, Draft

_USUAL_REFUSAL = 400
_MAX_NESTED_FIELDS = 4
"""How deep fields are looked for in required objects."""
_TEST_IDS = {"user": "conformance-user-alone", "anonymous": "conformance-anonymous-alone"}


@dataclass(slots=True, kw_only=True)
class EventFieldProbe:
    """Removes fields from acceptable events, and adds them. `refused_fields` has the event types by pointer.

    `needed_fields` are those that an earlier type needed beside the known ones.
    """

    client: ProbeClient
    refused_fields: dict[str, list[str]] = field(default_factory=dict)
    needed_fields: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Finds the ids and the required fields of every event type."""
        draft_profile = self.client.draft_profile
        for name in list(draft_profile.events):
            operation = self._operation_for(name)
            if operation is not None:
                await self._find_ids(name, operation)
                if name in draft_profile.types_needing_all_fields:
                    await self._find_required_of_full_event(name, operation)
                await self._find_required_fields(name, operation)
                await self._find_refused_fields(name, operation)
        for pointer, names in self.refused_fields.items():
            draft_profile.add_remark(f"{', '.join(names)}: refused with {pointer}, which the profile leaves out")
        ids = {word for event in draft_profile.events.values() for word in event.identified_by}
        if draft_profile.pointers.anonymous and "anonymous" not in ids:
            draft_profile.pointers = replace(draft_profile.pointers, anonymous=None)

    def _operation_for(self, name: str) -> Operation | None:
        """The operation to which an event type is sent: its own, or a batch."""
        routes = self.client.draft_profile.routes
        own = next(
            (route for route in routes if route.event_type == name and route.kind is not OperationKind.BATCH), None
        )
        batch = next((route for route in routes if route.kind is OperationKind.BATCH), None)
        if own is None and batch is not None:
            own = replace(batch, event_type=name)
        return Operation.from_route(own) if own else None

    def _acceptable_event(self, operation: Operation) -> Draft:
        return self.client.make_call(operation).acceptable_request()

    async def _find_ids(self, name: str, operation: Operation) -> None:
        draft_profile = self.client.draft_profile
        id_pointers = self.client.make_call(operation).contract.identity_pointers(name)
        exchange_by_id: dict[str, Exchange] = {}
        for word, pointer in id_pointers.items():
            draft = (
                self._acceptable_event(operation)
                .without_fields(*id_pointers.values())
                .with_field(pointer, _TEST_IDS[word])
            )
            exchange_by_id[word] = await self.client.send(draft)
        accepted_ids = tuple(word for word, exchange in exchange_by_id.items() if self.client.accepts(exchange))
        evidence = "; ".join(f"{word} alone {exchange.status}" for word, exchange in exchange_by_id.items())
        identity = " or ".join(accepted_ids) or "both together"
        if accepted_ids:
            draft_profile.events[name] = replace(draft_profile.events[name], identified_by=accepted_ids)
        elif len(id_pointers) > 1 and await self._is_accepted_with_all_ids(operation, id_pointers):
            evidence += "; both together are accepted"
            first, *others = id_pointers
            event = draft_profile.events[name]
            required_ids = {
                pointer: assumed_required(pointer) for word, pointer in id_pointers.items() if word in others
            }
            draft_profile.events[name] = replace(
                event, identified_by=(first,), required={**event.required, **required_ids}
            )
            identity = f"{first}, with {' and '.join(others)} required"
        else:
            draft_profile.add_remark(f"{name}: refused with one id alone ({evidence}); a run fails on that")
        draft_profile.add_row(Section.IDENTITY, "identity of", identity, evidence, name)

    async def _is_accepted_with_all_ids(self, operation: Operation, id_pointers: dict[str, str]) -> bool:
        """Whether an event with all ids is accepted, if no single one is enough."""
        draft = self._acceptable_event(operation)
        for word, pointer in id_pointers.items():
            draft = draft.with_field(pointer, _TEST_IDS[word])
        return await self.client.is_accepted(draft)

    async def _find_required_of_full_event(self, name: str, operation: Operation) -> None:
        """Removes each field from an event with all fields, for a type that needs more than the known ones.

        Where an object is needed, its own fields are removed, too, if an empty one is refused. If the smallest event is
        refused all the same, all later requests carry all fields.
        """
        draft_profile = self.client.draft_profile
        required = draft_profile.events[name].required
        if self.needed_fields:
            self._require(name, self.needed_fields)
            if await self._is_smallest_accepted(name, operation):
                return
            self._set_required(name, dict(required))
        call = self.client.make_call(operation)
        needed = [item for item in call.optional_fields() if not await self._is_accepted_without(call, item)]
        self._require(name, needed)
        for _ in range(_MAX_NESTED_FIELDS):
            if await self._is_smallest_accepted(name, operation):
                self.needed_fields = [item for item in draft_profile.events[name].required if item not in required]
                return
            call = self.client.make_call(operation)
            inner = [item for pointer in needed for item in _fields_of(call.full_event(name), pointer)]
            needed = [item for item in inner if not await self._is_accepted_without(call, item)]
            if not needed:
                break
            self._require(name, needed)
        draft_profile.add_remark(f"{name}: no event with fewer fields than the full one is accepted")

    async def _is_smallest_accepted(self, name: str, operation: Operation) -> bool:
        """Whether the smallest event will do now; then later requests carry no more than that."""
        needing_all = self.client.draft_profile.types_needing_all_fields
        needing_all.discard(name)
        if await self.client.is_accepted(self._acceptable_event(operation)):
            return True
        needing_all.add(name)
        return False

    async def _is_accepted_without(self, call: Call, pointer: str) -> bool:
        return await self.client.is_accepted(call.full_request().without_fields(pointer))

    def _require(self, name: str, fields: Iterable[str]) -> None:
        """Adds required fields to an event type."""
        required = self.client.draft_profile.events[name].required
        self._set_required(name, {**required, **{pointer: assumed_required(pointer) for pointer in fields}})

    async def _find_required_fields(self, name: str, operation: Operation) -> None:
        """Removes one field after the other that may be required, and for good if it is not."""
        draft_profile = self.client.draft_profile
        type_pointer = draft_profile.pointers.type if operation.kind is OperationKind.BATCH else None
        required, optional = await self._drop_each_field(name, operation, type_pointer)
        if required and optional:
            required_again, _ = await self._drop_each_field(name, operation, type_pointer)
            if set(required_again) != set(required):
                always = tuple(pointer for pointer in optional if pointer not in draft_profile.always)
                draft_profile.always += always
                draft_profile.add_remark(
                    f"{name}: the required fields depend on {', '.join(optional)}, "
                    "which the profile makes required in all events"
                )
                self._set_required(name, required)
        summary = ", ".join(f"{pointer} ({answer.expect[0]})" for pointer, answer in required.items())
        draft_profile.add_row(Section.REQUIRED, "required by", summary or "nothing else", "each left out", name)

    async def _drop_each_field(
        self, name: str, operation: Operation, type_pointer: str | None
    ) -> tuple[dict[str, ExpectedResponse], list[str]]:
        """The required fields with the answers to their absence, and the optional ones."""
        draft_profile = self.client.draft_profile
        required: dict[str, ExpectedResponse] = {}
        optional: list[str] = []
        for pointer in list(draft_profile.events[name].required):
            if pointer == type_pointer:
                continue
            exchange = await self.client.send(
                self.client.make_call(operation).acceptable_request().without_fields(pointer)
            )
            if not self.client.accepts(exchange):
                required[pointer] = self._required_answer(name, pointer, operation, exchange)
                if not is_statable(exchange):
                    draft_profile.add_remark(
                        f"{operation} without {pointer}: {exchange.summary}; no profile states that, so 400 is stated, "
                        "as MAY"
                    )
                continue
            optional.append(pointer)
            remaining = {key: value for key, value in draft_profile.events[name].required.items() if key != pointer}
            self._set_required(name, remaining)
        self._set_required(name, required)
        return required, optional

    def _set_required(self, name: str, required: dict[str, ExpectedResponse]) -> None:
        events = self.client.draft_profile.events
        events[name] = replace(events[name], required=required)

    async def _find_refused_fields(self, name: str, operation: Operation) -> None:
        """Adds each field to the smallest event, if an event with all fields is refused."""
        call = self.client.make_call(operation)
        if await self.client.is_accepted(call.full_request()):
            return
        full_event: dict[str, Any] = call.full_event(name)
        for pointer in call.optional_fields():
            draft = call.acceptable_request().with_field(pointer, pointers.get(full_event, pointer))
            if not await self.client.is_accepted(draft) and not await self._is_too_large(call, draft):
                self.refused_fields.setdefault(pointer, []).append(name)
                self._remove_field(name, pointer)

    async def _is_too_large(self, call: Call, draft: Draft) -> bool:
        """Whether the size is refused: as many bytes of filler are refused, too."""
        size = len(draft.build_request().body)
        return not await self.client.is_accepted(call.acceptable_request().with_body_size(size))

    def _remove_field(self, name: str, pointer: str) -> None:
        """Removes a field from the schema of an event type, and from everything that refers to it."""
        draft_profile = self.client.draft_profile
        schema: dict[str, Any] = dict(draft_profile.contract().event_schema(name))
        key = pointer.removeprefix("/")
        schema["properties"] = {word: value for word, value in schema["properties"].items() if word != key}
        event = draft_profile.events[name]
        draft_profile.events[name] = replace(
            event, schema=schema, open_object=None if event.open_object == pointer else event.open_object
        )
        draft_profile.shared = tuple(item for item in draft_profile.shared if item != pointer)
        for word in OPTIONAL_POINTERS:
            if getattr(draft_profile.pointers, word) == pointer:
                draft_profile.pointers = without_pointer(draft_profile.pointers, word)

    @staticmethod
    def _required_answer(name: str, pointer: str, operation: Operation, exchange: Exchange) -> ExpectedResponse:
        says = f"without {pointer}: {exchange.status or 'no answer'}"
        return ExpectedResponse(
            name=f"events.{name}.required.{pointer}",
            level=Level.MUST if is_statable(exchange) else Level.MAY,
            sources=(probe_source(str(operation), says),),
            expect=(exchange.status if is_statable(exchange) else _USUAL_REFUSAL,),
        )


def _fields_of(event: Any, pointer: str) -> list[str]:  # noqa: ANN401 - JSON
    """The pointers of the fields of an object in an event; none of another value."""
    value = pointers.get(event, pointer)
    keys = [key.replace("~", "~0").replace("/", "~1") for key in value] if isinstance(value, dict) else []
    return [f"{pointer}/{key}" for key in keys]
