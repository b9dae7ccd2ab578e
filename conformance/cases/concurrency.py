"""Concurrency: many requests at once are all accepted, and each gets its own answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import get_lone_answer
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS, EVENTS_AND_BATCHES, FirstPer, Tier
from conformance.requests import send_concurrently
from conformance.requests.invalid_cases import TRUNCATED_JSON

if TYPE_CHECKING:
    from conformance.checks.check import CheckOptions
    from conformance.requests import Call
    from conformance.requests.steps import Steps

CONCURRENCY = "rules.concurrency"
REQUEST_COUNT = 64
"""How many requests are sent, at most sixteen of them at once."""
_OPTIONS: CheckOptions = {"first_per": FirstPer.RUN, "exclusive": True, "tier": Tier.BURST}


@check("robustness.concurrency.events", "Sixteen events sent at once are all accepted.",
       fact=CONCURRENCY, kinds=EVENTS, **_OPTIONS)  # fmt: skip
@check("robustness.concurrency.batches", "Sixteen batches sent at once are all accepted.",
       fact=CONCURRENCY, kinds=BATCHES, **_OPTIONS)  # fmt: skip
def all_accepted(call: Call) -> Steps:
    """Events come from many clients; a server that fails when they arrive together loses them."""
    expect.control((yield call.acceptable_request()))
    drafts = [call.acceptable_request().allowing_no_answer() for _ in range(REQUEST_COUNT)]
    for exchange in (yield from send_concurrently(*drafts)):
        expect.accepted(exchange, "a valid request, sent at once with fifteen others,")
    return None


@check("robustness.concurrency.matched", "Sixteen requests sent at once each get their own answer.",
       fact=CONCURRENCY, kinds=EVENTS_AND_BATCHES, **_OPTIONS)  # fmt: skip
def answers_matched(call: Call) -> Steps:
    """After the answer to another request, a client sends stored events again, or drops events that were not stored."""
    expect.control((yield call.acceptable_request()))
    answer = yield from get_lone_answer(call, TRUNCATED_JSON)
    drafts = [
        call.acceptable_request() if number % 2 else TRUNCATED_JSON.make_draft(call)
        for number in range(REQUEST_COUNT // 2)
    ]
    exchanges = yield from send_concurrently(*(draft.allowing_no_answer() for draft in drafts))
    for number, exchange in enumerate(exchanges):
        if number % 2:
            expect.accepted(exchange, "a valid request, sent at once with invalid ones,")
        else:
            expect.status(exchange, answer, f"{TRUNCATED_JSON.description}, sent at once with valid requests,")
    return None
