"""The messageId: how long it may be, and that a repeated one is no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import describe_outcomes, expect_all_accepted
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS
from conformance.core.errors import NotApplicable
from conformance.core.model import Level

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps

OBSERVED_LENGTHS = (100, 255, 1_024, 8_192)


def _get_message_id_pointer(call: Call) -> str:
    message_id_pointer = call.contract.profile.pointers.message_id
    if message_id_pointer is None:
        raise NotApplicable("the profile does not say where a message id goes")
    return message_id_pointer


def _message_id_of_length(call: Call, length: int) -> str:
    """A message id of so many characters, its own in every run."""
    return f"conformance-{call.operation.event_type}-".ljust(length, "m")[:length]


@check("payload.message-id.longest", "A message id as long as documented is accepted.", fact="message_id")
def max_length(call: Call) -> Steps:
    """SDKs build ids from times and UUIDs, and some come near the limit."""
    length = call.contract.max_message_id_length
    draft = call.acceptable_request().with_field(_get_message_id_pointer(call), _message_id_of_length(call, length))
    return (yield from expect_all_accepted([(f"a message id of {length} characters", draft)]))


@check(
    "payload.message-id.longer",
    "What happens to message ids longer than documented is reported.",
    fact="rules.undocumented",
    kinds=EVENTS,
    max_level=Level.MAY,
    observes=True,
    first_operation_only=True,
)
def over_max_length(call: Call) -> Steps:
    """No document names an answer; some servers cut, some refuse, some use it as a key of a table."""
    message_id_pointer = _get_message_id_pointer(call)
    expect.control((yield call.control_request()))
    lengths = ((f"{length:,} characters", _message_id_of_length(call, length)) for length in OBSERVED_LENGTHS)
    return (
        yield from describe_outcomes(
            (description, call.acceptable_request().with_field(message_id_pointer, value))
            for description, value in lengths
        )
    )


@check("payload.message-id.repeated", "An event with a message id that came before is accepted.",
       fact="rules.repeated-message-id")  # fmt: skip
def repeated_id(call: Call) -> Steps:
    """A client that got no answer sends again; the id is there to drop the repeat, not to refuse it."""
    draft = call.acceptable_request().with_field(
        _get_message_id_pointer(call), f"conformance-repeated-{call.operation.event_type}"
    )
    expect.control((yield draft), "an event with a message id")
    repeats = [("the same event again", draft), ("the same event a third time", draft)]
    return (yield from expect_all_accepted(repeats))


@check(
    "payload.message-id.number",
    "What happens to a message id that is a number is reported.",
    fact="rules.undocumented",
    kinds=EVENTS,
    max_level=Level.MAY,
    observes=True,
    first_operation_only=True,
)
def numeric_id(call: Call) -> Steps:
    """Clients with numbers for ids exist; the documents speak of texts."""
    expect.control((yield call.control_request()))
    return (
        yield from describe_outcomes(
            [("a number as message id", call.acceptable_request().with_field(_get_message_id_pointer(call), 1_234_567))]
        )
    )
