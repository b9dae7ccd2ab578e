"""Values of ids, times and properties: what the documents allow is accepted, and nothing crashes on the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._forms import expect_same_answers, same_answer
from conformance.cases._steps import expect_no_server_errors
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ACCEPTED, BATCHES, NO_SERVER_ERROR
from conformance.requests import event_values, send_concurrently

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps


@check("values.times.accepted", "Times before 1970 and after 2106 are accepted.", fact=ACCEPTED)
def times(call: Call) -> Steps:
    """Clocks of phones are wrong, and histories are imported."""
    return (yield from expect_same_answers(call, event_values.TIMES))


@check("values.ids.accepted", "Texts of any kind are accepted as user ids.", fact=ACCEPTED)
def ids(call: Call) -> Steps:
    """A user id is a text: mail addresses, names and numbers are used for it."""
    return (yield from expect_same_answers(call, event_values.IDS))


@check("values.properties.accepted", "Properties of any name and JSON type are accepted.", fact=ACCEPTED)
def properties(call: Call) -> Steps:
    """Free-form properties are what an event is about, and their names mean nothing to the server."""
    return (yield from expect_same_answers(call, event_values.PROPERTIES))


@check("values.ids.status", "Ids that are no texts cause no server error on any path.", fact=NO_SERVER_ERROR)
def odd_ids(call: Call) -> Steps:
    """Clients in dynamic languages send numbers, false and null; after a 5xx, SDKs send them again and again."""
    return (yield from expect_no_server_errors(call, event_values.odd_ids(call)))


@check("values.message-id.status", "Message ids that are no texts cause no server error on any path.",
       fact=NO_SERVER_ERROR)  # fmt: skip
def odd_message_ids(call: Call) -> Steps:
    """They are the keys of a store of recent events, which may take nothing but texts."""
    return (yield from expect_no_server_errors(call, event_values.odd_message_ids(call)))


@check("values.properties.status", "Odd numbers, names and times cause no server error on any path.",
       fact=NO_SERVER_ERROR)  # fmt: skip
def odd_properties(call: Call) -> Steps:
    """Each path may have its own parser and storage; after a 5xx, SDKs send the same event again and again."""
    return (yield from expect_no_server_errors(call, event_values.odd_properties(call)))


@check("values.message-id.at-once", "Two events with the same message id at the same time are accepted.",
       fact="rules.repeated-message-id")  # fmt: skip
def same_id_at_once(call: Call) -> Steps:
    """A client that repeats a request may be faster than the store in which the server looks for the first."""
    control = yield call.control_request()
    expect.control(control)
    judge = same_answer(call, control)
    for number in ("one", "two"):
        exchanges = yield from send_concurrently(*event_values.same_message_id(call, number))
        for exchange in exchanges:
            judge(exchange, "the message id of another one at the same time")
    return None


@check("values.message-id.in-batch", "A batch with the same message id twice is accepted.",
       fact="rules.repeated-message-id", kinds=BATCHES)  # fmt: skip
def same_id_in_batch(call: Call) -> Steps:
    """A queue that is filled twice sends an event twice in one batch."""
    control = yield call.control_request()
    expect.control(control)
    exchange = yield event_values.batch_of_one_message_id(call)
    same_answer(call, control)(exchange, "two events of one message id")
    return None
