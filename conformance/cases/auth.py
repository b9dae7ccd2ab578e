"""Authentication: no key, a wrong key, and a malformed key, on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._refusals import lone_exchange, refusal_of
from conformance.cases._steps import (
    accepted_or_refused,
    describe_outcomes,
    expect_documented_refusal,
    expect_no_server_errors,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, NO_SERVER_ERROR, UNDOCUMENTED, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level
from conformance.core.statuses import UNAUTHORIZED
from conformance.profile.facts import Condition, Rule
from conformance.requests.auth_schemes import AUTH_HEADERS, UNSIGNED_TOKEN
from conformance.requests.credentials import UNKNOWN_KEY, authorization, encode_base64
from conformance.requests.invalid_credentials import (
    DISABLED_KEY,
    INVALID_AUTHORIZATION,
    MISSING_CREDENTIALS,
    OTHER_PATHS_KEY,
    UNKNOWN_KEY_CASE,
    WRONG_BEARER,
    WRONG_BODY_KEY,
    WRONG_KEY,
)
from conformance.requests.path_shares import share_of_path

if TYPE_CHECKING:
    from conformance.core.model import Exchange
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
    parameters=(DISABLED_KEY,),
    first_per=FirstPer.KIND,
)
def disabled_key(call: Call, invalid_case: InvalidCase) -> Steps:
    """Whoever switches a source off wants no more events from it, and wants to see why they are refused."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check(
    "auth.{slug}",
    "{description} is answered as documented.",
    fact=FACT_OF_PARAMETER,
    needs_somewhere="credentials.source-id",
    parameters=(OTHER_PATHS_KEY,),
)
def key_of_other_paths(call: Call, invalid_case: InvalidCase) -> Steps:
    """Ids are in URLs and logs, and write keys in every browser: neither may open what the other one opens."""
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


@check("auth.schemes.unknown-key", "An unknown key is refused under every scheme.",
       fact=f"answers.{Condition.CREDENTIALS_UNKNOWN}")  # fmt: skip
def unknown_key_under_schemes(call: Call) -> Steps:
    """A stack of libraries knows schemes that no document has, and one of them may let anybody in."""
    expect.control((yield call.control_request()))
    answer = yield from refusal_of(call, UNKNOWN_KEY_CASE, MISSING_CREDENTIALS, *INVALID_AUTHORIZATION[-1:])
    for header in (AUTH_HEADERS[0], UNSIGNED_TOKEN, *share_of_path(call, AUTH_HEADERS[1:])):
        exchange = yield header.make_draft(call, UNKNOWN_KEY).allowing_no_answer()
        if not expect.is_refused(exchange):  # which refusal it is depends on what a scheme is to the target
            expect.status(exchange, answer, f"an unknown key under {header.description}")
    return None


@check("auth.schemes.right-key", "The right key under a scheme that is not documented causes no server error.",
       fact=NO_SERVER_ERROR, first_per=FirstPer.KIND)  # fmt: skip
def right_key_under_schemes(call: Call) -> Steps:
    """Clients of other vendors write it so, and after a 5xx they send the same event again and again."""
    drafts = [
        (f"the right key under {item.description}", item.make_draft(call, call.keys.write_key)) for item in AUTH_HEADERS
    ]
    return (yield from expect_no_server_errors(call, drafts))


@check("auth.challenge.present", "An answer of 401 says which credentials are accepted.",
       fact=f"rules.{Rule.CHALLENGE}")  # fmt: skip
def challenge(call: Call) -> Steps:
    """By HTTP, a client learns from it how to authenticate; some libraries fail on a 401 without it."""
    expect.control((yield call.control_request()))
    is_any_asked = False
    for case in (MISSING_CREDENTIALS, UNKNOWN_KEY_CASE):
        exchange = yield from lone_exchange(call, case)
        is_any_asked |= _expect_challenge(exchange, case.description)
    if not is_any_asked:
        raise NotApplicable("the target does not answer 401 to wrong credentials")
    return None


def _expect_challenge(exchange: Exchange, subject: str) -> bool:
    """Whether an answer is a 401. Raises Deviation if it is one that says not how to authenticate."""
    response = exchange.response
    if response is None or response.status != UNAUTHORIZED:
        return False
    if not (response.header("www-authenticate") or "").strip():
        raise Deviation(
            f"the 401 to {subject} must have a WWW-Authenticate header",
            "has none",
            exchange=exchange,
            expected="a WWW-Authenticate header with a scheme",
            received="401 without one",
        )
    return True
