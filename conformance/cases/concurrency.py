"""Concurrency: many requests at once are all accepted, and each gets its own answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.catalogue import BATCHES, EVENTS, POSTED, Tier, check
from conformance.payloads import together
from conformance.payloads.spoils import INVALID_JSON
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call

CROWD = "rules.concurrency"
ROUNDS = 64
"""So many requests, sixteen of them in flight at any time."""


@check("robustness.concurrency.events", "Sixteen events at once are all accepted.",
       fact=CROWD, kinds=EVENTS, once=True, exclusive=True, tier=Tier.BURST)  # fmt: skip
@check("robustness.concurrency.batches", "Sixteen batches at once are all accepted.",
       fact=CROWD, kinds=BATCHES, once=True, exclusive=True, tier=Tier.BURST)  # fmt: skip
def concurrent(call: Call) -> Steps:
    """Events come from many clients; a server that fails when they come together loses them."""
    expect.control((yield call.event()))
    for exchange in (yield from together(*(call.event().unanswered() for _ in range(ROUNDS)))):
        expect.accepted(exchange, "a valid request, sixteen of which were in flight,")
    return None


@check("robustness.concurrency.matched", "Each of sixteen requests at once gets the answer that it deserves.",
       fact=CROWD, kinds=POSTED, once=True, exclusive=True, tier=Tier.BURST)  # fmt: skip
def matched(call: Call) -> Steps:
    """An answer that belongs to another request makes a client resend what is stored, or drop what is not."""
    expect.control((yield call.event()))
    invalid = INVALID_JSON[0]
    drafts = [call.event() if number % 2 else invalid.make(call) for number in range(ROUNDS // 2)]
    answer = call.contract.answer(Condition.JSON_INVALID)
    exchanges = yield from together(*(draft.unanswered() for draft in drafts))
    for number, exchange in enumerate(exchanges):
        if number % 2:
            expect.accepted(exchange, "a valid request among invalid ones, sixteen of which were in flight,")
        else:
            expect.status(exchange, answer, f"{invalid.words} among valid ones, sixteen in flight,")
    return None
