"""Limits: how large an event, an event in a batch and a batch may be, and how many events it may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from conformance.checks import expect
from conformance.core.model import Level, OperationKind, Source
from conformance.probe.dialects import PROBE_SOURCE
from conformance.probe.limit_search import COMMON_EVENT_COUNTS, COMMON_SIZES, search_limit
from conformance.probe.measurement import describe_limit, first_event_size, with_empty_filler
from conformance.probe.search_trace import SearchTrace, run_search
from conformance.probe.unit_probe import SizePadding, UnitProbe
from conformance.profile.facts import MAX_EVENTS_FACT, LimitKind, MaxEvents, SizeLimit
from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.contract import Operation
    from conformance.probe.client import ProbeClient
    from conformance.probe.limit_search import Bounds
    from conformance.requests import Draft

DraftFactory: TypeAlias = "Callable[[SizePadding], Draft]"

_MAX_EVENTS = 1_000
_BUDGET_SHARES = {LimitKind.EVENT: 0.45, LimitKind.BATCH: 0.6, LimitKind.BATCH_EVENT: 0.8}
"""How much of what is left of the budget of bytes the search for each limit may take."""
_COUNT_BUDGET_SHARE = 0.2
_MIN_ADDED_BYTES = 64
_SIZE_FACTORS = (1.0, 1.03, 1.1, 1.3)
_MIN_FILLER_BYTES = 12
"""How many bytes of filler an event gets at least."""
_SPARE_BODIES = 4
_SMALL_EVENT_BYTES = 400
"""About how many bytes that are, unless an event may have fewer."""


@dataclass(slots=True, kw_only=True)
class LimitProbe:
    """Searches for limits. `marks` are sizes that are documented somewhere, `largest` is tried last."""

    client: ProbeClient
    known_sizes: Iterable[int]
    largest_size: int

    async def run(self) -> None:
        """Finds every limit that there is."""
        draft_profile = self.client.draft_profile
        event = next(iter(draft_profile.operations(OperationKind.EVENT)), None)
        batch = next(iter(draft_profile.operations(OperationKind.BATCH)), None)
        if event is not None:
            await self._find_size_limit(LimitKind.EVENT, event, self._single_event_factory(event), self.largest_size)
        if batch is not None:
            await self._find_event_count_limit(batch)
            batch_trace = await self._find_size_limit(
                LimitKind.BATCH, batch, self._many_small_events_factory(batch), self.largest_size
            )
            largest_event = self._largest_event_that_fits(batch, batch_trace)
            event_trace = await self._find_size_limit(
                LimitKind.BATCH_EVENT, batch, self._one_large_event_factory(batch), largest_event
            )
            self._remove_implied_batch_limit(batch, event_trace, batch_trace)

    def _single_event_factory(self, operation: Operation) -> DraftFactory:
        return lambda filled: filled.pad_body(self.client.make_call(operation).acceptable_request())

    def _one_large_event_factory(self, operation: Operation) -> DraftFactory:
        """A batch in which one event is large, and beside it a small one if there may be."""
        count = min(2, self._max_events())
        return lambda filled: filled.pad_first_event(self.client.make_call(operation).batch_beyond_limit(count))

    def _many_small_events_factory(self, operation: Operation) -> DraftFactory:
        """A batch of many events, so that none of them is large."""

        def make(padding: SizePadding) -> Draft:
            call = self.client.make_call(operation)
            smallest_event_size = first_event_size(with_empty_filler(call.batch_beyond_limit(1))) + _MIN_FILLER_BYTES
            count = max(
                1, min(self._max_events(), padding.size // max(smallest_event_size, self._typical_event_size()))
            )
            return padding.pad_body(call.batch_beyond_limit(count))

        return make

    def _typical_event_size(self) -> int:
        """About how many bytes each event of a batch takes, while the limit of the whole is searched for."""
        limit = self.client.draft_profile.facts.get(f"limits.{LimitKind.EVENT}")
        return min(_SMALL_EVENT_BYTES, limit.at_least // 2) if isinstance(limit, SizeLimit) else _SMALL_EVENT_BYTES

    def _max_events(self) -> int:
        """How many events a batch may have, as far as is known."""
        fact = self.client.draft_profile.facts.get(MAX_EVENTS_FACT)
        return fact.count if isinstance(fact, MaxEvents) else _MAX_EVENTS

    def _largest_event_that_fits(self, operation: Operation, batch_trace: SearchTrace | None) -> int:
        """The largest event that the limit of a whole batch has room for."""
        if batch_trace is None or batch_trace.bounds.refused is None:
            return self.largest_size
        small_batch = self._one_large_event_factory(operation)(SizePadding())
        body_size = len(small_batch.build_request().body)
        return batch_trace.bounds.accepted - (body_size - first_event_size(small_batch))

    async def _find_size_limit(
        self, limit_kind: LimitKind, operation: Operation, make_draft: DraftFactory, largest_size: int
    ) -> SearchTrace | None:
        """Finds a limit of size and what it counts, and states it."""
        draft_profile, name = self.client.draft_profile, f"limits.{limit_kind}"
        empty_draft = with_empty_filler(make_draft(SizePadding()))
        is_event_in_batch = limit_kind is LimitKind.BATCH_EVENT
        smallest_size = (
            first_event_size(empty_draft) if is_event_in_batch else len(empty_draft.build_request().body)
        ) + _MIN_FILLER_BYTES
        if not await self.client.is_accepted(make_draft(SizePadding(size=smallest_size))):
            draft_profile.add_remark(f"{name}: a free-form text of a few bytes is refused, so nothing can be filled up")
            return None
        if is_event_in_batch and largest_size > smallest_size and await self._accepts_largest(make_draft, largest_size):
            draft_profile.add_row(name, f"none of its own up to {largest_size:,} bytes", "1 request")
            return None
        likely_sizes = {*self.known_sizes, *COMMON_SIZES}
        trace = await run_search(
            self.client,
            search_limit(smallest_size, likely_sizes, largest_size),
            lambda size: make_draft(SizePadding(size=size)),
            smallest_size,
            _BUDGET_SHARES[limit_kind],
        )
        if trace.refusal is None:
            budget_note = ", where the budget ends" if trace.is_cut_by_budget else ""
            draft_profile.add_row(
                name, f"none up to {trace.bounds.accepted:,} bytes{budget_note}", f"{trace.request_count} requests"
            )
            return trace
        await self._add_size_limit(limit_kind, operation, make_draft, trace)
        return trace

    async def _accepts_largest(self, make_draft: DraftFactory, largest_size: int) -> bool:
        """Whether an event may take all the room that a batch has."""
        return self.client.bytes_left > largest_size and await self.client.is_accepted(
            make_draft(SizePadding(size=largest_size))
        )

    async def _add_size_limit(
        self, limit_kind: LimitKind, operation: Operation, make_draft: DraftFactory, trace: SearchTrace
    ) -> None:
        """States a limit with what it counts; or says why it can't be stated."""
        draft_profile, accepted_size, refusal = (self.client.draft_profile, trace.bounds.accepted, trace.refusal)
        name, refused_size = f"limits.{limit_kind}", trace.bounds.refused or accepted_size
        outline = refusal.summary if refusal else ""
        evidence = f"{trace.request_count} requests; {refused_size:,}: {outline}"
        requests_before = self.client.requests_sent
        if refusal is None or not 200 <= refusal.status < 500:
            draft_profile.add_row(name, f"{accepted_size:,} bytes, not stated", evidence)
            draft_profile.add_remark(
                f"{name}: {accepted_size:,} bytes are taken; {refused_size:,}: {outline}: no profile states that"
            )
            return
        unit_probe = UnitProbe(
            client=self.client,
            make_draft=make_draft,
            limit=accepted_size,
            is_measured_after_parsing=limit_kind is LimitKind.BATCH_EVENT,
        )
        unit = await unit_probe.find_unit() if trace.bounds.is_exact else SizeUnit.BYTES
        least, most = accepted_size, refused_size - 1
        if unit is None:
            safe_range = await self._find_safe_range(name, operation, unit_probe, trace.bounds)
            if safe_range is None:
                draft_profile.add_row(name, f"{accepted_size:,} bytes of plain letters, not stated", evidence)
                return
            (least, most), unit = safe_range, SizeUnit.BYTES
        limit = SizeLimit(
            name=name,
            level=Level.MUST,
            sources=(
                _probe_source(
                    operation, f"{accepted_size:,} were taken, {refused_size:,} were answered {refusal.status}"
                ),
            ),
            expect=(refusal.status,),
            at_least=least,
            at_most=most,
            unit=unit,
            applies_to_chunked=not trace.bounds.is_exact or await unit_probe.holds_in_chunks(unit),
        )
        draft_profile.facts[name] = limit
        unit_requests = self.client.requests_sent - requests_before
        further = f" and {unit_requests} for what it counts" if unit_requests else ""
        draft_profile.add_row(
            name, describe_limit(limit), f"{trace.request_count} requests{further}; {refused_size:,}: {outline}"
        )
        if not trace.bounds.is_exact:
            self._remark_inexact(name, accepted_size, refused_size)

    async def _find_safe_range(
        self, name: str, operation: Operation, unit_probe: UnitProbe, bounds: Bounds
    ) -> tuple[int, int] | None:
        """What is taken however it is spelled, and what is refused in any case, where no unit fits."""
        low, high = bounds.accepted, bounds.refused or bounds.accepted
        safe_size = await unit_probe.find_safe_size() if unit_probe.counts_wide_characters_more else None
        remark = f"{name}: {low:,} bytes of plain letters are taken, but {unit_probe.mismatch}"
        is_batch = name == f"limits.{LimitKind.BATCH}"
        refused_size = await self._find_surely_refused_size(operation, high) if safe_size and is_batch else high
        if safe_size is None or refused_size is None:
            self.client.draft_profile.add_remark(f"{remark}: not stated")
            return None
        self.client.draft_profile.add_remark(
            f"{remark}; {safe_size:,} bytes are taken however they are written: a band is stated"
        )
        return safe_size, refused_size - 1

    def _remark_inexact(self, name: str, low: int, high: int) -> None:
        """Says that a limit is not exact, and what that would take."""
        bytes_needed = (high - low).bit_length() * high
        self.client.draft_profile.add_remark(
            f"{name}: the budget ended between {low:,} and {high:,} bytes; about {bytes_needed:,} bytes more "
            "would tell it exactly, see --max-bytes"
        )

    async def _find_surely_refused_size(self, operation: Operation, size: int) -> int | None:
        """A size that is refused of few large events, too: what stands between may have counted."""
        for factor in _SIZE_FACTORS:
            large = int(size * factor)
            if not await self.client.is_accepted(
                self.client.make_call(operation).request_with_room_for(large).with_body_size(large)
            ):
                return large
        return None

    async def check_other_operations(self) -> None:
        """Looks whether the limits of whole bodies are the same on all other paths; else states none."""
        draft_profile = self.client.draft_profile
        for limit_kind, kind in ((LimitKind.EVENT, OperationKind.EVENT), (LimitKind.BATCH, OperationKind.BATCH)):
            limit = draft_profile.facts.get(f"limits.{limit_kind}")
            if isinstance(limit, SizeLimit):
                await self._check_limit_on(limit, draft_profile.operations(kind)[1:])

    async def _check_limit_on(self, limit: SizeLimit, others: Iterable[Operation]) -> None:
        """Sends the largest body that is taken, and the smallest that is not, to other paths."""
        draft_profile = self.client.draft_profile
        for operation in others:
            make_draft = (
                self._single_event_factory(operation)
                if operation.kind is OperationKind.EVENT
                else self._many_small_events_factory(operation)
            )
            if self.client.bytes_left < _SPARE_BODIES * limit.at_most:
                draft_profile.add_remark(f"{limit.name}: not asked on {operation}, for want of bytes")
                return
            at_limit = await self.client.send(make_draft(SizePadding(size=limit.at_least, unit=limit.unit)))
            over_limit = await self.client.send(make_draft(SizePadding(size=limit.at_most + 1, unit=limit.unit)))
            if not expect.is_accepted(at_limit) or over_limit.status not in limit.expect:
                draft_profile.add_remark(
                    f"{limit.name}: not the same everywhere: on {operation} {limit.at_least:,} get "
                    f"{at_limit.summary}, {limit.at_most + 1:,} get {over_limit.summary}; not stated"
                )
                del draft_profile.facts[limit.name]
                return

    async def _find_event_count_limit(self, operation: Operation) -> None:
        """Finds how many events a batch may have, of the smallest ones."""
        draft_profile = self.client.draft_profile
        trace = await run_search(
            self.client,
            search_limit(1, COMMON_EVENT_COUNTS, _MAX_EVENTS),
            self.client.make_call(operation).batch_beyond_limit,
            1,
            _COUNT_BUDGET_SHARE,
        )
        refusal, count, refused_count = trace.refusal, trace.bounds.accepted, trace.bounds.refused
        if refusal is None or refused_count is None:
            draft_profile.add_row(MAX_EVENTS_FACT, f"none up to {count:,} events", f"{trace.request_count} requests")
            return
        if not await self._is_refused_for_count(operation, count, refused_count):
            draft_profile.add_row(
                MAX_EVENTS_FACT, f"none up to {count:,} events", "what is refused is the size of the batch"
            )
            return
        evidence = f"{trace.request_count} requests; {refused_count:,}: {refusal.summary}"
        if not trace.bounds.is_exact or not 200 <= refusal.status < 500:
            draft_profile.add_row(MAX_EVENTS_FACT, f"{count:,} events, not stated", evidence)
            draft_profile.add_remark(
                f"{MAX_EVENTS_FACT}: {count:,} are taken; {refused_count:,}: {refusal.summary}: not stated"
            )
            return
        says = f"{count:,} events were taken, {refused_count:,} were answered {refusal.status}"
        draft_profile.facts[MAX_EVENTS_FACT] = MaxEvents(
            name=MAX_EVENTS_FACT,
            level=Level.MUST,
            sources=(_probe_source(operation, says),),
            expect=(refusal.status,),
            count=count,
        )
        draft_profile.add_row(MAX_EVENTS_FACT, f"{count:,} events", evidence)

    async def _is_refused_for_count(self, operation: Operation, count: int, refused_count: int) -> bool:
        """Whether it was the number that was refused, and not the bytes: as many bytes in fewer events."""
        call = self.client.make_call(operation)
        size, draft = (len(call.batch_beyond_limit(refused_count).build_request().body), call.batch_beyond_limit(count))
        missing_bytes = size - len(draft.build_request().body)
        return await self.client.is_accepted(
            draft.with_event_size(first_event_size(draft) + max(missing_bytes, _MIN_ADDED_BYTES))
        )

    def _remove_implied_batch_limit(
        self, operation: Operation, event_trace: SearchTrace | None, batch_trace: SearchTrace | None
    ) -> None:
        """Takes back the limit of a batch where it was that of its events."""
        draft_profile, name = self.client.draft_profile, f"limits.{LimitKind.BATCH}"
        if (
            event_trace is None
            or batch_trace is None
            or event_trace.refusal is None
            or batch_trace.bounds.refused is None
        ):
            return
        draft = self._many_small_events_factory(operation)(SizePadding(size=batch_trace.bounds.refused))
        if (
            batch_trace.bounds.refused // len(draft.events) >= event_trace.bounds.accepted
            and name in draft_profile.facts
        ):
            del draft_profile.facts[name]
            draft_profile.rows = [entry for entry in draft_profile.rows if entry.topic != name]
            draft_profile.add_row(
                name, f"none up to {batch_trace.bounds.accepted:,} bytes", "what is refused is an event in it"
            )


def _probe_source(operation: Operation, says: str) -> Source:
    return Source(document=PROBE_SOURCE, section=str(operation), says=says)
