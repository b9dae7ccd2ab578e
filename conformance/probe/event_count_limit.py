"""Searches for the limit of the number of events in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import Level
from conformance.probe.answer_facts import is_statable
from conformance.probe.dialects import probe_source
from conformance.probe.limit_drafts import MAX_TRIED_EVENTS, first_event_size
from conformance.probe.limit_search import COMMON_EVENT_COUNTS, run_search, search_limit
from conformance.profile.facts import MAX_EVENTS_FACT, MaxEvents

if TYPE_CHECKING:
    from conformance.contract import Operation
    from conformance.probe.client import ProbeClient

_BUDGET_SHARE = 0.2
_MIN_ADDED_BYTES = 64


async def find_event_count_limit(client: ProbeClient, operation: Operation) -> None:
    """Searches for the limit with the smallest events, and adds its fact."""
    draft_profile = client.draft_profile
    trace = await run_search(
        client,
        search_limit(1, COMMON_EVENT_COUNTS, MAX_TRIED_EVENTS),
        client.make_call(operation).batch_beyond_limit,
        1,
        _BUDGET_SHARE,
    )
    refusal, count, refused_count = trace.refusal, trace.bounds.accepted, trace.bounds.refused
    if refusal is None or refused_count is None:
        evidence = f"{trace.request_count} requests"
        draft_profile.add_fact_row(MAX_EVENTS_FACT, f"none up to {count:,} events", evidence)
        return
    if not await _is_refused_for_count(client, operation, count, refused_count):
        evidence = "the size of the batch is refused, not the number"
        draft_profile.add_fact_row(MAX_EVENTS_FACT, f"none up to {count:,} events", evidence)
        return
    smallest_refused = f"{refused_count:,}: {refusal.summary}"
    evidence = f"{trace.request_count} requests; {smallest_refused}"
    if not trace.bounds.is_exact or not is_statable(refusal):
        draft_profile.add_fact_row(MAX_EVENTS_FACT, f"{count:,} events, not stated", evidence)
        draft_profile.add_remark(f"{MAX_EVENTS_FACT}: {count:,} are taken; {smallest_refused}: not stated")
        return
    says = f"{count:,} events were taken, {refused_count:,} were answered {refusal.status}"
    draft_profile.facts[MAX_EVENTS_FACT] = MaxEvents(
        name=MAX_EVENTS_FACT, level=Level.MUST, sources=(probe_source(str(operation), says),),
        expect=(refusal.status,), count=count,
    )  # fmt: skip
    draft_profile.add_fact_row(MAX_EVENTS_FACT, f"{count:,} events", evidence)


async def _is_refused_for_count(client: ProbeClient, operation: Operation, count: int, refused_count: int) -> bool:
    """Whether the number is refused, and not the bytes: as many bytes in fewer events are accepted."""
    call = client.make_call(operation)
    size, draft = len(call.batch_beyond_limit(refused_count).build_request().body), call.batch_beyond_limit(count)
    missing_bytes = size - len(draft.build_request().body)
    return await client.is_accepted(
        draft.with_event_size(first_event_size(draft) + max(missing_bytes, _MIN_ADDED_BYTES))
    )
