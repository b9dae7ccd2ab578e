"""Authentication: finds the write key in headers, query or body, as the contract allows, and compares it."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self

from conformance.core.model import Json, JsonObject, OperationKind
from conformance.core.pointers import PointerNotFound, get
from conformance.profile.facts import AuthScheme, Condition
from conformance.refserver.request import RequestRefused, answer_for

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation
    from conformance.refserver.request import ReceivedRequest


def _pixel_or(operation: Operation, condition: Condition) -> Condition:
    """The condition of a wrong or missing key: pixels have one of their own."""
    return Condition.PIXEL_KEY_UNKNOWN if operation.kind is OperationKind.PIXEL else condition


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherKeys:
    """What a server knows beside its write key: the id of the source, and the key of a source that is switched off.

    Without an id, the write key stands for it.
    """

    source_id: str | None = None
    disabled: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Those in the variables that are named after the options."""
        return cls(
            source_id=os.environ.get("CONFORMANCE_SOURCE_ID") or None,
            disabled=os.environ.get("CONFORMANCE_DISABLED_WRITE_KEY") or None,
        )


NO_FURTHER_KEYS = FurtherKeys()


class Authenticator:
    """Checks credentials, first in the headers and the query, then in the body. Raises RequestRefused."""

    def __init__(
        self, contract: Contract, write_key: str, bearer: str | None, further_keys: FurtherKeys = NO_FURTHER_KEYS
    ) -> None:
        self._contract = contract
        self.write_key = write_key
        self.bearer = bearer
        self.further_keys = further_keys

    @property
    def keys(self) -> tuple[str, str | None, FurtherKeys]:
        """What it accepts, in the order in which it is made."""
        return self.write_key, self.bearer, self.further_keys

    def authenticate(self, operation: Operation, request: ReceivedRequest) -> None:
        """Checks the key in the headers or the query; without one there, the body may still have it."""
        if operation.kind is OperationKind.WEBHOOK:
            self._authenticate_query(request)
            return
        key = self._key_in_headers(request)
        if key is not None:
            self._require_right_key(operation, key)
        elif not self._accepts_scheme(AuthScheme.BODY):
            self._refuse(Condition.CREDENTIALS_MISSING, "credentials are missing")

    def authenticate_document(self, operation: Operation, request: ReceivedRequest, document: JsonObject) -> None:
        """Checks the key in the body, if nothing else carried one."""
        if operation.kind is OperationKind.WEBHOOK or not self._accepts_scheme(AuthScheme.BODY):
            return
        if self._key_in_headers(request) is None:
            key = self._key_in_document(operation, document)
            if key is None or key == "":
                missing = Condition.CREDENTIALS_MISSING
                self._refuse(_pixel_or(operation, missing), "the write key is missing")
            self._require_right_key(operation, key)

    def decode_pixel_data(self, request: ReceivedRequest) -> bytes:
        """The decoded data of a pixel: base64, url-safe or not, padded or not."""
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
        """The key in the headers; None if there is none, or a valid bearer token (the key is then in the body)."""
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
        takes_basic = self._accepts_scheme(AuthScheme.BASIC) or self._accepts_scheme(AuthScheme.SOURCE_ID)
        if scheme.lower() != "basic" or not takes_basic:
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
        """The key in the body; in a batch, each event may have it instead."""
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
        if key == self.further_keys.disabled and self._contract.has_fact(f"answers.{Condition.SOURCE_DISABLED}"):
            self._refuse(Condition.SOURCE_DISABLED, "the source is switched off")
        source_id = self.further_keys.source_id if self._accepts_scheme(AuthScheme.SOURCE_ID) else None
        if key != (source_id or self.write_key):
            self._refuse(_pixel_or(operation, Condition.CREDENTIALS_UNKNOWN), "the write key is unknown")

    def _accepts_scheme(self, scheme: AuthScheme) -> bool:
        return self._contract.has_fact(f"credentials.{scheme}")

    def _refuse(self, condition: Condition, reason: str) -> NoReturn:
        raise RequestRefused(answer_for(self._contract, condition), reason)
