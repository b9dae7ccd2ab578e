"""What the answers to acceptable requests make official SDKs do: neither send again what was taken, nor drop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases.sdk import SDK_PARAMETERS, from_page
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER
from conformance.core.errors import Deviation
from conformance.requests.cors import ORIGIN
from conformance.sdks import Reaction, browser
from conformance.sdks.outcomes import describe_answer
from conformance.sdks.plans import Plan, describe_plan

if TYPE_CHECKING:
    from conformance.cases.sdk import SdkParameter
    from conformance.core.model import Exchange
    from conformance.requests import Call
    from conformance.requests.steps import Steps


@check(
    "sdk.{slug}.reaction",
    "The answers to acceptable requests make {description} count them as delivered.",
    fact=FACT_OF_PARAMETER,
    parameters=SDK_PARAMETERS,
)
def reaction(call: Call, sdk_parameter: SdkParameter) -> Steps:
    """An SDK that can't read a success sends the events again, or drops them; one that reads a redirect loses them."""
    sdk = sdk_parameter.sdk
    for sdk_request in sdk_parameter.requests(call):
        draft = sdk_request.documented_only().to_draft()
        exchange = yield from_page(draft) if sdk.is_browser else draft
        is_blocked = sdk.is_browser and bool(browser.find_answer_problem(exchange, ORIGIN))
        plan = Plan.for_exchange(sdk, exchange, is_blocked=is_blocked)
        if plan.reaction is not Reaction.DELIVER and not _is_taken_anyway(plan, exchange):
            words = describe_plan({"does": plan.reaction.value, **plan.as_json()})
            raise Deviation(
                f"the answer to an acceptable request must make {sdk_parameter.description} count it as delivered",
                f"is {describe_answer(exchange)}: it {words}",
                exchange=exchange,
                expected="an answer that the SDK takes for a success",
                received=f"{exchange.summary}; it {words}",
            )
    return None


def _is_taken_anyway(plan: Plan, exchange: Exchange) -> bool:
    """Whether the SDK rightly counts as delivered what was accepted, without reading which events were not."""
    return plan.reaction is Reaction.DELIVER_ANYWAY and expect.is_accepted(exchange)
