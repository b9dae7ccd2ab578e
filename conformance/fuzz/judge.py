"""Judges the reply to a case against the contract."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Exchange, Level, Request, TransportFailure, weaker_level
from conformance.core.statuses import MULTI_STATUS, SERVER_ERROR
from conformance.fuzz.case import Auth
from conformance.profile.facts import Condition, ResponseKind
from conformance.requests.rate_limits import asks_to_wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.contract import Contract, Operation
    from conformance.fuzz.case import Case
    from conformance.fuzz.oracle import Oracle
    from conformance.profile.facts import ExpectedResponse
    from conformance.wire import Redactor
    from conformance.wire.responses import Reply

GENERIC_STATUSES = frozenset({400, 408, 411, 413, 414, 415, 422, 429, 431})
"""Statuses that HTTP itself allows for a request that the contract leaves open."""
_ANY_REQUEST = Request(method="POST", path="/")
_MAX_CACHED_BYTES, _MAX_CACHED_BODY_BYTES, _OVERHEAD_BYTES = 16_000_000, 2_048, 600
"""Of all cached answers together, of the body of one, and what one takes beside its text."""


class FailureKind(enum.StrEnum):
    """What can be wrong with a response, or with the target after it."""

    SERVER_ERROR = "server-error"
    UNANSWERED = "unanswered"
    MALFORMED_RESPONSE = "misframed"
    WRONGLY_REJECTED = "refused"
    WRONGLY_ACCEPTED = "taken"
    UNEXPECTED_STATUS = "status"
    UNEXPECTED_BODY = "body"
    INFORMATION_LEAK = "leak"
    BREAKS_LATER_REQUESTS = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One failure of a reply. Judgements of the same sort have the same `dedup_key`.

    `facts` are the facts that the answer broke; if empty, the rule of its kind.
    `failure` is set if there was no response.
    """

    failure_kind: FailureKind
    message: str
    expected: str
    received: str
    level: Level
    dedup_key: str
    facts: tuple[str, ...] = ()
    failure: TransportFailure | None = None


class Judge:
    """Judges the replies of one target."""

    def __init__(self, contract: Contract, oracle: Oracle, redactor: Redactor) -> None:
        self._contract = contract
        self._redactor = redactor
        self._oracle = oracle
        self._operations = oracle.operations
        self._undetermined_statuses = {
            name: _statuses_when_undetermined(contract, item) for name, item in self._operations.items()
        }
        self._cache: dict[tuple[object, ...], Judgement | None] = {}
        self._cached_bytes = 0

    def judge(self, case: Case, reply: Reply) -> Judgement | None:
        """The first failure of a reply, without secrets; None if it has none, or asks to wait.

        Redacting is slow and most replies are fine, so only failed ones are redacted.
        """
        judgement = self._first_failure(case, reply)
        if judgement is None:
            return None
        redactor = self._redactor
        redacted = self._first_failure(case, redactor.redact_reply(reply))
        message, received = (redacted or judgement).message, (redacted or judgement).received
        return replace(
            judgement,
            dedup_key=redactor.redact_text(judgement.dedup_key),
            message=redactor.redact_text(message),
            received=redactor.redact_text(received),
            level=weaker_level(judgement.level, self._operations[case.call].level),
        )

    def _first_failure(self, case: Case, reply: Reply) -> Judgement | None:
        """The first failure of a reply, with its secrets."""
        head = reply.head
        if head is None or reply.bytes_after_response:
            return self._transport_failure(reply)
        key = (case.call, case.expected_facts, case.auth, reply.status, head.headers, reply.body)
        if key in self._cache:
            return self._cache[key]
        judgement = next(self._failures(case, reply), None)
        if len(reply.body) <= _MAX_CACHED_BODY_BYTES:
            self._cached_bytes += _OVERHEAD_BYTES + len(reply.body) + _size_of_headers(head.headers)
            if self._cached_bytes > _MAX_CACHED_BYTES:
                self._cache.clear()
                self._cached_bytes = 0
            self._cache[key] = judgement
        return judgement

    def _transport_failure(self, reply: Reply) -> Judgement:
        """The failure of an exchange without a response, or with bytes after it."""
        if reply.failure in {
            TransportFailure.UNREACHABLE,
            TransportFailure.TLS,
            TransportFailure.TIMEOUT,
            TransportFailure.CLOSED,
        }:
            level = self._level("rules.no-server-error")
            judgement = _new_judgement(FailureKind.UNANSWERED, "an answer", reply, level, dedup_key=f"{reply.failure}")
            return replace(judgement, failure=reply.failure)
        level = self._level("rules.framing", Level.SHOULD)
        problem = reply.failure_detail or f"{len(reply.bytes_after_response)} bytes follow that belong to no answer"
        return _new_judgement(
            FailureKind.MALFORMED_RESPONSE,
            "an answer that ends where its head says",
            reply,
            level,
            dedup_key="",
            problem=problem,
        )

    def _failures(self, case: Case, reply: Reply) -> Iterator[Judgement]:
        """The failures of a reply, the worst first."""
        status, operation = reply.status, self._operations[case.call]
        if asks_to_wait(reply):
            return
        if status >= SERVER_ERROR:
            level = self._level("rules.no-server-error")
            yield _new_judgement(FailureKind.SERVER_ERROR, "an answer below 500", reply, level, dedup_key=str(status))
            return
        yield from self._status_failures(case, reply, operation)
        exchange = _to_exchange(Request(method=operation.method, path=operation.path), reply)
        yield from self._body_failures(exchange, operation, reply, case)
        for check_exchange, failure_kind, fact_name in (
            (expect.well_framed, FailureKind.MALFORMED_RESPONSE, "rules.framing"),
            (expect.no_stack_trace, FailureKind.INFORMATION_LEAK, "rules.no-stack-trace"),
        ):
            try:
                check_exchange(exchange, "a generated request")
            except Deviation as deviation:
                yield _judgement_from_deviation(deviation, failure_kind, self._level(fact_name, Level.SHOULD), "")

    def _status_failures(self, case: Case, reply: Reply, operation: Operation) -> Iterator[Judgement]:
        """A status that the contract does not allow here."""
        status = reply.status
        if not case.expected_facts:
            if status not in self._undetermined_statuses[case.call]:
                level = self._level("answers.accepted")
                expected_status = "a status that the contract names"
                yield _new_judgement(
                    FailureKind.UNEXPECTED_STATUS,
                    expected_status,
                    reply,
                    weaker_level(level, operation.level),
                    dedup_key=str(status),
                )
            return
        answers = [answer for name in case.expected_facts if (answer := self._oracle.answer_for_fact(name))]
        allowed = {item for answer in answers for item in answer.statuses}
        if status in allowed:
            return
        level = weaker_level(_weakest(answers), operation.level)
        expected = " or ".join(str(item) for item in sorted(allowed))
        if min(allowed) >= 300 and 200 <= status < 300:
            failure_kind, dedup_key = FailureKind.WRONGLY_ACCEPTED, "|".join(case.expected_facts)
            dedup_key = dedup_key if case.auth is Auth.VALID else f"credentials {case.auth}"
        elif max(allowed) < 300 and status >= 400:
            failure_kind, dedup_key = FailureKind.WRONGLY_REJECTED, str(status)
        else:
            failure_kind, dedup_key = FailureKind.UNEXPECTED_STATUS, str(status)
        judgement = _new_judgement(failure_kind, expected, reply, level, dedup_key=dedup_key)
        yield replace(judgement, facts=case.expected_facts)

    def _body_failures(self, exchange: Exchange, operation: Operation, reply: Reply, case: Case) -> Iterator[Judgement]:
        """A body without the shape that the contract documents for errors, or for partly bad batches."""
        if reply.status == MULTI_STATUS:
            stated = self._contract.has_fact(f"bodies.{ResponseKind.PARTLY_BAD}")
            shape = (
                self._contract.response_body(ResponseKind.PARTLY_BAD) if stated and self._is_partly_bad(case) else None
            )
        elif reply.status in self._undetermined_statuses[str(operation)] and reply.status >= 400:
            stated = self._contract.has_fact(f"bodies.{ResponseKind.ERROR}") and reply.status not in {
                411,
                414,
                431,
                408,
            }
            shape = self._contract.error_body(operation) if stated else None
        else:
            shape = None
        if shape is None:
            return
        try:
            expect.body(exchange, shape, "a generated request")
        except Deviation as deviation:
            judgement = _judgement_from_deviation(
                deviation, FailureKind.UNEXPECTED_BODY, weaker_level(shape.level, operation.level), str(reply.status)
            )
            yield replace(judgement, facts=(shape.name,))
        except NotApplicable:
            return

    def _is_partly_bad(self, case: Case) -> bool:
        """Whether a 207 can only mean that some events of the batch are bad."""
        facts_allowing_207 = {
            name
            for name in case.expected_facts
            if (answer := self._oracle.answer_for_fact(name)) and MULTI_STATUS in answer.statuses
        }
        return facts_allowing_207 == {f"answers.{Condition.BATCH_PARTLY_BAD}"}

    def _level(self, name: str, default: Level = Level.MUST) -> Level:
        """The level of a fact."""
        return self._contract.fact(name).level if self._contract.has_fact(name) else default


def _size_of_headers(headers: Sequence[tuple[str, str]]) -> int:
    """About how many bytes headers take in memory."""
    return sum(160 + len(name) + len(value) for name, value in headers)


def _statuses_when_undetermined(contract: Contract, operation: Operation) -> frozenset[int]:
    """The statuses allowed for a call where the contract leaves the answer open."""
    inapplicable = {f"answers.{Condition.PATH_UNKNOWN}", f"answers.{Condition.METHOD_WRONG}"}
    stated = [fact for fact in contract.expected_responses(operation) if fact.name not in inapplicable]
    status_codes = {status for fact in stated for status in fact.statuses}
    return frozenset(status_codes) | GENERIC_STATUSES


def _weakest(answers: list[ExpectedResponse]) -> Level:
    return max((answer.level for answer in answers), key=lambda level: level.rank)


def _to_exchange(request: Request, reply: Reply) -> Exchange:
    """A reply as an exchange, for the expectations that checks use."""
    return Exchange(
        request=request,
        response=reply.response,
        failure=reply.failure,
        failure_detail=reply.failure_detail,
        bytes_after_response=reply.bytes_after_response,
    )


def _new_judgement(  # noqa: PLR0913 - as many as a judgement has
    failure_kind: FailureKind, expected: str, reply: Reply, level: Level, *, dedup_key: str, problem: str = ""
) -> Judgement:
    received = _to_exchange(_ANY_REQUEST, reply).summary + (f"; {problem}" if problem and reply.head else "")
    message = f"must be answered with {expected}, and got {received}"
    return Judgement(
        failure_kind=failure_kind,
        message=message,
        expected=expected,
        received=received,
        level=level,
        dedup_key=dedup_key,
    )


def _judgement_from_deviation(
    deviation: Deviation, failure_kind: FailureKind, level: Level, dedup_key: str
) -> Judgement:
    """A deviation as a judgement."""
    return Judgement(
        failure_kind=failure_kind,
        message=deviation.message,
        expected=deviation.expected,
        received=deviation.received,
        level=level,
        dedup_key=dedup_key,
    )
