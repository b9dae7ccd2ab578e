"""The judge: what is wrong with an answer to a case, if anything."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect
from conformance.errors import Deviation, Silent
from conformance.fuzz.case import Auth
from conformance.model import Exchange, Level, Mishap, Request, weaker
from conformance.openapi import answers
from conformance.profile.facts import Condition, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.fuzz.case import Case
    from conformance.fuzz.oracle import Oracle
    from conformance.profile.facts import Answer
    from conformance.wire.answers import Reply

GENERIC = frozenset({400, 408, 411, 413, 414, 415, 422, 429, 431})
"""What HTTP itself lets a server say to a request of which the contract says nothing."""
TOO_MANY = 429
_PARTLY = 207
_MOST_KNOWN, _LONGEST_KNOWN = 20_000, 2_048


class Fault(enum.StrEnum):
    """What can be wrong with an answer, or with the target after it."""

    SERVER_ERROR = "server-error"
    UNANSWERED = "unanswered"
    MISFRAMED = "misframed"
    REFUSED = "refused"
    TAKEN = "taken"
    STATUS = "status"
    BODY = "body"
    LEAK = "leak"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One thing that is wrong with an answer. `kind` makes judgements of the same sort equal."""

    fault: Fault
    message: str
    expected: str
    received: str
    level: Level
    kind: str


class Judge:
    """Judges the answers of one target."""

    def __init__(self, contract: Contract, oracle: Oracle) -> None:
        self._contract = contract
        self._oracle = oracle
        self._operations = oracle.operations
        self._open = {name: _open_statuses(contract, item) for name, item in self._operations.items()}
        self._known: dict[tuple[object, ...], Judgement | None] = {}

    def judge(self, case: Case, reply: Reply) -> Judgement | None:
        """What is wrong with an answer; a 429 is nobody's fault."""
        head = reply.head
        if head is None or reply.stray:
            return self._unheard(reply)
        key = (case.call, case.expect, case.auth, reply.status, head.headers, reply.body)
        if key in self._known:
            return self._known[key]
        found = next(self._judged(case, reply), None)
        if len(reply.body) <= _LONGEST_KNOWN:
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            self._known[key] = found
        return found

    def _unheard(self, reply: Reply) -> Judgement | None:
        """What is wrong where there is no answer, or something after it."""
        if reply.mishap in {Mishap.UNREACHABLE, Mishap.TLS, Mishap.TIMEOUT, Mishap.CLOSED}:
            rule = self._level("rules.no-server-error")
            return _judgement(Fault.UNANSWERED, "an answer", reply, rule, kind=f"{reply.mishap}")
        rule = self._level("rules.framing", Level.SHOULD)
        wrong = reply.detail or f"{len(reply.stray)} bytes follow that belong to no answer"
        return _judgement(
            Fault.MISFRAMED, "an answer that ends where its head says", reply, rule, kind="", wrong=wrong
        )

    def _judged(self, case: Case, reply: Reply) -> Iterator[Judgement]:
        """Everything that is wrong with an answer, the worst first."""
        status, operation = reply.status, self._operations[case.call]
        if status == TOO_MANY:
            return
        if status >= expect.SERVER_ERROR:
            rule = self._level("rules.no-server-error")
            yield _judgement(Fault.SERVER_ERROR, "an answer below 500", reply, rule, kind=str(status))
            return
        yield from self._misplaced(case, reply, operation)
        exchange = _exchange(operation, reply)
        yield from self._misshaped(exchange, operation, reply, case)
        for look, fault in ((expect.framed, Fault.MISFRAMED), (expect.no_stack_trace, Fault.LEAK)):
            name = "rules.framing" if fault is Fault.MISFRAMED else "rules.no-stack-trace"
            try:
                look(exchange, "a generated request")
            except Deviation as deviation:
                yield _of(deviation, fault, self._level(name, Level.SHOULD), "")

    def _misplaced(self, case: Case, reply: Reply, operation: Operation) -> Iterator[Judgement]:
        """A status that the contract does not allow here."""
        status = reply.status
        if not case.expect:
            if status not in self._open[case.call]:
                level = self._level("answers.accepted")
                words = "a status that the contract speaks of"
                yield _judgement(Fault.STATUS, words, reply, weaker(level, operation.level), kind=str(status))
            return
        answers = [answer for name in case.expect if (answer := self._oracle.answer(name))]
        allowed = {item for answer in answers for item in answer.statuses}
        if status in allowed:
            return
        level = weaker(_weakest(answers), operation.level)
        expected = " or ".join(str(item) for item in sorted(allowed))
        kind = "|".join(case.expect) if case.auth is Auth.RIGHT else f"credentials {case.auth}"
        if min(allowed) >= 300 and 200 <= status < 300:
            yield _judgement(Fault.TAKEN, expected, reply, level, kind=kind)
        elif max(allowed) < 300 and status >= 400:
            yield _judgement(Fault.REFUSED, expected, reply, level, kind=str(status))
        else:
            yield _judgement(Fault.STATUS, expected, reply, level, kind=str(status))

    def _misshaped(
        self, exchange: Exchange, operation: Operation, reply: Reply, case: Case
    ) -> Iterator[Judgement]:
        """A body that is not what the contract promises of errors, or of answers to partly bad batches."""
        if reply.status == _PARTLY:
            stated = self._contract.states(f"bodies.{Shape.PARTLY_BAD}")
            shape = self._contract.shape(Shape.PARTLY_BAD) if stated and self._is_partly_bad(case) else None
        elif reply.status in self._open[str(operation)] and reply.status >= 400:
            stated = self._contract.states(f"bodies.{Shape.ERROR}") and reply.status not in {
                411,
                414,
                431,
                408,
            }
            shape = self._contract.error_shape(operation) if stated else None
        else:
            shape = None
        if shape is None:
            return
        try:
            expect.body(exchange, shape, "a generated request")
        except Deviation as deviation:
            yield _of(deviation, Fault.BODY, weaker(shape.level, operation.level), str(reply.status))
        except Silent:
            return

    def _is_partly_bad(self, case: Case) -> bool:
        """Whether a 207 can only mean that some events of a batch are bad."""
        allowing = {
            name
            for name in case.expect
            if (answer := self._oracle.answer(name)) and _PARTLY in answer.statuses
        }
        return allowing == {f"answers.{Condition.BATCH_PARTLY_BAD}"}

    def _level(self, name: str, otherwise: Level = Level.MUST) -> Level:
        """The level of a fact."""
        return self._contract.fact(name).level if self._contract.states(name) else otherwise


def _open_statuses(contract: Contract, operation: Operation) -> frozenset[int]:
    """What a call may be answered with where the contract leaves the answer open."""
    elsewhere = {f"answers.{Condition.PATH_UNKNOWN}", f"answers.{Condition.METHOD_WRONG}"}
    stated = [fact for fact in answers(contract, operation) if fact.name not in elsewhere]
    named = {status for fact in stated for status in fact.statuses}
    return frozenset(named) | GENERIC


def _weakest(answers: list[Answer]) -> Level:
    return max((answer.level for answer in answers), key=lambda level: level.rank)


def _exchange(operation: Operation, reply: Reply) -> Exchange:
    """An answer as the judgements of the suite want it."""
    request = Request(method=operation.method, path=operation.path)
    return Exchange(request=request, response=reply.response, stray=reply.stray)


def outline(reply: Reply) -> str:
    """An answer in a few words."""
    nothing = Request(method="POST", path="/")
    return Exchange(
        request=nothing, response=reply.response, mishap=reply.mishap, detail=reply.detail
    ).outline


def _judgement(  # noqa: PLR0913 - as many as a judgement has
    fault: Fault, expected: str, reply: Reply, level: Level, *, kind: str, wrong: str = ""
) -> Judgement:
    received = outline(reply) + (f"; {wrong}" if wrong and reply.head else "")
    message = f"must be answered with {expected}, and got {received}"
    return Judgement(
        fault=fault, message=message, expected=expected, received=received, level=level, kind=kind
    )


def _of(deviation: Deviation, fault: Fault, level: Level, kind: str) -> Judgement:
    """A deviation as a judgement."""
    return Judgement(
        fault=fault,
        message=deviation.message,
        expected=deviation.expected,
        received=deviation.received,
        level=level,
        kind=kind,
    )
