"""The Content-Type of requests: parameters are fine, other types are reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import expect_all_accepted
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.core.model import Level

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps


@check(
    "content-type.json.charset",
    "The type application/json is accepted with and without a charset.",
    fact="rules.content-type-charset",
)
def charset(call: Call) -> Steps:
    """Most HTTP clients add the parameter by themselves."""
    content_types = (
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
    )
    drafts = [
        (f"the Content-Type {content_type}", call.acceptable_request().with_content_type(content_type))
        for content_type in content_types
    ]
    expect.control((yield call.control_request()))
    return (yield from expect_all_accepted(drafts))


@dataclass(frozen=True, slots=True)
class OtherContentType:
    """A Content-Type that is not JSON's."""

    slug: str
    description: str
    value: str | None


OTHER_CONTENT_TYPES = (
    OtherContentType("text-plain", "text/plain, as official browser SDKs send it", "text/plain"),
    OtherContentType(
        "form",
        "application/x-www-form-urlencoded, as an official Node SDK sends it",
        "application/x-www-form-urlencoded",
    ),
    OtherContentType("xml", "application/xml", "application/xml"),
    OtherContentType("missing", "no Content-Type at all", None),
)


@check(
    "content-type.other.{slug}",
    "What happens to JSON under {description} is reported.",
    fact="rules.content-type-other",
    max_level=Level.MAY,
    observes=True,
    parameters=OTHER_CONTENT_TYPES,
)
def other_content_type(call: Call, content_type: OtherContentType) -> Steps:
    """No document gives an answer for it, and official SDKs do it; either answer is fine."""
    expect.control((yield call.control_request()))
    exchange = yield call.acceptable_request().with_content_type(content_type.value)
    return f"{'accepted' if expect.is_accepted(exchange) else 'refused'}: {exchange.summary}"
