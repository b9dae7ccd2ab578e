"""The circuit breaker: what counts as a failure in a row, and that a good response resets the count."""

from __future__ import annotations

from functools import cache

import pytest

from conformance.contract import Contract
from conformance.core.errors import Stopped
from conformance.core.model import Exchange, Request, Response, TransportFailure
from conformance.profile import load
from conformance.requests import Call, Draft, Keys
from conformance.run.circuit_breaker import MAX_CONSECUTIVE_FAILURES, CircuitBreaker

REQUEST = Request(method="POST", path="/v1/track")
UNANSWERED = Exchange(request=REQUEST, failure=TransportFailure.CLOSED, failure_detail="it was closed")
FAILED = Exchange(request=REQUEST, response=Response(status=500))
ACCEPTED = Exchange(request=REQUEST, response=Response(status=200))
REFUSED = Exchange(request=REQUEST, response=Response(status=400))
ALMOST = MAX_CONSECUTIVE_FAILURES - 1


@cache
def draft() -> Draft:
    """An acceptable request."""
    contract = Contract(load("segment"))
    return Call(contract=contract, operation=contract.operations[0], keys=Keys(write_key="Key-12345")).control_request()


def record(breaker: CircuitBreaker, exchange: Exchange, count: int, request: Draft | None = None) -> None:
    """Records an exchange so many times."""
    for _ in range(count):
        breaker.record(request or draft(), exchange)


@pytest.mark.parametrize(
    ("failure", "message"),
    [(UNANSWERED, "20 requests in a row were not answered.*it was closed"), (FAILED, "20 answers in a row.*500")],
)
def test_failures_in_a_row_stop_a_run(failure: Exchange, message: str) -> None:
    """Not one earlier than that."""
    breaker = CircuitBreaker()
    record(breaker, failure, ALMOST)
    with pytest.raises(Stopped, match=message):
        record(breaker, failure, 1)


@pytest.mark.parametrize("failure", [UNANSWERED, FAILED])
@pytest.mark.parametrize("good", [ACCEPTED, REFUSED])
def test_a_good_response_resets_the_count(failure: Exchange, good: Exchange) -> None:
    """An accepted request and a refused one alike: however often that goes on, the target is there."""
    breaker = CircuitBreaker()
    for _ in range(3):
        record(breaker, failure, ALMOST)
        record(breaker, good, 1)
    assert (breaker.unanswered, breaker.server_errors) == (0, 0)
    record(breaker, failure, ALMOST)
    with pytest.raises(Stopped):
        record(breaker, failure, 1)


def test_a_server_error_is_a_response() -> None:
    """It ends a row of requests without one, and begins a row of its own."""
    breaker = CircuitBreaker()
    record(breaker, UNANSWERED, ALMOST)
    record(breaker, FAILED, 1)
    record(breaker, UNANSWERED, ALMOST)
    assert (breaker.unanswered, breaker.server_errors) == (ALMOST, 1)


def test_a_silence_that_a_check_allows_does_not_count() -> None:
    """It provoked it."""
    breaker = CircuitBreaker()
    record(breaker, UNANSWERED, MAX_CONSECUTIVE_FAILURES, draft().allowing_no_answer())
    record(breaker, FAILED, MAX_CONSECUTIVE_FAILURES, draft().allowing_no_answer())
    assert (breaker.unanswered, breaker.server_errors) == (0, 0)
