"""Authentication: no key, a wrong key, and a malformed key, on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import accepted_or_refused, describe_outcomes, expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, NO_SERVER_ERROR, UNDOCUMENTED, FirstPer
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.requests.credentials import authorization, encode_base64
from conformance.requests.invalid_credentials import INVALID_AUTHORIZATION, WRONG_BEARER, WRONG_BODY_KEY, WRONG_KEY

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps


@check(
    "auth.{slug}",
    "{description} is answered as documented.",
    fact=FACT_OF_PARAMETER,
    parameters=(*INVALID_AUTHORIZATION, *WRONG_KEY),
)
def wrong_credentials(call: Call, invalid_case: InvalidCase) -> Steps:
    """A path that does not check the key accepts events from anybody."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check(
    "auth.{slug}",
    "{description} is answered as documented.",
    fact=FACT_OF_PARAMETER,
    needs="credentials.body",
    parameters=WRONG_BODY_KEY,
)
def wrong_body_key(call: Call, invalid_case: InvalidCase) -> Steps:
    """Where the body may carry the key, that key must be checked, too."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check("auth.key.with-password", "A key with a password beside it causes no server error.",
       fact=NO_SERVER_ERROR, needs="credentials.basic", first_per=FirstPer.KIND)  # fmt: skip
def key_with_password(call: Call) -> Steps:
    """The documents ask for an empty password. Some clients insist on one; whether it is taken is reported."""
    expect.control((yield call.control_request()))
    header = f"Basic {encode_base64(f'{call.keys.write_key}:conformance')}"
    exchange = yield call.acceptable_request().with_credentials(authorization(header)).allowing_no_answer()
    expect.no_server_error(exchange, "the right key with a password")
    return f"the right key with a password: {accepted_or_refused(exchange)} with {exchange.status}"


@check(
    "auth.bearer.{slug}",
    "{description} is answered as documented.",
    fact=FACT_OF_PARAMETER,
    needs="credentials.bearer",
    parameters=WRONG_BEARER,
    first_per=FirstPer.KIND,
)
def wrong_bearer(call: Call, invalid_case: InvalidCase) -> Steps:
    """A token stands for a workspace; a server that takes any token takes events from anybody."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check("auth.key.padded", "The answer to a key with white space around it is reported.",
       fact=UNDOCUMENTED, max_level=Level.MAY, observes=True)  # fmt: skip
def padded_key(call: Call) -> Steps:
    """Keys are often pasted with a line break at their end; some servers trim, and no document decides."""
    if any(value.endswith(call.keys.write_key) for _, value in call.credentials().headers):
        raise NotApplicable("the key is the end of a header's value, and HTTP ignores white space around a value")
    expect.control((yield call.control_request()))
    padded_keys = (
        ("with a line break after it", f"{call.keys.write_key}\n"),
        ("between spaces", f" {call.keys.write_key} "),
    )
    drafts = [
        (f"the key {description}", call.acceptable_request().with_credentials(call.credentials(key=key)))
        for description, key in padded_keys
    ]
    return (yield from describe_outcomes(drafts))
