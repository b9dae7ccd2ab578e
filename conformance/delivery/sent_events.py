"""The events of a request as a server reads them, and whether they are plainly good."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.foreign_json import Unreadable
from conformance.core.model import OperationKind
from conformance.core.written_json import read_written_json, repeats_names
from conformance.profile.facts import MAX_EVENTS_FACT, AuthScheme, LimitKind
from conformance.profile.size_unit import SizeUnit
from conformance.requests import Call
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation
    from conformance.core.model import Request
    from conformance.core.written_json import WrittenObject
    from conformance.requests import Keys

_MAX_BYTES = 16 * 1024 * 1024
_JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEvent:
    """An event of a request; `is_good` if nothing about it, or its request, is a documented reason to leave it out."""

    event: WrittenObject
    is_good: bool


@dataclass(slots=True)
class RequestReader:
    """Reads requests under a contract. A request that can't be read has no events."""

    contract: Contract
    keys: Keys
    nonce: str
    _credentials: dict[str, list[Any]] = field(default_factory=dict)

    def operation(self, request: Request) -> Operation | None:
        """The operation that a request is for; None for a wrong method or path."""
        return next(
            (item for item in self.contract.operations if (item.method, item.path) == (request.method, request.path)),
            None,
        )

    def read(self, request: Request, *, is_sdk: bool) -> list[SentEvent]:
        """The events of a request; those of an SDK may have other types of content."""
        operation = self.operation(request)
        if operation is None:
            return []
        text = self._text(operation, request)
        document = read_written_json(text) if text is not None else None
        if isinstance(document, Unreadable) or not isinstance(document, dict) or text is None:
            return []
        contract = self.contract.for_operation(operation)
        is_sound = (
            request.raw_writer in {None, write_standard}
            and (is_sdk or _media_type(request) in {"", _JSON_TYPE})
            and self._has_right_key(contract, operation, request, document)
            and not repeats_names(text)
            and _is_within(contract, operation, len(text.encode("utf-8", "surrogatepass")))
        )
        listed = _events(contract, operation, document)
        if contract.has_fact(MAX_EVENTS_FACT) and len(listed) > contract.max_events:
            is_sound = False
        is_sound = is_sound and all(_is_good(contract, operation, item) for item in listed)
        return [
            SentEvent(event=item, is_good=is_sound and self._has_own_id(item))
            for item in listed
            if isinstance(item, dict)
        ]

    def _has_own_id(self, event: Any) -> bool:  # noqa: ANN401 - JSON without loss
        """Whether an event has no id, or one that no event of another run has: what has been seen may be dropped."""
        where = self.contract.profile.pointers.message_id
        if not where or not pointers.has(event, where):
            return True
        value: Any = pointers.get(event, where)
        return isinstance(value, str) and self.nonce in value

    def _text(self, operation: Operation, request: Request) -> str | None:
        """The JSON text of a request; None if it can't be decoded."""
        body = request.body
        if operation.kind is OperationKind.PIXEL:
            parameter = self.contract.pixel_parameter
            data = next((value for name, value in request.query if name == parameter), "")
            body = data.replace("-", "+").replace("_", "/").replace(" ", "+").encode()
            try:
                body = base64.b64decode(body + b"=" * (-len(body) % 4))
            except (binascii.Error, ValueError):
                return None
        coding = _header(request, "content-encoding")
        try:
            if coding in {"gzip", "x-gzip"}:
                body = gzip.decompress(body) if len(body) < _MAX_BYTES else b""
            elif coding not in {"", "identity"}:
                return None
            return body.decode()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError):
            return None

    def _has_right_key(
        self, contract: Contract, operation: Operation, request: Request, document: WrittenObject
    ) -> bool:
        """Whether the request carries the right key in a documented way, and no other one."""
        known = self._credentials.setdefault(str(operation), self._right_credentials(operation))
        right_headers = {value for item in known for name, value in item.headers if name.lower() == "authorization"}
        given = [value for name, value in request.headers if name.lower() == "authorization"]
        if len(given) > 1 or not right_headers.issuperset(given):
            return False
        body_fact = f"credentials.{AuthScheme.BODY}"
        pointer = contract.credential_carrier(AuthScheme.BODY) if contract.has_fact(body_fact) else None
        holders: list[Any] = [document, *_events(contract, operation, document)]
        in_body = [pointers.get(item, pointer) for item in holders if pointer and pointers.has(item, pointer)]
        if any(value != self.keys.write_key for value in in_body):
            return False
        query, headers = set(request.query), {(name.lower(), value) for name, value in request.headers}
        return any(
            {(name.lower(), value) for name, value in item.headers} <= headers
            and set(item.query) <= query
            and (not item.body_key or bool(in_body))
            for item in known
        )

    def _right_credentials(self, operation: Operation) -> list[Any]:
        call, found = Call(contract=self.contract, operation=operation, keys=self.keys), []
        for scheme in AuthScheme:
            if call.contract.has_fact(f"credentials.{scheme}"):
                try:
                    found.append(call.credentials(scheme))
                except NotApplicable:
                    continue
        return found


def _header(request: Request, wanted: str) -> str:
    return next((value for name, value in request.headers if name.lower() == wanted), "").strip().lower()


def _media_type(request: Request) -> str:
    return _header(request, "content-type").partition(";")[0].strip()


def _is_within(contract: Contract, operation: Operation, size: int) -> bool:
    """Whether a body is no larger than what must be accepted; false where that counts something else."""
    kind = LimitKind.BATCH if operation.kind is OperationKind.BATCH else LimitKind.EVENT
    if not contract.has_fact(f"limits.{kind}"):
        return True
    limit = contract.size_limit(kind)
    return limit.unit is SizeUnit.BYTES and size <= limit.largest_accepted


def _events(contract: Contract, operation: Operation, document: WrittenObject) -> list[Any]:
    """The events of a document, as far as they are in a list."""
    if operation.kind is not OperationKind.BATCH:
        return [document]
    listed = pointers.find(document, contract.profile.batch.pointer)
    return listed if isinstance(listed, list) else []


def _is_good(contract: Contract, operation: Operation, event: Any) -> bool:  # noqa: ANN401 - JSON without loss
    """Whether an event has a known type, a user and all required fields."""
    if not isinstance(event, dict):
        return False
    where, name = contract.profile.pointers.type, operation.event_type
    if where and operation.kind in {OperationKind.BATCH, OperationKind.WEBHOOK}:
        named = pointers.find(event, where)
        if not isinstance(named, str) or named not in contract.batch_types() or named not in contract.profile.events:
            return False
        name = named
    elif where and pointers.has(event, where) and pointers.get(event, where) != name:
        return False
    required = (*contract.event_type(name).required, *contract.profile.always_required)
    return all(_is_filled(event, pointer) for pointer in required) and contract.has_identity(name, event)


def _is_filled(event: Any, pointer: str) -> bool:  # noqa: ANN401 - as above
    value = pointers.find(event, pointer)
    return value is not None and value != ""
