"""Who may send: no key, a wrong key, and a key in the wrong clothes, on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import describe_outcomes, expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.requests.invalid_cases import INVALID_AUTHORIZATION, WRONG_BODY_KEY, WRONG_KEY

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
    """A path that forgets to look at the key takes events from anybody."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check(
    "auth.{slug}",
    "{description} is answered as documented.",
    fact=FACT_OF_PARAMETER,
    needs="credentials.body",
    parameters=WRONG_BODY_KEY,
)
def wrong_body_key(call: Call, invalid_case: InvalidCase) -> Steps:
    """Where the body may carry the key, the key in it is looked at too."""
    return (yield from expect_documented_refusal(call, invalid_case))


@check("auth.key.padded", "Whether white space around the key is ignored is reported.",
       fact="rules.undocumented", max_level=Level.MAY, observes=True)  # fmt: skip
def padded_key(call: Call) -> Steps:
    """Keys are pasted with a line break at their end; some servers trim, and no document decides."""
    if any(value.endswith(call.keys.write_key) for _, value in call.credentials().headers):
        raise NotApplicable("the key is the end of a header's value, and white space around that is no part of it")
    expect.control((yield call.control_request()))
    drafts = [(f"the key {description}", call.acceptable_request().with_credentials(call.credentials(key=key)))
              for description, key in ((r"with a line break after it", f"{call.keys.write_key}\n"),
                                 ("between spaces", f" {call.keys.write_key} "))]  # fmt: skip
    return (yield from describe_outcomes(drafts))
