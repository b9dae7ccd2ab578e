"""The Content-Type of requests: parameters are fine, other types are reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import accepted
from conformance.catalogue import check
from conformance.model import Level

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call


@check(
    "content-type.json.charset",
    "The type application/json is accepted with and without a charset.",
    fact="rules.content-type-charset",
)
def charset(call: Call) -> Steps:
    """Most HTTP clients add the parameter by themselves."""
    kinds = (
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
    )
    drafts = [(f"the Content-Type {kind}", call.event().typed(kind)) for kind in kinds]
    expect.control((yield call.control()))
    return (yield from accepted(drafts))


@dataclass(frozen=True, slots=True)
class Other:
    """A Content-Type that is not JSON's."""

    slug: str
    words: str
    value: str | None


OTHERS = (
    Other("text-plain", "text/plain, as official browser SDKs send it", "text/plain"),
    Other(
        "form",
        "application/x-www-form-urlencoded, as an official Node SDK sends it",
        "application/x-www-form-urlencoded",
    ),
    Other("xml", "application/xml", "application/xml"),
    Other("missing", "no Content-Type at all", None),
)


@check(
    "content-type.other.{slug}",
    "What happens to JSON under {words} is reported.",
    fact="rules.content-type-other",
    cap=Level.MAY,
    observes=True,
    forms=OTHERS,
)
def other(call: Call, form: Other) -> Steps:
    """No document gives an answer for it, and official SDKs do it; either answer is fine."""
    expect.control((yield call.control()))
    exchange = yield call.event().typed(form.value)
    return f"{'accepted' if expect.is_accepted(exchange) else 'refused'}: {exchange.outline}"
