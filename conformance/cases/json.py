"""JSON syntax: bodies that are not JSON, not an object, or not UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, WITH_BODY
from conformance.core.errors import NotApplicable
from conformance.profile.facts import Condition
from conformance.requests.invalid_cases import INVALID_JSON, NOT_OBJECT, NOT_UTF8

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps


@check(
    "json.syntax.{slug}",
    "{description} is refused as invalid JSON.",
    fact=FACT_OF_PARAMETER,
    kinds=WITH_BODY,
    parameters=INVALID_JSON,
)
def invalid_syntax(call: Call, invalid_case: InvalidCase) -> Steps:
    """A server that answers unreadable JSON (RFC 8259) with a success loses the event silently."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check(
    "json.top-level.{slug}",
    "{description} is answered as documented.",
    fact=FACT_OF_PARAMETER,
    kinds=WITH_BODY,
    parameters=NOT_OBJECT,
)
def not_an_object(call: Call, invalid_case: InvalidCase) -> Steps:
    """It is valid JSON, but neither an event nor a batch."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check("json.encoding.{slug}", "{description} is refused.",
       fact=FACT_OF_PARAMETER, kinds=WITH_BODY, parameters=[NOT_UTF8])  # fmt: skip
def not_utf8(call: Call, invalid_case: InvalidCase) -> Steps:
    """Bytes that are not UTF-8 are not JSON; a server that replaces them stores text that no client sent."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check(
    "json.example.invalid",
    "The documented example that is not valid JSON is refused.",
    fact=f"answers.{Condition.JSON_INVALID}",
)
def invalid_example(call: Call) -> Steps:
    """Some documents show payloads that are not JSON; a server that accepts them guesses their meaning."""
    documented_example = call.event_type.invalid_example
    if documented_example is None or call.is_batch:
        raise NotApplicable("the documents have no invalid example of this operation")
    expect.control((yield call.control_request()))
    exchange = yield call.acceptable_request().with_body_bytes(documented_example.text.encode())
    return expect.status(
        exchange,
        call.contract.expected_response(Condition.JSON_INVALID),
        "the documented example that is not valid JSON",
    )
