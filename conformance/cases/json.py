"""What is not JSON, or not an object, is answered as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import spoilt
from conformance.catalogue import BODIED, OF_FORM, check
from conformance.errors import Silent
from conformance.payloads.spoils import INVALID_JSON, NOT_OBJECT, NOT_UTF8
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call
    from conformance.payloads.spoils import Spoil


@check(
    "json.syntax.{slug}",
    "{words} is refused as invalid JSON.",
    fact=OF_FORM,
    kinds=BODIED,
    forms=INVALID_JSON,
)
def syntax(call: Call, spoil: Spoil) -> Steps:
    """An answer of success to what can't be read is an event lost in silence (RFC 8259)."""
    return (yield from spoilt(call, spoil))


@check(
    "json.top-level.{slug}",
    "{words} is answered as documented.",
    fact=OF_FORM,
    kinds=BODIED,
    forms=NOT_OBJECT,
)
def top_level(call: Call, spoil: Spoil) -> Steps:
    """It is valid JSON, but no event and no batch."""
    return (yield from spoilt(call, spoil))


@check("json.encoding.{slug}", "{words} is refused.", fact=OF_FORM, kinds=BODIED, forms=NOT_UTF8)
def encoding(call: Call, spoil: Spoil) -> Steps:
    """Bytes that are not UTF-8 are not JSON; replacing them stores something that nobody sent."""
    return (yield from spoilt(call, spoil))


@check("json.example.invalid", "The documents' own invalid example is refused.", fact="answers.json-invalid")
def invalid_example(call: Call) -> Steps:
    """The documents print payloads that are not JSON; a server that takes them reads something else."""
    found = call.type.invalid_example
    if found is None or call.is_batch:
        raise Silent("the documents have no invalid example of this call")
    expect.control((yield call.control()))
    exchange = yield call.event().verbatim(found.text.encode())
    return expect.status(
        exchange, call.contract.answer(Condition.JSON_INVALID), "the documents' invalid example"
    )
