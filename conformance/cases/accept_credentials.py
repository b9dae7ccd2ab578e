"""Every documented way to send the write key is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import expect_accepted, expect_documented_success
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, Tier
from conformance.core.model import Level, Parameter
from conformance.profile.facts import AuthScheme
from conformance.requests.credentials import authorization

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps


@dataclass(frozen=True, slots=True)
class KeyPlacement(Parameter):
    """A documented place for the write key."""

    scheme: AuthScheme

    @property
    def fact(self) -> str:
        """The fact that promises it."""
        return f"credentials.{self.scheme}"


KEY_PLACEMENTS = (
    KeyPlacement("basic", "the user name of HTTP Basic", AuthScheme.BASIC),
    KeyPlacement("without-colon", "the user name of HTTP Basic without a colon", AuthScheme.BASIC_WITHOUT_COLON),
    KeyPlacement("body", "the body alone", AuthScheme.BODY),
    KeyPlacement("header", "a header of its own", AuthScheme.HEADER),
    KeyPlacement("source-id", "the user name of HTTP Basic, as the id of a source,", AuthScheme.SOURCE_ID),
    KeyPlacement("bearer", "the body beside a bearer token", AuthScheme.BEARER),
)


@check("accept.credentials.{slug}", "A key in {description} is accepted.",
       fact=FACT_OF_PARAMETER, parameters=KEY_PLACEMENTS, tier=Tier.GENTLE)  # fmt: skip
def credentials(call: Call, placement: KeyPlacement) -> Steps:
    """A documented way to send the write key works on every path."""
    draft = call.acceptable_request().with_credentials(call.credentials(placement.scheme))
    fact = call.contract.fact(placement.fact)
    return (yield from expect_documented_success(call, f"the right key in {placement.description}", draft, fact))


@check("accept.credentials.example", "The documented example is accepted with no other key than its own.",
       fact="credentials.body", max_level=Level.SHOULD, tier=Tier.GENTLE)  # fmt: skip
def example_credentials(call: Call) -> Steps:
    """Some documents show the key inside every event of a batch, others beside the list."""
    draft = call.example_with_own_key()
    expect.control((yield call.example_request()), "the documented example with the usual credentials")
    return (yield from expect_accepted(call, "the documented example with its own key alone", draft))


@check("accept.credentials.scheme-case", "The scheme Basic is accepted in upper and lower case.",
       fact="rules.scheme-case", needs="credentials.basic", tier=Tier.GENTLE)  # fmt: skip
def scheme_case(call: Call) -> Steps:
    """The name of a scheme is case-insensitive, and some clients write it in lower case."""
    right = call.credentials(AuthScheme.BASIC)
    expect.control((yield call.acceptable_request().with_credentials(right)))
    ((_, value),) = right.headers
    draft = call.acceptable_request().with_credentials(authorization(value.replace("Basic", "basic")))
    return (yield from expect_accepted(call, "the right key under the scheme basic", draft))
