"""Who is let in: the write key, wherever the contract lets a request carry it."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from conformance.core.model import Json, JsonObject, Level, OperationKind
from conformance.core.pointers import PointerNotFound, get
from conformance.profile.facts import AuthScheme, Condition, ExpectedResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract, Operation
    from conformance.profile.facts import ResponseKind


@dataclass(slots=True, kw_only=True)
class ConnectionState:
    """What a server remembers of one connection: how many requests it has answered there, the last one how.

    `marks` are for servers that remember more than they should.
    """

    responses: int = 0
    last_status: int = 0
    flags: Counter[str] = field(default_factory=Counter)

    def record_response(self, status: int) -> None:
        """Takes the status of an answer."""
        self.responses += 1
        self.last_status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request as a server sees it; header names in lower case, the body as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    version: str = "1.1"
    connection: ConnectionState = field(default_factory=ConnectionState)


class RequestRefused(Exception):
    """A request that the contract answers otherwise than with success."""

    def __init__(self, answer: ExpectedResponse, reason: str, shape: ResponseKind | None = None) -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason
        self.shape = shape
        self.headers: dict[str, str] = {}

    @property
    def is_success(self) -> bool:
        """Whether the contract calls for a success all the same."""
        return self.answer.expect[0] < 300 and self.shape is None


def answer_for(contract: Contract, condition: Condition) -> ExpectedResponse:
    """How a condition is answered; 400 where the contract leaves it open."""
    if contract.has_fact(f"answers.{condition}"):
        return contract.expected_response(condition)
    return ExpectedResponse(name=f"answers.{condition}", level=Level.MAY, sources=(), expect=(400,))


def _pixel_or(operation: Operation, condition: Condition) -> Condition:
    """The condition by the name that it has on a pixel, or elsewhere."""
    return Condition.PIXEL_KEY_UNKNOWN if operation.kind is OperationKind.PIXEL else condition


class Authenticator:
    """Looks at credentials, first in the headers and the query, then in the body."""

    def __init__(self, contract: Contract, write_key: str, bearer: str | None) -> None:
        self._contract = contract
        self.write_key = write_key
        self.bearer = bearer

    def authenticate(self, operation: Operation, request: ReceivedRequest) -> None:
        """Headers and query carry the right key, or none and the body still may."""
        if operation.kind is OperationKind.WEBHOOK:
            self._authenticate_query(request)
            return
        key = self._key_in_headers(request)
        if key is not None:
            self._require_right_key(operation, key)
        elif not self._accepts_scheme(AuthScheme.BODY):
            self._refuse(Condition.CREDENTIALS_MISSING, "credentials are missing")

    def authenticate_document(self, operation: Operation, request: ReceivedRequest, document: JsonObject) -> None:
        """Where nothing else carried the key, the body carries it."""
        if operation.kind is OperationKind.WEBHOOK or not self._accepts_scheme(AuthScheme.BODY):
            return
        if self._key_in_headers(request) is None:
            key = self._key_in_document(operation, document)
            if key is None or key == "":
                missing = Condition.CREDENTIALS_MISSING
                self._refuse(_pixel_or(operation, missing), "the write key is missing")
            self._require_right_key(operation, key)

    def decode_pixel_data(self, request: ReceivedRequest) -> bytes:
        """What a pixel carries: base64, url-safe or not, padded or not."""
        pixel = self._contract.profile.pixel
        data = request.query.get(pixel.parameter if pixel else "data", "")
        if not data:
            raise RequestRefused(answer_for(self._contract, Condition.PIXEL_DATA_MISSING), "the data is missing")
        standard = data.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
        try:
            return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise RequestRefused(
                answer_for(self._contract, Condition.PIXEL_DATA_INVALID), "the data is not base64"
            ) from None

    def _authenticate_query(self, request: ReceivedRequest) -> None:
        key = request.query.get(self._contract.credential_carrier(AuthScheme.QUERY))
        if not key:
            raise RequestRefused(answer_for(self._contract, Condition.WEBHOOK_KEY_MISSING), "the write key is missing")
        if key != self.write_key:
            raise RequestRefused(answer_for(self._contract, Condition.WEBHOOK_KEY_UNKNOWN), "the write key is unknown")

    def _key_in_headers(self, request: ReceivedRequest) -> str | None:
        """The key that the headers carry; None if they carry none, or a token that vouches for the body's."""
        header_name = (
            self._contract.credential_carrier(AuthScheme.HEADER).lower()
            if self._accepts_scheme(AuthScheme.HEADER)
            else ""
        )
        if header_name in request.headers:
            prefix = self._contract.credential_prefix
            if not request.headers[header_name].startswith(prefix):
                self._refuse(Condition.CREDENTIALS_MALFORMED, f"the header does not begin with {prefix}")
            return request.headers[header_name].removeprefix(prefix)
        header = request.headers.get("authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and self._accepts_scheme(AuthScheme.BEARER) and token == self.bearer:
            return None
        if scheme.lower() != "basic" or not self._accepts_scheme(AuthScheme.BASIC):
            self._refuse(Condition.CREDENTIALS_MALFORMED, "the Authorization header is not HTTP Basic")
        return self._user_of_basic(token)

    def _user_of_basic(self, token: str) -> str:
        """The user name in a Basic token."""
        try:
            user, colon, _ = base64.b64decode(token.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            user, colon = "", ""
        if not user or not (colon or self._accepts_scheme(AuthScheme.BASIC_WITHOUT_COLON)):
            self._refuse(Condition.CREDENTIALS_MALFORMED, "the Authorization header is malformed")
        return user

    def _key_in_document(self, operation: Operation, document: JsonObject) -> Json:
        """The key in the body; that of a batch may be in each of its events."""
        pointer = self._contract.credential_carrier(AuthScheme.BODY)
        try:
            return get(document, pointer)
        except PointerNotFound:
            pass
        try:
            events = (
                get(document, self._contract.profile.batch.pointer) if operation.kind is OperationKind.BATCH else None
            )
            keys = [get(event, pointer) for event in events] if isinstance(events, list) else []
        except PointerNotFound:
            return None
        return keys[0] if keys and all(key == keys[0] for key in keys) else None

    def _require_right_key(self, operation: Operation, key: Json) -> None:
        if key != self.write_key:
            self._refuse(_pixel_or(operation, Condition.CREDENTIALS_UNKNOWN), "the write key is unknown")

    def _accepts_scheme(self, scheme: AuthScheme) -> bool:
        return self._contract.has_fact(f"credentials.{scheme}")

    def _refuse(self, condition: Condition, reason: str) -> NoReturn:
        raise RequestRefused(answer_for(self._contract, condition), reason)
