"""Steps that several checks take: each sends drafts and judges the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.model import TransportFailure
from conformance.profile.facts import Condition
from conformance.requests import send_on_one_connection
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft, Step
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import ExchangeSteps, Steps


def expect_documented_success(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is answered with exactly the documented status of success."""
    note = None
    for subject, draft in drafts:
        draft.require_within_limits()
        note = expect.status((yield draft), call.contract.expected_response(Condition.ACCEPTED), subject) or note
    return note


def expect_all_accepted(drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is accepted; with which status is for the accept checks to judge."""
    for subject, draft in drafts:
        draft.require_within_limits()
        expect.accepted((yield draft), subject)
    return None


def expect_documented_refusal(call: Call, invalid_case: InvalidCase) -> Steps:
    """The control is accepted, and its spoilt twin is answered as the contract says."""
    expect.control((yield call.control_request()))
    return expect.status(
        (yield invalid_case.make_draft(call)),
        call.contract.expected_response(invalid_case.condition),
        invalid_case.description,
    )


def get_refusal(call: Call, draft: Draft) -> Generator[Draft, Exchange, Exchange]:
    """The control is accepted, the draft refused: the refusal, for a check of its body to look at."""
    expect.control((yield call.control_request()))
    exchange = yield draft
    expect.require_refused(exchange)
    return exchange


def describe_outcomes(drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """What becomes of each draft, named, for the note of a check that only observes."""
    outcomes = []
    for subject, draft in drafts:
        exchange = yield draft
        verb = "accepted" if expect.is_accepted(exchange) else "refused"
        outcomes.append(f"{subject}: {verb} with {exchange.status}")
    return "; ".join(dict.fromkeys(outcomes))


def expect_no_server_errors(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is answered, not with the server's own failure; then the control still works."""
    expect.control((yield call.control_request()))
    for subject, draft in drafts:
        exchange = yield draft.allowing_no_answer(may_time_out=True)
        yield from expect_no_hang(call, exchange, subject)
        expect.no_server_error(exchange, subject)
    expect.accepted((yield call.acceptable_request()), "an acceptable request after the faulty ones")
    return None


def expect_no_hang(call: Call, exchange: Exchange, subject: str) -> Generator[Step, Exchange, None]:
    """A request did not hang: one that did is a failure if an acceptable one is answered after it."""
    if exchange.failure is TransportFailure.TIMEOUT:
        yield call.acceptable_request()
        raise expect.hang_deviation(exchange, subject)
    expect.no_timeout(exchange)


def converse_raw(call: Call, subject: str, *drafts: Draft, pipelined: bool = False) -> ExchangeSteps:
    """The exchanges of one connection, the first of which did not hang.

    All are written by hand: each alone, sent by another client, would show nothing.
    """
    waiting_drafts = (
        draft.with_raw_writer(draft.raw_writer or write_standard).allowing_no_answer(may_time_out=True)
        for draft in drafts
    )
    exchanges = yield from send_on_one_connection(*waiting_drafts, pipelined=pipelined)
    yield from expect_no_hang(call, exchanges[0], subject)
    return exchanges


def expect_new_connection_accepted(call: Call, subject: str) -> Generator[Step, Exchange, None]:
    """An acceptable request on a new connection is accepted; it is that connection's last."""
    (exchange,) = yield from send_on_one_connection(closing_request(call).allowing_no_answer())
    expect.accepted(exchange, f"an acceptable request on a new connection, after {subject},")


def closing_request(call: Call) -> Draft:
    """An acceptable request that is the last of its connection."""
    return call.acceptable_request().with_header("Connection", "close").with_raw_writer(write_standard)
