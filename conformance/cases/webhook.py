"""Webhooks: events of other systems, with the write key in the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import expect_all_accepted, expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, WEBHOOKS
from conformance.requests.invalid_cases import (
    INVALID_JSON,
    INVALID_WEBHOOK,
    NOT_OBJECT,
    NOT_UTF8,
    webhook_with_wrong_body_key,
)

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps


@check("webhook.event.minimal", "The smallest event is accepted by a webhook.", fact="answers.accepted",
       kinds=WEBHOOKS, ignores_preflight=True)  # fmt: skip
def minimal_event(call: Call) -> Steps:
    """Other systems post their events with nothing but the key in the address."""
    return (yield from expect_all_accepted([("the smallest event", call.minimal_request())]))


@check("webhook.event.full", "An event with every documented field is accepted by a webhook.",
       fact="answers.accepted", kinds=WEBHOOKS)  # fmt: skip
def full_event(call: Call) -> Steps:
    """A webhook takes the same payload as the single calls."""
    return (yield from expect_all_accepted([("a full event", call.full_request())]))


@check(
    "webhook.{slug}",
    "{description} is answered as documented.",
    kinds=WEBHOOKS,
    fact=FACT_OF_PARAMETER,
    parameters=INVALID_WEBHOOK,
)
def invalid_webhook(call: Call, invalid_case: InvalidCase) -> Steps:
    """The key in the query is all that tells one source from another."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check("webhook.key.overriding", "The key in a webhook's query takes the place of the one in its body.",
       fact="credentials.query", needs="credentials.body", kinds=WEBHOOKS)  # fmt: skip
def overriding_key(call: Call) -> Steps:
    """Other systems relay payloads that carry keys of their own; the address decides whose source it is."""
    draft = webhook_with_wrong_body_key(call)
    return (
        yield from expect_all_accepted([("a webhook with the right key in its query and a wrong one inside", draft)])
    )


@check("webhook.status.bad", "No bad webhook is answered as the server's own failure.",
       fact="rules.no-server-error", kinds=WEBHOOKS)  # fmt: skip
def invalid_webhook_status(call: Call) -> Steps:
    """A 5xx makes the other system send the same thing again and again."""
    expect.control((yield call.control_request()))
    for invalid_case in (*INVALID_WEBHOOK, *INVALID_JSON, *NOT_OBJECT, *NOT_UTF8):
        expect.no_server_error((yield invalid_case.make_draft(call).allowing_no_answer()), invalid_case.description)
    return None
