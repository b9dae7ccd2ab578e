"""Webhooks: events that other systems post, with the write key in the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import expect_accepted, expect_documented_refusal, expect_no_server_error_for
from conformance.checks.catalogue import check
from conformance.checks.check import ACCEPTED, FACT_OF_PARAMETER, NO_SERVER_ERROR, WEBHOOKS
from conformance.requests.invalid_cases import UNREADABLE_BODIES
from conformance.requests.invalid_credentials import INVALID_WEBHOOK, webhook_with_wrong_body_key

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps


@check("webhook.event.minimal", "The smallest event is accepted by a webhook.", fact=ACCEPTED,
       kinds=WEBHOOKS, ignores_preflight=True)  # fmt: skip
def minimal_event(call: Call) -> Steps:
    """Other systems post their events with no other credentials than the key in the query."""
    return (yield from expect_accepted(call, "the smallest event", call.minimal_request(), is_usual=True))


@check("webhook.event.full", "An event with every documented field is accepted by a webhook.",
       fact=ACCEPTED, kinds=WEBHOOKS)  # fmt: skip
def full_event(call: Call) -> Steps:
    """A webhook carries the same payload as a request with one event."""
    return (yield from expect_accepted(call, "a full event", call.full_request()))


@check(
    "webhook.{slug}",
    "{description} is answered as documented.",
    kinds=WEBHOOKS,
    fact=FACT_OF_PARAMETER,
    parameters=INVALID_WEBHOOK,
)
def invalid_webhook(call: Call, invalid_case: InvalidCase) -> Steps:
    """Only the key in the query tells the server which source an event comes from."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check("webhook.key.overriding", "The key in a webhook's query overrides the one in its body.",
       fact="credentials.query", needs="credentials.body", kinds=WEBHOOKS)  # fmt: skip
def overriding_key(call: Call) -> Steps:
    """Other systems relay payloads that contain keys of their own; the query decides about an event's source."""
    draft = webhook_with_wrong_body_key(call)
    subject = "a webhook with the right key in its query and an unknown one in its body"
    return (yield from expect_accepted(call, subject, draft))


@check("webhook.status.bad", "An invalid webhook causes no server error.",
       fact=NO_SERVER_ERROR, kinds=WEBHOOKS)  # fmt: skip
def invalid_webhook_status(call: Call) -> Steps:
    """After a 5xx, the other system sends the same request again and again."""
    cases = (*INVALID_WEBHOOK, *UNREADABLE_BODIES)
    return (yield from expect_no_server_error_for(call, cases))
