"""What a page sees in a real browser: only in runs with `--browser`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.cases.cors import browser_sdks, require_origin_let_in
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS_AND_BATCHES, Tier
from conformance.core.errors import Deviation, NotApplicable
from conformance.profile.facts import AuthScheme, Rule
from conformance.requests.rate_limits import asks_to_wait
from conformance.requests.sdk_requests import SdkRequest
from conformance.requests.steps import PageMeans, send_from_page

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft, Step
    from conformance.requests.steps import Steps

_OPTIONS: CheckOptions = {"exclusive": True, "needs_browser": True, "tier": Tier.GENTLE}
_BEACON_TYPE = "text/plain;charset=UTF-8"


def _sdk_requests(call: Call) -> Iterator[tuple[str, SdkRequest]]:
    """What the browser SDKs of the vendor send to this path, with a name for each."""
    for sdk in browser_sdks(call):
        for shape in sdk.requests_to(call.operation.path):
            request = SdkRequest.for_call(call, shape).documented_only()
            if request.events:
                yield f"a request of {sdk.title}", request


def _sdk_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    for subject, request in _sdk_requests(call):
        draft = request.to_draft()
        yield subject, draft
        if request.shape.retry_headers:
            yield f"{subject}, sent again", request.as_retry(draft)


@check("robustness.browser.fetch", "A page in a real browser sees that its events were accepted.",
       fact=f"rules.{Rule.CORS}", kinds=EVENTS_AND_BATCHES, **_OPTIONS)  # fmt: skip
def fetched(call: Call) -> Steps:
    """The browser decides what a page may send and read; to an SDK, whatever else it sees is a lost connection."""
    expect.control((yield call.control_request()))
    drafts = list(_sdk_drafts(call))
    if not drafts:
        yield from require_origin_let_in(call)
        drafts = [("an acceptable request", call.acceptable_request())]
    for subject, draft in drafts:
        for means in (PageMeans.FETCH, PageMeans.KEEPALIVE):
            yield from _expect_seen(draft, f"{subject}, by {means.called}", means)
    return None


@check("robustness.browser.beacon", "A beacon of a page in a real browser is accepted.",
       fact=f"rules.{Rule.CORS}", kinds=EVENTS_AND_BATCHES, **_OPTIONS)  # fmt: skip
def beacon(call: Call) -> Steps:
    """A page that is closed sends the rest of its events with sendBeacon: without headers of its own, as text."""
    expect.control((yield call.control_request()))
    draft = _beacon_draft(call)
    exchange = yield draft.allowing_no_answer()
    if not expect.is_accepted(exchange):
        raise NotApplicable(f"the same request without a browser is not accepted either: {exchange.summary}")
    yield from _expect_seen(_beacon_draft(call), "a request, by sendBeacon", PageMeans.BEACON)
    return None


def _beacon_draft(call: Call) -> Draft:
    """An acceptable request with the key in its body. Raises NotApplicable if no document allows that."""
    if not call.contract.has_fact(f"credentials.{AuthScheme.BODY}"):
        raise NotApplicable("a beacon has no header for the key, and no document lets its body carry it")
    of_sdk = next((request.to_draft() for _, request in _sdk_requests(call)), None)
    draft = of_sdk or call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY))
    return replace(draft, headers=()).with_content_type(_BEACON_TYPE)


def _expect_seen(draft: Draft, subject: str, means: PageMeans) -> Generator[Step, Exchange, None]:
    exchange = yield from send_from_page(draft, means)
    if asks_to_wait(exchange):
        raise NotApplicable(f"the target asks to wait: {exchange.summary}")
    if not expect.is_accepted(exchange):
        raise Deviation(
            f"a page in a browser must see a success for {subject}",
            f"does not: {exchange.summary}",
            exchange=exchange,
            expected="a success that the page may read" if means is not PageMeans.BEACON else "a success",
        )
