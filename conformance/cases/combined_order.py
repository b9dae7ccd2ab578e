"""Where a bad event stands in a batch, and what came before a request on its connection: neither changes an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._forms import join_deviations
from conformance.cases._steps import RECOVERY, converse_raw, expect_kept_connection
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS_AND_BATCHES, FACT_OF_PARAMETER
from conformance.core import pointers
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Parameter, TransportFailure
from conformance.profile.facts import MAX_EVENTS_FACT, Condition
from conformance.requests import send_on_one_connection
from conformance.requests.content_codings import with_gzip
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY
from conformance.requests.invalid_cases import NO_IDENTITY, nameless_event
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Exchange, Json
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps


@dataclass(frozen=True, slots=True)
class BadEvent(Parameter):
    """An event that a batch must not have, and the condition that says how it is answered."""

    condition: Condition
    make: Callable[[Call], Json]

    @property
    def fact(self) -> str:
        """The fact that states the answer."""
        return f"answers.{self.condition}"


def _without_type(call: Call) -> Json:
    pointer = call.contract.profile.pointers.type
    if pointer is None:
        raise NotApplicable("the events of this dialect do not name their type")
    return pointers.remove(call.baseline_event(call.operation.event_type), pointer)


BAD_EVENTS = (
    BadEvent("no-user", "an event that names no user", Condition.BATCH_PARTLY_BAD, nameless_event),
    BadEvent("no-type", "an event without a type", Condition.BATCH_TYPE_MISSING, _without_type),
    BadEvent("no-object", "a text in place of an event", Condition.BATCH_EVENT_NOT_OBJECT, lambda _: "conformance"),
)


@check("combined.position.{slug}", "{description} has the documented answer at the beginning, at the end and at place "
       "201 of a batch.", fact=FACT_OF_PARAMETER, kinds=BATCHES, parameters=BAD_EVENTS)  # fmt: skip
def position(call: Call, bad: BadEvent) -> Steps:
    """A server that looks at the first event, or at a hundred of them, loses the others or refuses them all."""
    expect.control((yield call.batch_of(2)))
    answer = call.contract.expected_response(bad.condition)
    event = bad.make(call)
    deviations = []
    for where, before, after in (("first", 0, 1), ("last", 1, 0), ("in the middle", 1, 1), ("number 201", 200, 0)):
        if (draft := _batch_around(call, event, before, after)) is None:
            continue
        try:
            expect.status((yield draft), answer, f"a batch in which {bad.description} is {where}")
        except Deviation as deviation:
            deviations.append(deviation)
    if deviations:
        raise join_deviations(deviations)
    return None


def _batch_around(call: Call, event: Json, before: int, after: int) -> Draft | None:
    """A batch with good events before and after one; None where a limit has no room for it."""
    count = before + 1 + after
    if call.contract.has_fact(MAX_EVENTS_FACT) and count > call.contract.max_events:
        return None
    good: list[Json] = [call.baseline_event(call.operation.event_type) for _ in range(count - 1)]
    draft = call.acceptable_request().with_events(*good[:before], event, *good[before:])
    try:
        draft.require_within_limits()
    except NotApplicable:
        return None
    return draft


@dataclass(frozen=True, slots=True)
class Sequence(Parameter):
    """Requests over one connection, of which each must be answered as it is alone."""

    make_drafts: Callable[[Call], tuple[Draft, ...]]


def _with_key(call: Call, key: str) -> Draft:
    return call.acceptable_request().with_credentials(call.credentials(key=key))


SEQUENCES = (
    Sequence("type", "after a request of another type", lambda call: (
        call.acceptable_request().with_content_type("text/plain"), call.control_request(),
        call.acceptable_request().with_content_type(None))),
    Sequence("coding", "after a request in gzip", lambda call: (
        with_gzip(call.acceptable_request()), call.control_request(), with_gzip(call.acceptable_request()))),
    Sequence("right-key", "after a request with the right key", lambda call: (
        call.control_request(), _with_key(call, UNKNOWN_KEY), call.control_request())),
    Sequence("wrong-key", "after a request with an unknown key", lambda call: (
        _with_key(call, UNKNOWN_KEY), call.control_request(),
        call.acceptable_request().with_credentials(NO_CREDENTIALS))),
    Sequence("user", "after a request of a user", lambda call: (
        call.full_request(call.operation.event_type), NO_IDENTITY.make_draft(call), call.control_request())),
)  # fmt: skip


@check("combined.connection.{slug}", "A request {description} on its connection is answered as it is alone.",
       fact=RECOVERY, kinds=EVENTS_AND_BATCHES, parameters=SEQUENCES)  # fmt: skip
def answers_on_connection(call: Call, sequence: Sequence) -> Steps:
    """What a server keeps of a request for the next one on a connection belongs to another client behind a proxy."""
    expect.control((yield call.control_request()))
    yield from expect_kept_connection(call)
    alone: list[Exchange] = []
    for draft in sequence.make_drafts(call):
        if draft.is_control:
            alone.append((yield draft))
        else:
            alone += yield from send_on_one_connection(draft.with_raw_writer(write_standard).allowing_no_answer())
    together = yield from converse_raw(call, "the first request of a connection", *sequence.make_drafts(call))
    numbers = ("the first", "the second", "the third")
    for number, lone, exchange in zip(numbers, alone, together, strict=True):
        if exchange.failure is TransportFailure.CLOSED:
            break
        _expect_as_alone(lone, exchange, f"{number} of three requests {sequence.description}")
    return None


def _expect_as_alone(alone: Exchange, exchange: Exchange, subject: str) -> None:
    """An answer is that of the request alone, or another refusal in place of one. Raises Deviation if not."""
    is_same = alone.status == exchange.status or (expect.is_accepted(alone) and expect.is_accepted(exchange))
    if is_same or (expect.is_refused(alone) and expect.is_refused(exchange)) or expect.is_server_error(alone):
        return
    raise Deviation(
        f"{subject} on one connection must be answered as it is alone, with {alone.status}",
        f"was answered with {exchange.summary}",
        exchange=exchange,
        expected=f"{alone.status}, as on a connection of its own",
        is_server_error=expect.is_server_error(exchange),
    )
