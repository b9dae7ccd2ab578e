"""A request as the server receives it, its connection, and the exception that refuses it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.model import Level
from conformance.profile.facts import Condition, ExpectedResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract
    from conformance.profile.facts import ResponseKind

CONNECTION_KEY = "connection"
"""The key in the state of an ASGI scope under which the protocol keeps its ConnectionState."""


@dataclass(slots=True, kw_only=True)
class ConnectionState:
    """One connection: how many requests were answered on it, and the last status.

    `flags` are for faulty servers, which remember more than they should.
    """

    responses: int = 0
    last_status: int = 0
    flags: Counter[str] = field(default_factory=Counter)

    def record_response(self, status: int) -> None:
        """Counts an answer."""
        self.responses += 1
        self.last_status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request as it was received: header names in lower case, the body still encoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    version: str = "1.1"
    connection: ConnectionState = field(default_factory=ConnectionState)


class RequestRefused(Exception):
    """The contract answers the request in another way than a plain success.

    `answer` is the fact that says how, `shape` the kind of body where it is not the usual one of errors.
    """

    def __init__(self, answer: ExpectedResponse, *reasons: str, shape: ResponseKind | None = None) -> None:
        super().__init__(*reasons)
        self.answer = answer
        self.reasons = reasons
        self.shape = shape
        self.headers: dict[str, str] = {}

    @property
    def reason(self) -> str:
        """The first of its reasons; a batch has one for each of its bad events."""
        return self.reasons[0]

    @property
    def is_success(self) -> bool:
        """Whether the documented answer is a success all the same."""
        return self.answer.expect[0] < 300 and self.shape is None


def answer_for(contract: Contract, condition: Condition) -> ExpectedResponse:
    """The documented answer to a condition; 400 where the contract has none."""
    if contract.has_fact(f"answers.{condition}"):
        return contract.expected_response(condition)
    return ExpectedResponse(name=f"answers.{condition}", level=Level.MAY, sources=(), expect=(400,))
