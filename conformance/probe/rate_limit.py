"""Rate limits: the answers to a burst, and the headers of a 429."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import Level
from conformance.core.statuses import TOO_MANY_REQUESTS
from conformance.probe.dialects import probe_source
from conformance.probe.summary import Section
from conformance.profile.facts import Condition, ExpectedResponse, Fact
from conformance.requests import ConcurrentRequests
from conformance.requests.rate_limits import FIRST_429

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.probe.draft_profile import DraftProfile

_MAX_BURST = 200
_SPARE_REQUESTS = 5
_RETRY_HEADERS = ("Retry-After", "X-RateLimit-Reset")
RATE_HEADER_FACT_PREFIX = "rate.headers."


async def probe_burst(client: ProbeClient) -> None:
    """Sends a burst to the first operation, as large as the budget allows."""
    draft_profile = client.draft_profile
    operation = draft_profile.first_of_each_kind()[0]
    count = min(_MAX_BURST, client.requests_left - _SPARE_REQUESTS)
    call = client.make_call(operation)
    drafts = tuple(
        call.acceptable_request().taking_429().allowing_no_answer(may_time_out=True) for _ in range(max(0, count))
    )
    exchanges = await client.sender.send_concurrently(ConcurrentRequests(drafts=drafts))
    refused = [item for item in exchanges if not client.accepts(item)]
    rate_limited = next((item for item in refused if item.status == TOO_MANY_REQUESTS), None)
    if rate_limited is not None:
        client.sender.shared_exchanges.setdefault(FIRST_429, rate_limited)
    accepted_count = len(exchanges) - len(refused)
    outcome_text = f"{accepted_count} accepted, {len(refused)} refused" if refused else "all accepted"
    evidence = f"on {operation}; {refused[0].summary}" if refused else f"on {operation}"
    draft_profile.add_row(Section.BURST, "burst", f"{len(exchanges)} requests at once: {outcome_text}", evidence)


def add_rate_limit_facts(draft_profile: DraftProfile, rate_limited: Exchange | None) -> None:
    """Adds the facts of a 429, if one was received at any time."""
    if rate_limited is None or rate_limited.response is None:
        return
    request_line = f"{rate_limited.request.method} {rate_limited.request.path}"
    source = probe_source(request_line, f"too many requests: {rate_limited.status}")
    name = f"answers.{Condition.RATE_EXCEEDED}"
    draft_profile.facts[name] = ExpectedResponse(
        name=name, level=Level.MUST, sources=(source,), expect=(rate_limited.status,)
    )
    headers = [word for word in _RETRY_HEADERS if (rate_limited.response.header(word) or "").strip().isdigit()]
    for word in headers:
        fact_name = f"{RATE_HEADER_FACT_PREFIX}{word}"
        draft_profile.facts[fact_name] = Fact(name=fact_name, level=Level.MUST, sources=(source,))
    draft_profile.add_fact_row(
        name, f"{rate_limited.status}{''.join(f', {word}' for word in headers)}", rate_limited.summary
    )
