"""The messageId: how long it may be, and that a repeated one is no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import accepted, reports
from conformance.catalogue import EVENTS, check
from conformance.errors import Silent
from conformance.model import Level

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call

LENGTHS = (100, 255, 1_024, 8_192)


def _where(call: Call) -> str:
    where = call.contract.profile.pointers.message_id
    if where is None:
        raise Silent("the profile does not say where a message id goes")
    return where


def _padded(call: Call, length: int) -> str:
    """A message id of so many characters, its own in every run."""
    return f"conformance-{call.operation.type}-".ljust(length, "m")[:length]


@check("payload.message-id.longest", "A message id as long as documented is accepted.", fact="message_id")
def longest(call: Call) -> Steps:
    """SDKs build ids from times and UUIDs, and some come near the limit."""
    length = call.contract.message_id_length
    draft = call.event().put(_where(call), _padded(call, length))
    return (yield from accepted([(f"a message id of {length} characters", draft)]))


@check("payload.message-id.longer", "What happens to message ids longer than documented is reported.",
       fact="rules.undocumented", kinds=EVENTS, cap=Level.MAY, observes=True, once=True)  # fmt: skip
def longer(call: Call) -> Steps:
    """No document names an answer; some servers cut, some refuse, some use it as a key of a table."""
    where = _where(call)
    expect.control((yield call.control()))
    lengths = ((f"{length:,} characters", _padded(call, length)) for length in LENGTHS)
    return (yield from reports((words, call.event().put(where, value)) for words, value in lengths))


@check("payload.message-id.repeated", "An event with a message id that came before is accepted.",
       fact="rules.repeated-message-id")  # fmt: skip
def repeated(call: Call) -> Steps:
    """A client that got no answer sends again; the id is there to drop the repeat, not to refuse it."""
    draft = call.event().put(_where(call), f"conformance-repeated-{call.operation.type}")
    expect.control((yield draft), "an event with a message id")
    again = [("the same event again", draft), ("the same event a third time", draft)]
    return (yield from accepted(again))


@check("payload.message-id.number", "What happens to a message id that is a number is reported.",
       fact="rules.undocumented", kinds=EVENTS, cap=Level.MAY, observes=True, once=True)  # fmt: skip
def number(call: Call) -> Steps:
    """Clients with numbers for ids exist; the documents speak of texts."""
    expect.control((yield call.control()))
    return (yield from reports([("a number as message id", call.event().put(_where(call), 1_234_567))]))
