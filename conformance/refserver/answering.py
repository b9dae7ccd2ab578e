"""What a correct server answers, decided step by step from the contract alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, TypedDict

from conformance.contract import schemas
from conformance.model import Json, JsonObject, Kind
from conformance.pointers import Missing, get, has
from conformance.profile.facts import BodyClass, Ceiling, Condition, Shape
from conformance.refserver.admission import Admission, Incoming, Refused, answer_to

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation
    from conformance.profile.facts import BodyShape


class _Content(TypedDict, total=False):
    """The part of a reply that is its body."""

    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, headers and a body."""

    status: int
    media_type: str | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Answering:
    """Answers requests as a contract says. Each step is a method that raises Refused."""

    def __init__(self, contract: Contract, write_key: str, bearer: str | None = None) -> None:
        self.contract = contract
        self.admission = Admission(contract, write_key, bearer)
        self._operations = {(item.method, item.path): item for item in contract.operations}

    def reply(self, incoming: Incoming) -> Reply:
        """The answer to a request."""
        operation = self._operations.get((incoming.method, incoming.path))
        try:
            if operation is None:
                self.refuse_address(incoming)
            self.weigh(operation, incoming)
            self.admission.admit(operation, incoming)
            document = self.read(operation, incoming)
            self.admission.admit_document(operation, incoming, document)
            self.examine(operation, document)
        except Refused as refused:
            return self.refusal(operation, refused)
        return self.success(self.contract.answer(Condition.ACCEPTED).expect[0])

    def refuse_address(self, incoming: Incoming) -> NoReturn:
        """No operation has this method and path."""
        known = sorted(method for method, path in self._operations if path == incoming.path)
        if not known:
            raise Refused(answer_to(self.contract, Condition.PATH_UNKNOWN), "there is nothing here")
        refused = Refused(answer_to(self.contract, Condition.METHOD_WRONG), "wrong method")
        refused.headers["Allow"] = ", ".join(known)
        raise refused

    def weigh(self, operation: Operation, incoming: Incoming) -> None:
        """The whole body is within its limit."""
        ceiling = Ceiling.BATCH if operation.kind is Kind.BATCH else Ceiling.EVENT
        if self.contract.states(f"limits.{ceiling}"):
            limit = self.contract.limit(ceiling)
            if len(incoming.body) > limit.at_most:
                raise Refused(limit, "the request is too large")

    def read(self, operation: Operation, incoming: Incoming) -> JsonObject:
        """The body as a JSON object."""
        raw = self.admission.pixel_data(incoming) if operation.kind is Kind.PIXEL else incoming.body
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise Refused(
                answer_to(self.contract, Condition.JSON_NOT_UTF8), "the body is not UTF-8"
            ) from None
        try:
            document: Json = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            condition = (
                Condition.PIXEL_DATA_INVALID if operation.kind is Kind.PIXEL else Condition.JSON_INVALID
            )
            raise Refused(answer_to(self.contract, condition), "the body is not JSON") from None
        if not isinstance(document, dict):
            raise Refused(answer_to(self.contract, Condition.JSON_NOT_OBJECT), "the body is not an object")
        return document

    def examine(self, operation: Operation, document: JsonObject) -> None:
        """The event, or every event of the batch, is complete."""
        if operation.kind is Kind.BATCH:
            self.examine_batch(document)
        else:
            self.examine_event(operation.type, document)

    def examine_event(self, name: str, event: JsonObject) -> None:
        """The event names its user and has its required fields."""
        if not self.contract.identified(name, event):
            raise Refused(
                answer_to(self.contract, Condition.IDENTITY_MISSING), "userId or anonymousId is required"
            )
        for pointer, answer in self.contract.event(name).required.items():
            if not has(event, pointer):
                raise Refused(answer, f"{pointer} is required")

    def examine_batch(self, document: JsonObject) -> None:
        """The batch has its list, and the list has events."""
        try:
            events = get(document, self.contract.profile.batch.pointer)
        except Missing:
            raise Refused(answer_to(self.contract, Condition.BATCH_MISSING), "the batch is missing") from None
        if not isinstance(events, list):
            raise Refused(answer_to(self.contract, Condition.BATCH_NOT_ARRAY), "the batch is not an array")
        if not events:
            raise Refused(answer_to(self.contract, Condition.BATCH_EMPTY), "the batch is empty")
        bad = [refused for event in events if (refused := self._fault_of(event))]
        if bad and len(bad) < len(events) and self.contract.states(f"answers.{Condition.BATCH_PARTLY_BAD}"):
            raise Refused(
                answer_to(self.contract, Condition.BATCH_PARTLY_BAD), bad[0].reason, Shape.PARTLY_BAD
            )
        if bad:
            raise bad[0]

    def _fault_of(self, event: Json) -> Refused | None:
        """What is wrong with the content of an event in a batch; its form is refused at once."""
        name = self.type_of(event)
        self.weigh_event(event)
        try:
            self.examine_event(name, event if isinstance(event, dict) else {})
        except Refused as refused:
            return refused if refused.answer.expect[0] >= 300 else None
        return None

    def type_of(self, event: Json) -> str:
        """The type of an event in a batch."""
        if not isinstance(event, dict):
            raise Refused(
                answer_to(self.contract, Condition.BATCH_EVENT_NOT_OBJECT), "an event is not an object"
            )
        pointer = self.contract.profile.pointers.type
        if pointer is None:
            return next(item.type for item in self.contract.operations if item.kind is Kind.BATCH)
        if not has(event, pointer):
            raise Refused(answer_to(self.contract, Condition.BATCH_TYPE_MISSING), "an event has no type")
        name = get(event, pointer)
        if not isinstance(name, str) or name not in self.contract.profile.events:
            raise Refused(
                answer_to(self.contract, Condition.BATCH_TYPE_UNKNOWN), "an event's type is unknown"
            )
        return name

    def weigh_event(self, event: Json) -> None:
        """An event in a batch is within its limit, as compact UTF-8 JSON."""
        if self.contract.states(f"limits.{Ceiling.BATCH_EVENT}"):
            limit = self.contract.limit(Ceiling.BATCH_EVENT)
            compact = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
            if len(compact.encode(errors="surrogatepass")) > limit.at_most:
                raise Refused(limit, "an event of the batch is too large")

    def refusal(self, operation: Operation | None, refused: Refused) -> Reply:
        """The answer to what was refused; the contract may call for a success."""
        status = refused.answer.expect[0]
        if status < 300 and refused.shape is None:
            return self.success(status)
        shape = self._error_shape(operation, refused.shape)
        return Reply(status=status, headers=refused.headers, **_content(shape, refused.reason))

    def success(self, status: int) -> Reply:
        """The answer to what was accepted."""
        shape = self.contract.shape(Shape.ACCEPTED) if self.contract.states("bodies.accepted") else None
        said = self.contract.states("bodies.accepted-text")
        text = (self.contract.shape(Shape.ACCEPTED_TEXT).text if said else None) or "OK"
        if status == 204:
            return Reply(status=status)
        return Reply(status=status, **_content(shape, text))

    def _error_shape(self, operation: Operation | None, shape: Shape | None) -> BodyShape | None:
        if shape is not None and self.contract.states(f"bodies.{shape}"):
            return self.contract.shape(shape)
        if operation is not None and self.contract.states(f"bodies.{Shape.ERROR}"):
            return self.contract.error_shape(operation)
        return None


def _content(shape: BodyShape | None, text: str) -> _Content:
    """A body of a shape: JSON with the schema's own examples, or the text."""
    if shape is not None and shape.body_class is BodyClass.EMPTY:
        return {}
    if shape is not None and shape.body_class is BodyClass.JSON:
        value = schemas.sample(shape.schema or {"type": "object"})
        return {"media_type": shape.media_type or "application/json", "body": json.dumps(value).encode()}
    media_type = shape.media_type if shape is not None else None
    return {"media_type": media_type or "text/plain", "body": text.encode()}


def _refuse_constant(word: str) -> NoReturn:
    """Python's parser takes NaN and Infinity; JSON does not."""
    raise ValueError(word)
