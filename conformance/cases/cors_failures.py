"""What a page may read of the answers that ask it to wait, or say that the server failed: where any was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._bursts import BURST_OPTIONS, answer_to_burst
from conformance.cases.cors import expect_readable, require_pages
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.profile.facts import Rule
from conformance.requests.kept_answers import FAILED_PAGE, LIMITED_PAGE
from conformance.sdks import browser

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.core.model import Exchange
    from conformance.requests import Call, Step
    from conformance.requests.steps import Steps

_RETRY_AFTER = "Retry-After"


@check("robustness.cors.failed", "A page may read that the server failed.",
       fact=f"rules.{Rule.CORS}", kinds=EVENTS, first_per=FirstPer.RUN, exclusive=True)  # fmt: skip
def failed(call: Call) -> Steps:
    """An SDK waits longer after a 5xx than without a network; a page that may not read it takes one for the other."""
    yield from require_pages(call)
    exchange = call.shared_exchanges.get(FAILED_PAGE)
    if exchange is None:
        raise NotApplicable("no request of a page was answered 5xx in this run")
    expect_readable(exchange, "a request at which the server failed")
    return f"{exchange.status} may be read"


def _require_limited_page(call: Call) -> Generator[Step, Exchange, Exchange]:
    """The first answer to a page that asks it to wait. Raises NotApplicable if there is none, not even in a burst."""
    yield from require_pages(call)
    if LIMITED_PAGE not in call.shared_exchanges:
        yield from answer_to_burst(call)
    if LIMITED_PAGE not in call.shared_exchanges:
        raise NotApplicable("no request of a page was answered 429, or 503 with Retry-After, in this run")
    return call.shared_exchanges[LIMITED_PAGE]


@check("robustness.cors.limited", "A page may read that it sends too much.",
       fact=f"rules.{Rule.CORS}", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def limited(call: Call) -> Steps:
    """A limiter in front of the server adds no CORS headers; pages take its 429 for a lost connection, and resend."""
    exchange = yield from _require_limited_page(call)
    expect_readable(exchange, "a request over the rate limit")
    return None


@check("robustness.cors.retry-after", "A page may read how long it has to wait.",
       fact=f"rules.{Rule.CORS_EXPOSED}", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def retry_after(call: Call) -> Steps:
    """To scripts, a header that is not exposed is not there: SDKs in pages then come back when they like."""
    exchange = yield from _require_limited_page(call)
    if exchange.response is None or exchange.response.header(_RETRY_AFTER) is None:
        raise NotApplicable(f"the {exchange.status} has no {_RETRY_AFTER}")
    problem = browser.find_hidden_header(exchange, _RETRY_AFTER)
    if problem:
        raise Deviation(
            f"a page must be allowed to read the {_RETRY_AFTER} of a request over the rate limit",
            f"is not: {problem}",
            exchange=exchange,
            expected=f"Access-Control-Expose-Headers: {_RETRY_AFTER}",
            received=f"{exchange.summary}; {problem}",
        )
    return None
