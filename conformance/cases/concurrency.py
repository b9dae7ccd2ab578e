"""Concurrency: many requests at once are all accepted, and each gets its own answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import fact_of_documented_request, get_lone_answer
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS, EVENTS_AND_BATCHES, FirstPer, Tier
from conformance.requests import send_concurrently
from conformance.requests.invalid_cases import TRUNCATED_JSON

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
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
    exchanges = yield from send_concurrently(*drafts)
    for exchange in exchanges:
        if not expect.is_overloaded(exchange):
            expect.accepted(exchange, "a valid request, sent at once with fifteen others,")
    return _overload_note(exchanges)


def _overload_note(exchanges: Collection[Exchange]) -> str | None:
    """A note on requests that were put off, which RFC 9112, section 9.4 allows; None if there were none."""
    refused = sum(expect.is_overloaded(exchange) for exchange in exchanges)
    return f"{refused} of {len(exchanges)} were put off with 503 and Retry-After" if refused else None


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
    concurrency = fact_of_documented_request(call, CONCURRENCY)
    for number, exchange in enumerate(exchanges):
        if expect.is_overloaded(exchange):
            continue
        if number % 2:
            expect.accepted(exchange, "a valid request, sent at once with invalid ones,")
        else:
            subject = f"{TRUNCATED_JSON.description}, sent at once with valid requests,"
            expect.status(exchange, answer, subject, fact=concurrency)
    return _overload_note(exchanges)
