"""Who is let in: the write key, wherever the contract lets a request carry it."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from conformance.model import Json, JsonObject, Kind, Level
from conformance.pointers import Missing, get
from conformance.profile.facts import Answer, Condition, Scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract, Operation
    from conformance.profile.facts import Shape


@dataclass(slots=True, kw_only=True)
class Session:
    """What a server remembers of one connection: how many requests it has answered there, the last one how.

    `marks` are for servers that remember more than they should.
    """

    answered: int = 0
    last_status: int = 0
    marks: Counter[str] = field(default_factory=Counter)

    def note(self, status: int) -> None:
        """Takes the status of an answer."""
        self.answered += 1
        self.last_status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as a server sees it; header names in lower case, the body as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    version: str = "1.1"
    session: Session = field(default_factory=Session)


class Refused(Exception):
    """A request that the contract answers otherwise than with success."""

    def __init__(self, answer: Answer, reason: str, shape: Shape | None = None) -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason
        self.shape = shape
        self.headers: dict[str, str] = {}

    @property
    def is_success(self) -> bool:
        """Whether the contract calls for a success all the same."""
        return self.answer.expect[0] < 300 and self.shape is None


def answer_to(contract: Contract, condition: Condition) -> Answer:
    """How a condition is answered; 400 where the contract leaves it open."""
    if contract.states(f"answers.{condition}"):
        return contract.answer(condition)
    return Answer(name=f"answers.{condition}", level=Level.MAY, sources=(), expect=(400,))


def _of(operation: Operation, condition: Condition) -> Condition:
    """The condition by the name that it has on a pixel, or elsewhere."""
    return Condition.PIXEL_KEY_UNKNOWN if operation.kind is Kind.PIXEL else condition


class Admission:
    """Looks at credentials, first in the headers and the query, then in the body."""

    def __init__(self, contract: Contract, write_key: str, bearer: str | None) -> None:
        self._contract = contract
        self.write_key = write_key
        self.bearer = bearer

    def admit(self, operation: Operation, incoming: Incoming) -> None:
        """Headers and query carry the right key, or none and the body still may."""
        if operation.kind is Kind.WEBHOOK:
            self._admit_query(incoming)
            return
        key = self._key_in_headers(incoming)
        if key is not None:
            self._match(operation, key)
        elif not self._takes(Scheme.BODY):
            self._refuse(Condition.CREDENTIALS_MISSING, "credentials are missing")

    def admit_document(self, operation: Operation, incoming: Incoming, document: JsonObject) -> None:
        """Where nothing else carried the key, the body carries it."""
        if operation.kind is Kind.WEBHOOK or not self._takes(Scheme.BODY):
            return
        if self._key_in_headers(incoming) is None:
            key = self._key_in_document(operation, document)
            if key is None or key == "":
                missing = Condition.CREDENTIALS_MISSING
                self._refuse(_of(operation, missing), "the write key is missing")
            self._match(operation, key)

    def pixel_data(self, incoming: Incoming) -> bytes:
        """What a pixel carries: base64, url-safe or not, padded or not."""
        pixel = self._contract.profile.pixel
        data = incoming.query.get(pixel.parameter if pixel else "data", "")
        if not data:
            raise Refused(answer_to(self._contract, Condition.PIXEL_DATA_MISSING), "the data is missing")
        bare = data.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
        try:
            return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise Refused(
                answer_to(self._contract, Condition.PIXEL_DATA_INVALID), "the data is not base64"
            ) from None

    def _admit_query(self, incoming: Incoming) -> None:
        key = incoming.query.get(self._contract.credential_key(Scheme.QUERY))
        if not key:
            raise Refused(
                answer_to(self._contract, Condition.WEBHOOK_KEY_MISSING), "the write key is missing"
            )
        if key != self.write_key:
            raise Refused(
                answer_to(self._contract, Condition.WEBHOOK_KEY_UNKNOWN), "the write key is unknown"
            )

    def _key_in_headers(self, incoming: Incoming) -> str | None:
        """The key that the headers carry; None if they carry none, or a token that vouches for the body's."""
        own = self._contract.credential_key(Scheme.HEADER).lower() if self._takes(Scheme.HEADER) else ""
        if own in incoming.headers:
            prefix = self._contract.key_prefix
            if not incoming.headers[own].startswith(prefix):
                self._refuse(Condition.CREDENTIALS_MALFORMED, f"the header does not begin with {prefix}")
            return incoming.headers[own].removeprefix(prefix)
        header = incoming.headers.get("authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and self._takes(Scheme.BEARER) and token == self.bearer:
            return None
        if scheme.lower() != "basic" or not self._takes(Scheme.BASIC):
            self._refuse(Condition.CREDENTIALS_MALFORMED, "the Authorization header is not HTTP Basic")
        return self._user(token)

    def _user(self, token: str) -> str:
        """The user name in a Basic token."""
        try:
            user, colon, _ = base64.b64decode(token.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            user, colon = "", ""
        if not user or not (colon or self._takes(Scheme.BASIC_WITHOUT_COLON)):
            self._refuse(Condition.CREDENTIALS_MALFORMED, "the Authorization header is malformed")
        return user

    def _key_in_document(self, operation: Operation, document: JsonObject) -> Json:
        """The key in the body; that of a batch may be in each of its events."""
        pointer = self._contract.credential_key(Scheme.BODY)
        try:
            return get(document, pointer)
        except Missing:
            pass
        try:
            events = (
                get(document, self._contract.profile.batch.pointer) if operation.kind is Kind.BATCH else None
            )
            keys = [get(event, pointer) for event in events] if isinstance(events, list) else []
        except Missing:
            return None
        return keys[0] if keys and all(key == keys[0] for key in keys) else None

    def _match(self, operation: Operation, key: Json) -> None:
        if key != self.write_key:
            self._refuse(_of(operation, Condition.CREDENTIALS_UNKNOWN), "the write key is unknown")

    def _takes(self, scheme: Scheme) -> bool:
        return self._contract.states(f"credentials.{scheme}")

    def _refuse(self, condition: Condition, reason: str) -> NoReturn:
        raise Refused(answer_to(self._contract, condition), reason)
