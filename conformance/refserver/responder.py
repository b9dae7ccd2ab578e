"""The correct answer to a request, decided step by step from the contract alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from conformance.core.model import Json, JsonObject, OperationKind
from conformance.core.pointers import PointerNotFound, get, has
from conformance.profile.facts import MAX_EVENTS_FACT, Condition, LimitKind, ResponseKind
from conformance.refserver.authentication import NO_FURTHER_KEYS, Authenticator, FurtherKeys
from conformance.refserver.body_size import CorruptStream, compact_json, decompress_gzip, max_bytes, measure_size
from conformance.refserver.replies import ServerReply, build_reply, options_reply, readable_by_pages
from conformance.refserver.request import ReceivedRequest, RequestRefused, answer_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract, Operation
    from conformance.profile.facts import ResponseBody, SizeLimit

_CODINGS = frozenset({"gzip", "x-gzip"})
_UNAUTHORIZED, _UNSUPPORTED_MEDIA_TYPE = 401, 415
_CHALLENGE = 'Basic realm="events"'
_MAX_UNLIMITED_BYTES = 1_048_576
"""The most bytes that a body is decompressed to if it has no limit."""
_MAX_INT_DIGITS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a request is accepted: `refusal` is None, or says why not.

    `body` is the decoded body, or the decoded data of a pixel, as far as it was read; `document` is its JSON object,
    if it was read that far. `operation` is None for an unknown method or path.
    """

    request: ReceivedRequest
    operation: Operation | None = None
    body: bytes = b""
    document: JsonObject | None = None
    refusal: RequestRefused | None = None


class Responder:
    """Answers requests as a contract says. Each step is a method that raises RequestRefused."""

    def __init__(
        self,
        contract: Contract,
        write_key: str,
        bearer: str | None = None,
        further_keys: FurtherKeys = NO_FURTHER_KEYS,
    ) -> None:
        self.contract = contract
        self.authenticator = Authenticator(contract, write_key, bearer, further_keys)
        self.operations = {(item.method, item.path): item for item in contract.operations}
        self.in_flight = 0
        self.keep: Callable[[Responder, Decision], None] | None = None

    def handle(self, request: ReceivedRequest) -> ServerReply:
        """The answer to a request, whose events are kept first; browsers may show it to pages of any origin."""
        reply = self.reply_to(decision := self.decide(request))
        if self.keep:
            self.keep(self, decision)
        return readable_by_pages(reply) if "origin" in request.headers else reply

    def reply_to(self, decision: Decision) -> ServerReply:
        """The answer to a decided request; to OPTIONS at a known path, the methods."""
        request = decision.request
        methods = sorted(method for method, path in self.operations if path == request.path)
        return (
            options_reply(request, methods) if request.method == "OPTIONS" and methods else self.render_reply(decision)
        )

    def _for_operation(self, operation: Operation | None) -> Responder:
        """The responder with the contract of a path; itself if all facts hold on all paths."""
        contract = self.contract.for_operation(operation) if operation else self.contract
        if contract is self.contract:
            return self
        return Responder(contract, *self.authenticator.keys)

    def decide(self, request: ReceivedRequest) -> Decision:
        """Decides whether a request is accepted."""
        operation = self.operations.get((request.method, request.path))
        responder = self._for_operation(operation)
        if responder is not self:
            return responder.decide(request)
        body, document, refusal = request.body, None, None
        try:
            if operation is None:
                self.refuse_route(request)
            self.validate_size(operation, request, request.body)
            body = self.decompress(operation, request)
            self.validate_size(operation, request, body)
            self.authenticator.authenticate(operation, request)
            if operation.kind is OperationKind.PIXEL:
                body = self.authenticator.decode_pixel_data(request)
            document = self.parse_body(operation, body)
            self.authenticator.authenticate_document(operation, request, document)
            self.validate_document(operation, document)
        except RequestRefused as error:
            refusal = error
        except RecursionError:
            refusal = RequestRefused(answer_for(self.contract, Condition.JSON_INVALID), "the body is nested too deep")
        return Decision(request=request, operation=operation, body=body, document=document, refusal=refusal)

    def render_reply(self, decision: Decision) -> ServerReply:
        """The answer to a decided request."""
        refusal, responder = decision.refusal, self._for_operation(decision.operation)
        if responder is not self:
            return responder.render_reply(decision)
        if not refusal:
            return self.success_reply(self.contract.expected_response(Condition.ACCEPTED).expect[0])
        if refusal.is_success:
            return self.success_reply(refusal.answer.expect[0])
        return self.refusal_reply(decision.operation, refusal)

    def refuse_route(self, request: ReceivedRequest) -> NoReturn:
        """Refuses a method and path that no operation has. Raises RequestRefused."""
        methods = sorted(method for method, path in self.operations if path == request.path)
        if not methods:
            raise RequestRefused(answer_for(self.contract, Condition.PATH_UNKNOWN), "there is nothing here")
        refusal = RequestRefused(answer_for(self.contract, Condition.METHOD_WRONG), "wrong method")
        refusal.headers["Allow"] = ", ".join(("OPTIONS", *methods))
        raise refusal

    def body_limit(self, operation: Operation) -> SizeLimit | None:
        """The limit of a whole body, if there is one."""
        limit_kind = LimitKind.BATCH if operation.kind is OperationKind.BATCH else LimitKind.EVENT
        return self.contract.size_limit(limit_kind) if self.contract.has_fact(f"limits.{limit_kind}") else None

    def max_body_bytes(self, method: str, path: str) -> int:
        """How many bytes a body may have at a path; 0 at an unknown one."""
        operation = self.operations.get((method, path))
        limit = operation and self._for_operation(operation).body_limit(operation)
        return max_bytes(limit) if limit else 0

    def validate_size(self, operation: Operation, request: ReceivedRequest, body: bytes) -> None:
        """Refuses a body above its limit."""
        limit = self.body_limit(operation)
        if limit is None or not (limit.applies_to_chunked or "transfer-encoding" not in request.headers):
            return
        if measure_size(body, limit.unit) > limit.at_most:
            raise RequestRefused(limit, "the request is too large")

    def decompress(self, operation: Operation, request: ReceivedRequest) -> bytes:
        """The body without its content coding; not much more of it than its limit."""
        coding = request.headers.get("content-encoding", "").strip().lower()
        if coding in {"", "identity"}:
            return request.body
        if coding not in _CODINGS:
            answer = answer_for(self.contract, Condition.ENCODING_INVALID)
            raise RequestRefused(
                replace(answer, expect=(_UNSUPPORTED_MEDIA_TYPE,)), "the Content-Encoding is not supported"
            )
        limit = self.body_limit(operation)
        try:
            return decompress_gzip(request.body, max_bytes(limit) if limit else _MAX_UNLIMITED_BYTES)
        except CorruptStream:
            answer = answer_for(self.contract, Condition.ENCODING_INVALID)
            raise RequestRefused(answer, "the body is not what its Content-Encoding says") from None

    def parse_body(self, operation: Operation, body: bytes) -> JsonObject:
        """The body as a JSON object. Refuses anything else."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise RequestRefused(answer_for(self.contract, Condition.JSON_NOT_UTF8), "the body is not UTF-8") from None
        try:
            document: Json = json.loads(text, parse_constant=_refuse_constant, parse_int=_parse_int)
        except (ValueError, RecursionError):
            condition = (
                Condition.PIXEL_DATA_INVALID if operation.kind is OperationKind.PIXEL else Condition.JSON_INVALID
            )
            raise RequestRefused(answer_for(self.contract, condition), "the body is not JSON") from None
        if not isinstance(document, dict):
            condition = (
                Condition.PIXEL_DATA_INVALID if operation.kind is OperationKind.PIXEL else Condition.JSON_NOT_OBJECT
            )
            raise RequestRefused(answer_for(self.contract, condition), "the body is not an object")
        return document

    def validate_document(self, operation: Operation, document: JsonObject) -> None:
        """Refuses an incomplete event, or a batch with one."""
        if operation.kind is OperationKind.BATCH:
            self.validate_batch(document)
        else:
            is_pixel = operation.kind is OperationKind.PIXEL
            missing = Condition.PIXEL_IDENTITY_MISSING if is_pixel else Condition.IDENTITY_MISSING
            self.validate_event(self._type_of(operation, document), document, missing)

    def _type_of(self, operation: Operation, event: JsonObject) -> str:
        """The type of a single event: that of its path, or on a webhook, which takes all types, the one it names."""
        where = self.contract.profile.pointers.type
        if operation.kind is OperationKind.WEBHOOK and where and has(event, where):
            named = get(event, where)
            return named if isinstance(named, str) and named in self.contract.profile.events else operation.event_type
        return operation.event_type

    def validate_event(self, name: str, event: JsonObject, missing: Condition = Condition.IDENTITY_MISSING) -> None:
        """Refuses an event without a user or a required field."""
        if not self.contract.has_identity(name, event):
            raise RequestRefused(answer_for(self.contract, missing), "userId or anonymousId is required")
        required = self.contract.event_type(name).required
        absent = [pointer for pointer in required if not has(event, pointer)]
        for pointer in sorted(absent, key=lambda item: required[item].expect[0] < 300):
            raise RequestRefused(required[pointer], f"{pointer} is required")

    def validate_batch(self, document: JsonObject) -> None:
        """Refuses a batch without its list, without events, with too many, or with a bad one."""
        try:
            events = get(document, self.contract.profile.batch.pointer)
        except PointerNotFound:
            raise RequestRefused(answer_for(self.contract, Condition.BATCH_MISSING), "the batch is missing") from None
        if not isinstance(events, list):
            raise RequestRefused(answer_for(self.contract, Condition.BATCH_NOT_ARRAY), "the batch is not an array")
        if not events:
            raise RequestRefused(answer_for(self.contract, Condition.BATCH_EMPTY), "the batch is empty")
        if self.contract.has_fact(MAX_EVENTS_FACT) and len(events) > self.contract.max_events:
            raise RequestRefused(self.contract.max_events_fact, "the batch has too many events")
        refusals = [refusal for event in events if (refusal := self._event_refusal(event))]
        if refusals and len(refusals) < len(events) and self.contract.has_fact(f"answers.{Condition.BATCH_PARTLY_BAD}"):
            answer = answer_for(self.contract, Condition.BATCH_PARTLY_BAD)
            raise RequestRefused(answer, *(item.reason for item in refusals), shape=ResponseKind.PARTLY_BAD)
        if refusals:
            raise RequestRefused(refusals[0].answer, *(item.reason for item in refusals))

    def _event_refusal(self, event: Json) -> RequestRefused | None:
        """The refusal of an event in a batch for its content. Raises RequestRefused for its type or size."""
        name = self.event_type(event)
        self.validate_event_size(event)
        try:
            self.validate_event(name, event if isinstance(event, dict) else {})
        except RequestRefused as refusal:
            return refusal if refusal.answer.expect[0] >= 300 else None
        return None

    def event_type(self, event: Json) -> str:
        """The type of an event in a batch. Refuses an event without a known one."""
        if not isinstance(event, dict):
            raise RequestRefused(
                answer_for(self.contract, Condition.BATCH_EVENT_NOT_OBJECT), "an event is not an object"
            )
        pointer = self.contract.profile.pointers.type
        if pointer is None:
            return next(item.event_type for item in self.contract.operations if item.kind is OperationKind.BATCH)
        if not has(event, pointer):
            raise RequestRefused(answer_for(self.contract, Condition.BATCH_TYPE_MISSING), "an event has no type")
        name = get(event, pointer)
        if not isinstance(name, str) or name not in self.contract.profile.events:
            raise RequestRefused(answer_for(self.contract, Condition.BATCH_TYPE_UNKNOWN), "an event's type is unknown")
        return name

    def validate_event_size(self, event: Json) -> None:
        """Refuses an event of a batch above its limit, measured as compact UTF-8 JSON."""
        if self.contract.has_fact(f"limits.{LimitKind.BATCH_EVENT}"):
            limit = self.contract.size_limit(LimitKind.BATCH_EVENT)
            if measure_size(compact_json(event), limit.unit) > limit.at_most:
                raise RequestRefused(limit, "an event of the batch is too large")

    def refusal_reply(self, operation: Operation | None, refusal: RequestRefused) -> ServerReply:
        """The answer to a refused request."""
        error_reply = self.error_reply(operation, refusal.answer.expect[0], *refusal.reasons, shape=refusal.shape)
        return error_reply.with_headers(**refusal.headers)

    def error_reply(
        self, operation: Operation | None, status: int, *reasons: str, shape: ResponseKind | None = None
    ) -> ServerReply:
        """An error answer with the documented body, which says why if its schema has room for it."""
        reply = build_reply(status, self._error_shape(operation, shape), *reasons)
        return reply.with_headers(WWW_Authenticate=_CHALLENGE) if status == _UNAUTHORIZED else reply

    def success_reply(self, status: int) -> ServerReply:
        """The answer to an accepted request."""
        shape = (
            self.contract.response_body(ResponseKind.ACCEPTED) if self.contract.has_fact("bodies.accepted") else None
        )
        has_text = self.contract.has_fact("bodies.accepted-text")
        return build_reply(
            status, shape, (self.contract.response_body(ResponseKind.ACCEPTED_TEXT).text if has_text else None) or "OK"
        )

    def _error_shape(self, operation: Operation | None, shape: ResponseKind | None) -> ResponseBody | None:
        if shape is not None and self.contract.has_fact(f"bodies.{shape}"):
            return self.contract.response_body(shape)
        if operation is not None and self.contract.has_fact(f"bodies.{ResponseKind.ERROR}"):
            return self.contract.error_body(operation)
        return None


def _parse_int(digits: str) -> int | float:
    """An integer; one of very many digits as a float, since Python takes quadratic time to parse it."""
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else float(digits)


def _refuse_constant(word: str) -> NoReturn:
    """Refuses NaN and Infinity, which Python's parser takes."""
    raise ValueError(word)
