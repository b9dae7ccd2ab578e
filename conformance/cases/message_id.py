"""The messageId: its length, and that a repeated one is no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import describe_outcomes, expect_accepted, expect_all_accepted
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, UNDOCUMENTED, FirstPer
from conformance.core.model import Level
from conformance.requests.fields import require_pointer

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps

OBSERVED_LENGTHS = (100, 255, 1_024, 8_192)


def _message_id_pointer(call: Call) -> str:
    return require_pointer(call.contract.profile.pointers.message_id, "a message id")


def _message_id_of_length(call: Call, length: int) -> str:
    """A message id of this length, the same for all events of a type."""
    return f"conformance-{call.operation.event_type}-".ljust(length, "m")[:length]


@check("payload.message-id.longest", "A message id as long as documented is accepted.", fact="message_id")
def max_length(call: Call) -> Steps:
    """SDKs build ids from times and UUIDs, and some come near the limit."""
    length = call.contract.max_message_id_length
    draft = call.acceptable_request().with_field(_message_id_pointer(call), _message_id_of_length(call, length))
    return (yield from expect_accepted(call, f"a message id of {length} characters", draft))


@check(
    "payload.message-id.longer",
    "The answers to message ids longer than documented are reported.",
    fact=UNDOCUMENTED,
    kinds=EVENTS,
    max_level=Level.MAY,
    observes=True,
    first_per=FirstPer.RUN,
)
def over_max_length(call: Call) -> Steps:
    """No document states the answer; some servers truncate the id, some refuse it, some fail to store it."""
    pointer = _message_id_pointer(call)
    expect.control((yield call.control_request()))
    return (
        yield from describe_outcomes(
            (
                f"{length:,} characters",
                call.acceptable_request().with_field(pointer, _message_id_of_length(call, length)),
            )
            for length in OBSERVED_LENGTHS
        )
    )


@check("payload.message-id.repeated", "An event with a repeated message id is accepted.",
       fact="rules.repeated-message-id")  # fmt: skip
def repeated_id(call: Call) -> Steps:
    """A client that got no answer sends the event again; the id lets the server drop the repeat, not refuse it."""
    draft = call.acceptable_request().with_field(
        _message_id_pointer(call), f"conformance-repeated-{call.operation.event_type}"
    )
    expect.control((yield draft), "an event with a message id")
    repeats = [("the same event again", draft), ("the same event a third time", draft)]
    return (yield from expect_all_accepted(call, repeats))


@check(
    "payload.message-id.number",
    "The answer to a message id that is a number is reported.",
    fact=UNDOCUMENTED,
    kinds=EVENTS,
    max_level=Level.MAY,
    observes=True,
    first_per=FirstPer.RUN,
)
def numeric_id(call: Call) -> Steps:
    """Some clients use numbers as ids; the documents expect strings."""
    expect.control((yield call.control_request()))
    draft = call.acceptable_request().with_field(_message_id_pointer(call), 1_234_567)
    return (yield from describe_outcomes([("a number as message id", draft)]))
