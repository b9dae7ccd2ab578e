"""Steps that several checks share: each sends drafts and judges the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.model import TransportFailure
from conformance.profile.facts import Condition
from conformance.requests import send_on_one_connection
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft, Step
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import ExchangeSteps, Steps


def expect_documented_success(call: Call, subject: str, draft: Draft, *, is_usual: bool = False) -> Steps:
    """The draft is answered with the documented status of success, and a body that does not say otherwise.

    `is_usual`: the draft is the request whose answer the others are compared with.
    """
    draft.require_within_limits()
    exchange = yield draft
    note = expect.status(exchange, call.contract.expected_response(Condition.ACCEPTED), subject)
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
        (yield invalid_case.make_draft(call)),
        call.contract.expected_response(invalid_case.condition),
        invalid_case.description,
    )


def get_refusal(call: Call, draft: Draft) -> Generator[Draft, Exchange, Exchange]:
    """The refusal of a draft whose control was accepted. Raises NotApplicable if the draft is not refused."""
    expect.control((yield call.control_request()))
    exchange = yield draft
    expect.require_refused(exchange)
    return exchange


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
    expect.accepted((yield call.acceptable_request()), "an acceptable request after the invalid ones")
    return None


def expect_no_server_error_for(call: Call, invalid_cases: Iterable[InvalidCase]) -> Steps:
    """Each invalid request is answered without a server error."""
    expect.control((yield call.control_request()))
    for invalid_case in invalid_cases:
        expect.no_server_error((yield invalid_case.make_draft(call).allowing_no_answer()), invalid_case.description)
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
    expect.accepted(exchange, f"an acceptable request on a new connection, after {subject},")


def closing_request(call: Call) -> Draft:
    """An acceptable request that asks to close the connection after its answer."""
    return call.acceptable_request().with_header("Connection", "close").with_raw_writer(write_standard)
