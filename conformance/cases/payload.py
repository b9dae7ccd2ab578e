"""What an event must contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import spoilt
from conformance.catalogue import EVENTS, REQUIRED, check
from conformance.payloads.spoils import NO_IDENTITY

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call


@check(
    "payload.identity.missing",
    "An event with neither userId nor anonymousId is answered as documented.",
    fact="answers.identity-missing",
    kinds=EVENTS,
)
def identity_missing(call: Call) -> Steps:
    """An event of nobody can't be attributed to anybody."""
    return (yield from spoilt(call, NO_IDENTITY))


@check(
    "payload.required.missing",
    "An event without a required field is answered as documented.",
    fact=REQUIRED,
    kinds=EVENTS,
)
def required_missing(call: Call) -> Steps:
    """A track without its event, a group without its id: nothing downstream can use them."""
    expect.control((yield call.control()))
    note = None
    for pointer, answer in call.type.required.items():
        exchange = yield call.event().drop(pointer)
        note = expect.status(exchange, answer, f"an event without {pointer}") or note
    return note
