"""Webhooks: events of other systems, with the write key in the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import accepted, spoilt
from conformance.catalogue import OF_FORM, WEBHOOKS, check
from conformance.payloads.spoils import BAD_WEBHOOK, INVALID_JSON, NOT_OBJECT, NOT_UTF8, overriding

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call
    from conformance.payloads.spoils import Spoil


@check("webhook.event.minimal", "The smallest event is accepted by a webhook.", fact="answers.accepted",
       kinds=WEBHOOKS, opens=True)  # fmt: skip
def minimal(call: Call) -> Steps:
    """Other systems post their events with nothing but the key in the address."""
    return (yield from accepted([("the smallest event", call.minimal())]))


@check("webhook.event.full", "An event with every documented field is accepted by a webhook.",
       fact="answers.accepted", kinds=WEBHOOKS)  # fmt: skip
def full(call: Call) -> Steps:
    """A webhook takes the same payload as the single calls."""
    return (yield from accepted([("a full event", call.full())]))


@check(
    "webhook.{slug}", "{words} is answered as documented.", kinds=WEBHOOKS, fact=OF_FORM, forms=BAD_WEBHOOK
)
def bad(call: Call, spoil: Spoil) -> Steps:
    """The key in the query is all that tells one source from another."""
    return (yield from spoilt(call, spoil))


@check("webhook.key.overriding", "The key in a webhook's query takes the place of the one in its body.",
       fact="credentials.query", needs="credentials.body", kinds=WEBHOOKS)  # fmt: skip
def overriding_key(call: Call) -> Steps:
    """Other systems relay payloads that carry keys of their own; the address decides whose source it is."""
    draft = overriding(call)
    return (
        yield from accepted([("a webhook with the right key in its query and a wrong one inside", draft)])
    )


@check("webhook.status.bad", "No bad webhook is answered as the server's own failure.",
       fact="rules.no-server-error", kinds=WEBHOOKS)  # fmt: skip
def status(call: Call) -> Steps:
    """A 5xx makes the other system send the same thing again and again."""
    expect.control((yield call.control()))
    for spoil in (*BAD_WEBHOOK, *INVALID_JSON, *NOT_OBJECT, *NOT_UTF8):
        expect.no_server_error((yield spoil.make(call).unanswered()), spoil.words)
    return None
