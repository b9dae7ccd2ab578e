"""Webhooks: events that other systems post, with the write key in the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import (
    expect_accepted,
    expect_all_accepted,
    expect_documented_refusal,
    expect_error_bodies,
    expect_no_server_error_for,
    expect_required_fields,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import (
    ACCEPTED,
    ERROR_BODY,
    FACT_OF_PARAMETER,
    NO_SERVER_ERROR,
    REQUIRED_FIELDS,
    WEBHOOKS,
)
from conformance.profile.facts import Condition, LimitKind
from conformance.requests.invalid_cases import (
    ARRAY_BODY,
    NO_IDENTITY,
    TRUNCATED_JSON,
    UNREADABLE_BODIES,
    oversized_request,
)
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


@check("webhook.event.types", "An event of every type is accepted by a webhook.", fact=ACCEPTED, kinds=WEBHOOKS)
def event_types(call: Call) -> Steps:
    """A webhook is one path for all calls; which one an event is, it says itself."""
    drafts = [(f"an event of the type {name}", call.acceptable_request(name)) for name in call.contract.batch_types()]
    return (yield from expect_all_accepted(call, drafts))


@check("webhook.identity.missing", "An event that names no user is answered as documented by a webhook.",
       fact=f"answers.{Condition.IDENTITY_MISSING}", kinds=WEBHOOKS)  # fmt: skip
def identity_missing(call: Call) -> Steps:
    """Other systems know users by other names; an event without an id is lost, and its sender should know."""
    return (yield from expect_documented_refusal(call, NO_IDENTITY))


@check("webhook.required.missing", "An event without a required field is answered as documented by a webhook.",
       fact=REQUIRED_FIELDS, kinds=WEBHOOKS)  # fmt: skip
def required_missing(call: Call) -> Steps:
    """The same fields are required wherever an event comes from."""
    return (yield from expect_required_fields(call))


@check("webhook.size.over", "An event over its limit is refused by a webhook.",
       fact=f"limits.{LimitKind.EVENT}", kinds=WEBHOOKS)  # fmt: skip
def oversized_event(call: Call) -> Steps:
    """The documents limit events, not the paths that they come by."""
    expect.control((yield call.control_request()))
    limit = call.contract.body_size_limit(call.operation)
    subject = f"an event of {limit.format_size(limit.smallest_refused)}"
    return expect.status((yield oversized_request(call)), limit, subject)


@check("webhook.errors.body", "The refusals of a webhook have the documented body and type.",
       fact=ERROR_BODY, kinds=WEBHOOKS)  # fmt: skip
def error_bodies(call: Call) -> Steps:
    """Whoever sets up a webhook has nothing but the answer to find out what is wrong."""
    return (yield from expect_error_bodies(call, (*INVALID_WEBHOOK, TRUNCATED_JSON, ARRAY_BODY, NO_IDENTITY)))


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
