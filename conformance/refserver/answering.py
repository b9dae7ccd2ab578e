"""What a correct server answers, decided step by step from the contract alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from conformance.model import Json, JsonObject, Kind
from conformance.pointers import Missing, get, has
from conformance.profile.facts import BATCH_EVENTS, Ceiling, Condition, Shape
from conformance.refserver.admission import Admission, Incoming, Refused, answer_to
from conformance.refserver.inflation import Corrupt, inflate
from conformance.refserver.replies import Reply, reply
from conformance.refserver.weighing import compact, most_bytes, weight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract, Operation
    from conformance.profile.facts import BodyShape, Limit

_CODINGS = frozenset({"gzip", "x-gzip"})
_UNSUPPORTED = 415
_ROOM_BYTES = 1_048_576
"""How much a body may unpack to where nothing limits it."""
_LONGEST_NUMBER = 300
_ALLOW_ORIGIN = "Access-Control-Allow-Origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a request: the refusal, or None if it is accepted.

    `body` is what carries the event, unpacked, as far as it was read; `document` its JSON, if it is any.
    """

    incoming: Incoming
    operation: Operation | None = None
    body: bytes = b""
    document: JsonObject | None = None
    refused: Refused | None = None


class Answering:
    """Answers requests as a contract says. Each step is a method that raises Refused."""

    def __init__(self, contract: Contract, write_key: str, bearer: str | None = None) -> None:
        self.contract = contract
        self.admission = Admission(contract, write_key, bearer)
        self.operations = {(item.method, item.path): item for item in contract.operations}
        self.in_flight = 0

    def reply(self, incoming: Incoming) -> Reply:
        """The answer to a request; a browser may show it to any site."""
        found = self.respond(self.decide(incoming))
        if "origin" not in incoming.headers or _ALLOW_ORIGIN in found.headers:
            return found
        return found.headed(Access_Control_Allow_Origin="*")

    def respond(self, decision: Decision) -> Reply:
        """The answer to what was decided; OPTIONS only asks what could be."""
        incoming = decision.incoming
        known = sorted(method for method, path in self.operations if path == incoming.path)
        return options(incoming, known) if incoming.method == "OPTIONS" and known else self.render(decision)

    def decide(self, incoming: Incoming) -> Decision:
        """What becomes of a request."""
        operation = self.operations.get((incoming.method, incoming.path))
        body, document, refused = incoming.body, None, None
        try:
            if operation is None:
                self.refuse_address(incoming)
            self.weigh(operation, incoming, incoming.body)
            body = self.unpack(operation, incoming)
            self.weigh(operation, incoming, body)
            self.admission.admit(operation, incoming)
            if operation.kind is Kind.PIXEL:
                body = self.admission.pixel_data(incoming)
            document = self.read(operation, body)
            self.admission.admit_document(operation, incoming, document)
            self.examine(operation, document)
        except Refused as found:
            refused = found
        except RecursionError:
            refused = Refused(answer_to(self.contract, Condition.JSON_INVALID), "the body is nested too deep")
        return Decision(incoming=incoming, operation=operation, body=body, document=document, refused=refused)

    def render(self, decision: Decision) -> Reply:
        """The answer to what was decided."""
        refused = decision.refused
        if refused is None:
            return self.success(self.contract.answer(Condition.ACCEPTED).expect[0])
        if refused.is_success:
            return self.success(refused.answer.expect[0])
        return self.refusal(decision.operation, refused)

    def refuse_address(self, incoming: Incoming) -> NoReturn:
        """No operation has this method and path."""
        known = sorted(method for method, path in self.operations if path == incoming.path)
        if not known:
            raise Refused(answer_to(self.contract, Condition.PATH_UNKNOWN), "there is nothing here")
        refused = Refused(answer_to(self.contract, Condition.METHOD_WRONG), "wrong method")
        refused.headers["Allow"] = ", ".join(("OPTIONS", *known))
        raise refused

    def limit_of(self, operation: Operation) -> Limit | None:
        """The limit of a whole body, if there is one."""
        ceiling = Ceiling.BATCH if operation.kind is Kind.BATCH else Ceiling.EVENT
        return self.contract.limit(ceiling) if self.contract.states(f"limits.{ceiling}") else None

    def most_bytes(self, method: str, path: str) -> int:
        """How many bytes a body may have at an address; none where there is nothing."""
        operation = self.operations.get((method, path))
        limit = self.limit_of(operation) if operation else None
        return most_bytes(limit) if limit else 0

    def weigh(self, operation: Operation, incoming: Incoming, body: bytes) -> None:
        """The whole body is within its limit."""
        limit = self.limit_of(operation)
        if limit is None or not (limit.holds_in_chunks or "transfer-encoding" not in incoming.headers):
            return
        if weight(body, limit.unit) > limit.at_most:
            raise Refused(limit, "the request is too large")

    def unpack(self, operation: Operation, incoming: Incoming) -> bytes:
        """The body without its coding; no more of it than shows that it is too large."""
        coding = incoming.headers.get("content-encoding", "").strip().lower()
        if coding in {"", "identity"}:
            return incoming.body
        if coding not in _CODINGS:
            answer = answer_to(self.contract, Condition.ENCODING_INVALID)
            raise Refused(replace(answer, expect=(_UNSUPPORTED,)), "the Content-Encoding is not supported")
        limit = self.limit_of(operation)
        try:
            return inflate(incoming.body, most_bytes(limit) if limit else _ROOM_BYTES)
        except Corrupt:
            answer = answer_to(self.contract, Condition.ENCODING_INVALID)
            raise Refused(answer, "the body is not what its Content-Encoding says") from None

    def read(self, operation: Operation, body: bytes) -> JsonObject:
        """The body as a JSON object."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise Refused(
                answer_to(self.contract, Condition.JSON_NOT_UTF8), "the body is not UTF-8"
            ) from None
        try:
            document: Json = json.loads(text, parse_constant=_refuse_constant, parse_int=_number)
        except (ValueError, RecursionError):
            condition = (
                Condition.PIXEL_DATA_INVALID if operation.kind is Kind.PIXEL else Condition.JSON_INVALID
            )
            raise Refused(answer_to(self.contract, condition), "the body is not JSON") from None
        if not isinstance(document, dict):
            condition = (
                Condition.PIXEL_DATA_INVALID if operation.kind is Kind.PIXEL else Condition.JSON_NOT_OBJECT
            )
            raise Refused(answer_to(self.contract, condition), "the body is not an object")
        return document

    def examine(self, operation: Operation, document: JsonObject) -> None:
        """The event, or every event of the batch, is complete."""
        if operation.kind is Kind.BATCH:
            self.examine_batch(document)
        else:
            is_pixel = operation.kind is Kind.PIXEL
            missing = Condition.PIXEL_IDENTITY_MISSING if is_pixel else Condition.IDENTITY_MISSING
            self.examine_event(operation.type, document, missing)

    def examine_event(
        self, name: str, event: JsonObject, missing: Condition = Condition.IDENTITY_MISSING
    ) -> None:
        """The event names its user and has its required fields."""
        if not self.contract.identified(name, event):
            raise Refused(answer_to(self.contract, missing), "userId or anonymousId is required")
        required = self.contract.event(name).required
        gone = [pointer for pointer in required if not has(event, pointer)]
        for pointer in sorted(gone, key=lambda item: required[item].expect[0] < 300):
            raise Refused(required[pointer], f"{pointer} is required")

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
        if self.contract.states(BATCH_EVENTS) and len(events) > self.contract.most_events:
            raise Refused(self.contract.crowd, "the batch has too many events")
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
            if weight(compact(event), limit.unit) > limit.at_most:
                raise Refused(limit, "an event of the batch is too large")

    def refusal(self, operation: Operation | None, refused: Refused) -> Reply:
        """The answer to what was refused."""
        found = self.error(operation, refused.answer.expect[0], refused.reason, refused.shape)
        return found.headed(**refused.headers)

    def error(
        self, operation: Operation | None, status: int, reason: str, shape: Shape | None = None
    ) -> Reply:
        """An error of the documented shape."""
        return reply(status, self._error_shape(operation, shape), reason)

    def success(self, status: int) -> Reply:
        """The answer to what was accepted."""
        shape = self.contract.shape(Shape.ACCEPTED) if self.contract.states("bodies.accepted") else None
        said = self.contract.states("bodies.accepted-text")
        return reply(status, shape, (self.contract.shape(Shape.ACCEPTED_TEXT).text if said else None) or "OK")

    def _error_shape(self, operation: Operation | None, shape: Shape | None) -> BodyShape | None:
        if shape is not None and self.contract.states(f"bodies.{shape}"):
            return self.contract.shape(shape)
        if operation is not None and self.contract.states(f"bodies.{Shape.ERROR}"):
            return self.contract.error_shape(operation)
        return None


def options(incoming: Incoming, known: Iterable[str]) -> Reply:
    """What is possible at a known path; to a browser that asks for another site, everything, for anybody."""
    methods = ", ".join(("OPTIONS", *known))
    found = Reply(status=204, headers={"Allow": methods})
    asked = incoming.headers.get("access-control-request-headers", "")
    if "origin" not in incoming.headers or "access-control-request-method" not in incoming.headers:
        return found
    return found.headed(
        Access_Control_Allow_Methods=methods,
        Access_Control_Allow_Headers=asked or "Authorization, Content-Type, Content-Encoding",
        Access_Control_Max_Age="600",
    )


def _number(digits: str) -> int | float:
    """A whole number; one with more digits than anybody means as a float, which Python reads in no time."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else float(digits)


def _refuse_constant(word: str) -> NoReturn:
    """Python's parser takes NaN and Infinity; JSON does not."""
    raise ValueError(word)
