"""Concurrency: many requests at once are all accepted, and each gets its own answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS, EVENTS_AND_BATCHES, Tier
from conformance.profile.facts import Condition
from conformance.requests import send_concurrently
from conformance.requests.invalid_cases import INVALID_JSON

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps

CONCURRENCY = "rules.concurrency"
REQUEST_COUNT = 64
"""So many requests, sixteen of them in flight at any time."""


@check("robustness.concurrency.events", "Sixteen events at once are all accepted.",
       fact=CONCURRENCY, kinds=EVENTS, first_operation_only=True, exclusive=True, tier=Tier.BURST)  # fmt: skip
@check("robustness.concurrency.batches", "Sixteen batches at once are all accepted.",
       fact=CONCURRENCY, kinds=BATCHES, first_operation_only=True, exclusive=True, tier=Tier.BURST)  # fmt: skip
def all_accepted(call: Call) -> Steps:
    """Events come from many clients; a server that fails when they come together loses them."""
    expect.control((yield call.acceptable_request()))
    for exchange in (
        yield from send_concurrently(*(call.acceptable_request().allowing_no_answer() for _ in range(REQUEST_COUNT)))
    ):
        expect.accepted(exchange, "a valid request, sixteen of which were in flight,")
    return None


@check(
    "robustness.concurrency.matched",
    "Each of sixteen requests at once gets the answer that it deserves.",
    fact=CONCURRENCY,
    kinds=EVENTS_AND_BATCHES,
    first_operation_only=True,
    exclusive=True,
    tier=Tier.BURST,
)
def answers_matched(call: Call) -> Steps:
    """An answer that belongs to another request makes a client resend what is stored, or drop what is not."""
    expect.control((yield call.acceptable_request()))
    invalid = INVALID_JSON[0]
    drafts = [
        call.acceptable_request() if number % 2 else invalid.make_draft(call) for number in range(REQUEST_COUNT // 2)
    ]
    answer = call.contract.expected_response(Condition.JSON_INVALID)
    exchanges = yield from send_concurrently(*(draft.allowing_no_answer() for draft in drafts))
    for number, exchange in enumerate(exchanges):
        if number % 2:
            expect.accepted(exchange, "a valid request among invalid ones, sixteen of which were in flight,")
        else:
            expect.status(exchange, answer, f"{invalid.description} among valid ones, sixteen in flight,")
    return None
