"""The Content-Type of requests: parameters are allowed; the answers to other types are reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import accepted_or_refused, expect_all_accepted, expect_no_server_errors
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import NO_SERVER_ERROR
from conformance.core.model import Level, Parameter
from conformance.requests.path_shares import share_of_path

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps

JSON_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
)


@check("content-type.json.charset", "The type application/json is accepted with and without a charset.",
       fact="rules.content-type-charset")  # fmt: skip
def charset(call: Call) -> Steps:
    """Most HTTP clients add the parameter by themselves."""
    drafts = [
        (f"the Content-Type {content_type}", call.acceptable_request().with_content_type(content_type))
        for content_type in JSON_TYPES
    ]
    expect.control((yield call.control_request()))
    return (yield from expect_all_accepted(call, drafts))


@dataclass(frozen=True, slots=True)
class OtherContentType(Parameter):
    """A Content-Type other than that of JSON; None for a request without one."""

    value: str | None


OTHER_CONTENT_TYPES = (
    OtherContentType("text-plain", "as text/plain (as official browser SDKs do)", "text/plain"),
    OtherContentType("form", "as application/x-www-form-urlencoded (as an official Node SDK does)",
                     "application/x-www-form-urlencoded"),
    OtherContentType("xml", "as application/xml", "application/xml"),
    OtherContentType("missing", "without a Content-Type", None),
)  # fmt: skip


@check("content-type.other.{slug}", "The answer to JSON sent {description} is reported.",
       fact="rules.content-type-other", max_level=Level.MAY, observes=True,
       parameters=OTHER_CONTENT_TYPES)  # fmt: skip
def other_content_type(call: Call, content_type: OtherContentType) -> Steps:
    """Official SDKs do it, and no document states the answer; any answer is fine."""
    expect.control((yield call.control_request()))
    exchange = yield call.acceptable_request().with_content_type(content_type.value)
    return f"{accepted_or_refused(exchange)}: {exchange.summary}"


@check("content-type.other.status", "JSON sent as another type causes no server error.", fact=NO_SERVER_ERROR)
def other_content_types(call: Call) -> Steps:
    """After a 5xx, or no answer at all, browsers and SDKs that send such a type send the same event again and again."""
    drafts = [
        (f"an event {item.description}", call.acceptable_request().with_content_type(item.value))
        for item in share_of_path(call, OTHER_CONTENT_TYPES)
    ]
    return (yield from expect_no_server_errors(call, drafts))
