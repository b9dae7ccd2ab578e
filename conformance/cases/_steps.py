"""Steps that several checks share: each sends drafts and judges the answers."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.cases._refusals import lone_exchange, may_time_out, must_be_answered
from conformance.checks import expect
from conformance.core.errors import NotApplicable
from conformance.core.model import TransportFailure, weaker_level
from conformance.core.statuses import SERVER_ERROR
from conformance.profile.facts import Condition
from conformance.requests import framings, send_on_one_connection
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from conformance.core.model import Exchange
    from conformance.profile.facts import ExpectedResponse, Fact
    from conformance.requests import Call, Draft, Step
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.refused_requests import RefusedRequest
    from conformance.requests.steps import ExchangeSteps, Steps


RECOVERY = "rules.recovery"


def fact_of_documented_request(call: Call, rule: str) -> Fact:
    """That a documented request has its documented answer in the circumstances that a rule of HTTP is about."""
    stated, documented = call.contract.fact(rule), call.contract.expected_response(Condition.ACCEPTED)
    sources = (*stated.sources, *documented.sources)
    return replace(stated, level=weaker_level(stated.level, documented.level), sources=sources)


def expect_documented_success(
    call: Call, subject: str, draft: Draft, fact: Fact | None = None, *, is_usual: bool = False
) -> Steps:
    """The draft is answered with the documented status of success, and a body that does not say otherwise.

    `fact` is what promises it, if more is needed. `is_usual`: the draft is the request whose answer the others are
    compared with.
    """
    draft.require_within_limits()
    exchange = yield draft
    note = expect.status(exchange, call.contract.expected_response(Condition.ACCEPTED), subject, fact=fact)
    expect.taken(exchange, subject, call.contract, None if is_usual else call.usual_success)
    return note


def expect_accepted(call: Call, subject: str, draft: Draft, *, is_usual: bool = False) -> Steps:
    """The draft is accepted, with any status of success, and a body that does not say otherwise.

    `is_usual`: the draft is the request whose answer the others are compared with.
    """
    draft.require_within_limits()
    exchange = yield draft
    expect.accepted(exchange, subject)
    expect.taken(exchange, subject, call.contract, None if is_usual else call.usual_success)
    return None


def expect_all_accepted(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, given with its description, is accepted, as by `expect_accepted`.

    Bodies are judged after all statuses: what they say may weigh less.
    """
    answers = []
    for subject, draft in drafts:
        draft.require_within_limits()
        exchange = yield draft
        expect.accepted(exchange, subject)
        answers.append((exchange, subject))
    for exchange, subject in answers:
        expect.taken(exchange, subject, call.contract, call.usual_success)
    return None


def expect_documented_refusal(call: Call, invalid_case: InvalidCase) -> Steps:
    """The control is accepted, and the invalid request is answered as the contract says."""
    expect.control((yield call.control_request()))
    return expect.status(
        (yield from lone_exchange(call, invalid_case, must_be_answered)),
        call.contract.expected_response(invalid_case.condition),
        invalid_case.description,
    )


def expect_required_fields(call: Call) -> Steps:
    """An event without each of the required fields of its type is answered as documented."""
    expect.control((yield call.control_request()))
    note = None
    for pointer, answer in call.event_type.required.items():
        exchange = yield call.acceptable_request().without_fields(pointer)
        note = expect.status(exchange, answer, f"an event without {pointer}") or note
    return note


def expect_error_bodies(call: Call, cases: Iterable[InvalidCase]) -> Steps:
    """Every invalid request that is refused gets a body of the documented shape."""
    expect.control((yield call.control_request()))
    shape, has_refusal = call.contract.error_body(call.operation), False
    for case in cases:
        exchange = yield from lone_exchange(call, case, must_be_answered)
        if expect.is_refused(exchange):
            has_refusal = True
            expect.body(exchange, shape, case.description)
    if not has_refusal:
        raise NotApplicable("none of the invalid requests is refused")
    return None


def get_refusal(call: Call, case: InvalidCase | RefusedRequest) -> Generator[Step, Exchange, Exchange]:
    """The refusal of a request whose control was accepted. Raises NotApplicable if it is not refused."""
    expect.control((yield call.control_request()))
    exchange = yield from lone_exchange(call, case, must_be_answered)
    expect.require_refused(exchange)
    return exchange


def get_lone_answer(call: Call, case: InvalidCase) -> Generator[Step, Exchange, ExpectedResponse]:
    """The answer that an invalid case must have among other requests: the documented one, or that to it alone.

    It is sent on a new connection. What is wrong in any case is judged by the checks of the case itself. Raises
    NotApplicable if it is accepted although the contract says otherwise: then nothing tells its answer from that to an
    acceptable request.
    """
    answer = call.contract.expected_response(case.condition)
    (exchange,) = yield from send_on_one_connection(case.make_draft(call).with_raw_writer(write_standard))
    if exchange.status in answer.statuses:
        return answer
    if expect.is_accepted(exchange):
        raise NotApplicable(f"{case.description} is accepted alone, too: {exchange.summary}")
    return replace(answer, expect=(*answer.expect, exchange.status))


def is_cut_off_json_accepted(call: Call) -> Generator[Step, Exchange, bool]:
    """Whether a body that lacks its end is accepted, though its length is right.

    Raises NotApplicable if the server fails on it in any case.
    """
    draft = call.acceptable_request().with_json_bytes(lambda body: body[: -framings.LENGTH_SHORTFALL_BYTES])
    exchange = yield draft.allowing_no_answer()
    if exchange.response is None or exchange.status >= SERVER_ERROR:
        raise NotApplicable(f"a body that lacks its end makes the server fail in any case: {exchange.summary}")
    return expect.is_accepted(exchange)


def expect_kept_connection(call: Call) -> Generator[Step, Exchange, None]:
    """The control of checks that send two requests over one connection: two acceptable ones are accepted so.

    It is sent once for each operation in a run.
    """
    key = f"kept connection of {call.operation}"
    exchange = call.shared_exchanges.get(key)
    if exchange is None:
        own_call = call.labelled(key)  # so that the bytes of other requests don't depend on which check comes first
        drafts = (own_call.acceptable_request().with_raw_writer(write_standard), closing_request(own_call))
        first, second = yield from send_on_one_connection(*(draft.allowing_no_answer() for draft in drafts))
        is_refused = expect.is_accepted(first) and second.response is not None
        exchange = call.shared_exchanges[key] = second if is_refused else first
    expect.control(exchange, "an acceptable request, over a connection of which it is the first or the second,")


def response_header(exchange: Exchange, name: str) -> str | None:
    """A header of the answer; None without it, or without an answer."""
    return exchange.response.header(name) if exchange.response else None


def accepted_or_refused(exchange: Exchange) -> str:
    """Whether a request was accepted or refused, as a word for a note."""
    return "accepted" if expect.is_accepted(exchange) else "refused"


def describe_outcomes(drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """A note that says whether each draft was accepted, for checks that only observe."""
    outcomes = []
    for subject, draft in drafts:
        exchange = yield draft
        outcomes.append(f"{subject}: {accepted_or_refused(exchange)} with {exchange.status}")
    return "; ".join(dict.fromkeys(outcomes))


def expect_each(
    call: Call, drafts: Iterable[tuple[str, Draft]], judge: Callable[[Exchange, str], None]
) -> Generator[Step, Exchange, None]:
    """The control is accepted, then each draft is answered, and the answers pass `judge`."""
    expect.control((yield call.control_request()))
    for subject, draft in drafts:
        exchange = yield draft.allowing_no_answer(may_time_out=True)
        yield from expect_no_hang(call, exchange, subject)
        judge(exchange, subject)


def expect_no_server_errors(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft is answered without a server error; afterwards an acceptable request is still accepted."""
    yield from expect_each(call, drafts, expect.no_server_error)
    return (yield from _expect_still_accepted(call))


def expect_no_server_error_to(call: Call, cases: Iterable[InvalidCase | RefusedRequest]) -> Steps:
    """The same of invalid cases, without those that the dialect has no room for."""
    expect.control((yield call.control_request()))
    for case in cases:
        with contextlib.suppress(NotApplicable):
            exchange = yield from lone_exchange(call, case, may_time_out)
            yield from expect_no_hang(call, exchange, case.description)
            expect.no_server_error(exchange, case.description)
    return (yield from _expect_still_accepted(call))


def _expect_still_accepted(call: Call) -> Steps:
    """An acceptable request after invalid ones is accepted."""
    after = yield call.acceptable_request()
    recovery = fact_of_documented_request(call, RECOVERY)
    expect.accepted(after, "an acceptable request after the invalid ones", fact=recovery)
    return None


def expect_no_server_error_for(call: Call, invalid_cases: Iterable[InvalidCase]) -> Steps:
    """Each invalid request is answered without a server error."""
    expect.control((yield call.control_request()))
    for invalid_case in invalid_cases:
        expect.no_server_error((yield from lone_exchange(call, invalid_case)), invalid_case.description)
    return None


def expect_no_hang(call: Call, exchange: Exchange, subject: str) -> Generator[Step, Exchange, None]:
    """A request did not time out. If it did, and an acceptable one is answered after it, that is a deviation."""
    if exchange.failure is TransportFailure.TIMEOUT:
        yield call.acceptable_request()
        raise expect.hang_deviation(exchange, subject)
    expect.no_timeout(exchange)


def converse_raw(call: Call, subject: str, *drafts: Draft, pipelined: bool = False) -> ExchangeSteps:
    """Sends the drafts over one connection with raw writers, and fails if the first of them times out."""
    waiting_drafts = (
        draft.with_raw_writer(draft.raw_writer or write_standard).allowing_no_answer(may_time_out=True)
        for draft in drafts
    )
    exchanges = yield from send_on_one_connection(*waiting_drafts, pipelined=pipelined)
    yield from expect_no_hang(call, exchanges[0], subject)
    return exchanges


def expect_new_connection_accepted(call: Call, subject: str) -> Generator[Step, Exchange, None]:
    """An acceptable request on a new connection, which is closed after it, is accepted."""
    (exchange,) = yield from send_on_one_connection(closing_request(call).allowing_no_answer())
    recovery = fact_of_documented_request(call, RECOVERY)
    expect.accepted(exchange, f"an acceptable request on a new connection, after {subject},", fact=recovery)


def expect_tolerated(call: Call, subject: str, draft: Draft) -> Steps:
    """An unusual request is accepted, refused, or answered by closing the connection; later ones are accepted."""
    expect.control((yield call.control_request()))
    (exchange,) = yield from converse_raw(call, subject, draft)
    expect.no_crash(exchange, subject, may_close=True)
    yield from expect_new_connection_accepted(call, subject)
    return None


def closing_request(call: Call) -> Draft:
    """An acceptable request that asks to close the connection after its answer."""
    return call.acceptable_request().with_header("Connection", "close").with_raw_writer(write_standard)
