"""Sends requests from a page in a real browser, within the limits of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.errors import NoResponse, NotApplicable, Stopped
from conformance.requests.steps import PageMeans

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.requests.steps import FromPage
    from conformance.run.sender import Sender

_HEAD_BYTES = 1_000
"""About what Chromium sends besides the body of a request."""


async def send_from_page(step: FromPage, sender: Sender) -> Exchange:
    """What the page saw. The request counts twice, for a preflight may come before it.

    Raises NotApplicable if the run has no page, and Stopped or NoResponse if the target is gone.
    """
    page, wire = sender.page, sender.wire
    if page is None:
        raise NotApplicable("this run has no browser; see --browser")
    if sender.outages.gone:
        raise NoResponse(sender.outages.why_gone) if sender.breaker is None else Stopped(sender.outages.why_gone)
    request = step.draft.build_request()
    for size, events in ((_HEAD_BYTES, 0), (_HEAD_BYTES + len(request.body), request.event_count)):
        wire.budget.spend(size, events)
        await wire.throttle.wait()
        wire.sent_count += 1
    if step.means is PageMeans.BEACON:
        return await page.send_beacon(request)
    return await page.fetch(request, keepalive=step.means is PageMeans.KEEPALIVE)
