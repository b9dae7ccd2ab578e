"""Searches for the size limits of an event, of a batch, and of an event in a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.model import Level, OperationKind
from conformance.probe.answer_facts import is_statable
from conformance.probe.descriptions import describe_limit
from conformance.probe.dialects import probe_source
from conformance.probe.event_count_limit import find_event_count_limit
from conformance.probe.limit_drafts import MIN_FILLER_BYTES, LimitDrafts, first_event_size, with_empty_filler
from conformance.probe.limit_search import COMMON_SIZES, Bounds, SearchTrace, run_search, search_limit
from conformance.probe.unit_probe import SizePadding, UnitProbe
from conformance.profile.facts import LimitKind, SizeLimit
from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Operation
    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.probe.draft_profile import DraftProfile
    from conformance.probe.limit_drafts import DraftFactory

_BUDGET_SHARES = {LimitKind.EVENT: 0.45, LimitKind.BATCH: 0.6, LimitKind.BATCH_EVENT: 0.8}
"""The share of the remaining bytes of the budget that the search for each limit may use."""
_SIZE_FACTORS = (1.0, 1.03, 1.1, 1.3)
_SPARE_BODIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _SizeSearch:
    """A finished search for a size limit that has seen a refusal."""

    kind: LimitKind
    operation: Operation
    make_draft: DraftFactory
    trace: SearchTrace
    refusal: Exchange
    refused_size: int

    @property
    def fact(self) -> str:
        return f"limits.{self.kind}"

    @property
    def accepted_size(self) -> int:
        return self.trace.bounds.accepted

    @property
    def smallest_refused(self) -> str:
        return f"{self.refused_size:,}: {self.refusal.summary}"


@dataclass(slots=True, kw_only=True)
class LimitProbe:
    """Searches for limits. `known_sizes` are documented somewhere, `largest_size` is the largest that is tried."""

    client: ProbeClient
    known_sizes: Iterable[int]
    largest_size: int

    async def run(self) -> None:
        """Searches for every limit. The number of events comes before the bytes of a batch, which need many events."""
        event = self._draft_profile.first_operation(OperationKind.EVENT)
        batch = self._draft_profile.first_operation(OperationKind.BATCH)
        if event is not None:
            await self._find_size_limit(LimitKind.EVENT, event, self._drafts.for_whole_body(event), self.largest_size)
        if batch is not None:
            await find_event_count_limit(self.client, batch)
            batch_trace = await self._find_size_limit(
                LimitKind.BATCH, batch, self._drafts.for_whole_body(batch), self.largest_size
            )
            event_trace = await self._find_size_limit(
                LimitKind.BATCH_EVENT,
                batch,
                self._drafts.for_event_in_batch(batch),
                self._largest_event_that_fits(batch, batch_trace),
            )
            self._remove_implied_batch_limit(batch, event_trace, batch_trace)

    @property
    def _draft_profile(self) -> DraftProfile:
        return self.client.draft_profile

    @property
    def _drafts(self) -> LimitDrafts:
        return LimitDrafts(self.client)

    def _largest_event_that_fits(self, operation: Operation, batch_trace: SearchTrace | None) -> int:
        """The largest event that fits in a batch, given the limit of the whole batch."""
        if batch_trace is None or batch_trace.bounds.refused is None:
            return self.largest_size
        small_batch = self._drafts.for_event_in_batch(operation)(SizePadding())
        body_size = len(small_batch.build_request().body)
        return batch_trace.bounds.accepted - (body_size - first_event_size(small_batch))

    async def _find_size_limit(
        self, kind: LimitKind, operation: Operation, make_draft: DraftFactory, largest_size: int
    ) -> SearchTrace | None:
        """Searches for a size limit, and adds its fact. None if the search could not begin."""
        name = f"limits.{kind}"
        empty_draft = with_empty_filler(make_draft(SizePadding()))
        is_event_in_batch = kind is LimitKind.BATCH_EVENT
        empty_size = first_event_size(empty_draft) if is_event_in_batch else len(empty_draft.build_request().body)
        smallest_size = empty_size + MIN_FILLER_BYTES
        if not await self.client.is_accepted(make_draft(SizePadding(size=smallest_size))):
            self._draft_profile.add_remark(
                f"{name}: a free-form text of a few bytes is refused, so no request can be filled up"
            )
            return None
        if is_event_in_batch and largest_size > smallest_size and await self._accepts_largest(make_draft, largest_size):
            self._draft_profile.add_fact_row(name, f"none of its own up to {largest_size:,} bytes", "1 request")
            return None
        trace = await run_search(
            self.client,
            search_limit(smallest_size, {*self.known_sizes, *COMMON_SIZES}, largest_size),
            lambda size: make_draft(SizePadding(size=size)),
            smallest_size,
            _BUDGET_SHARES[kind],
        )
        if trace.refusal is None or trace.bounds.refused is None:
            budget_note = ", where the budget ends" if trace.is_cut_by_budget else ""
            self._draft_profile.add_fact_row(
                name, f"none up to {trace.bounds.accepted:,} bytes{budget_note}", f"{trace.request_count} requests"
            )
            return trace
        search = _SizeSearch(
            kind=kind, operation=operation, make_draft=make_draft, trace=trace, refusal=trace.refusal,
            refused_size=trace.bounds.refused,
        )  # fmt: skip
        await self._add_size_limit(search)
        return trace

    async def _accepts_largest(self, make_draft: DraftFactory, largest_size: int) -> bool:
        """Whether an event may fill the whole batch."""
        return self.client.bytes_left > largest_size and await self.client.is_accepted(
            make_draft(SizePadding(size=largest_size))
        )

    async def _add_size_limit(self, search: _SizeSearch) -> None:
        """Adds the fact of a limit with its unit, or a remark if no profile can state it."""
        name, accepted_size = search.fact, search.accepted_size
        evidence = f"{search.trace.request_count} requests; {search.smallest_refused}"
        requests_before = self.client.requests_sent
        if not is_statable(search.refusal):
            self._draft_profile.add_fact_row(name, f"{accepted_size:,} bytes, not stated", evidence)
            self._draft_profile.add_remark(
                f"{name}: {accepted_size:,} bytes are taken; {search.smallest_refused}: no profile states that"
            )
            return
        limit = await self._measure_limit(search)
        if limit is None:
            self._draft_profile.add_fact_row(name, f"{accepted_size:,} bytes of plain letters, not stated", evidence)
            return
        self._draft_profile.facts[name] = limit
        unit_requests = self.client.requests_sent - requests_before
        further = f" and {unit_requests} for what it counts" if unit_requests else ""
        self._draft_profile.add_fact_row(
            name,
            describe_limit(limit),
            f"{search.trace.request_count} requests{further}; {search.smallest_refused}",
        )
        if not search.trace.bounds.is_exact:
            self._remark_inexact(name, search.trace.bounds)

    async def _measure_limit(self, search: _SizeSearch) -> SizeLimit | None:
        """The fact of a limit, after finding out what it counts. None if neither a unit nor a band fits."""
        bounds = search.trace.bounds
        unit_probe = UnitProbe(
            client=self.client,
            make_draft=search.make_draft,
            limit=bounds.accepted,
            is_measured_after_parsing=search.kind is LimitKind.BATCH_EVENT,
        )
        unit = await unit_probe.find_unit() if bounds.is_exact else SizeUnit.BYTES
        at_least, at_most = bounds.accepted, search.refused_size - 1
        if unit is None:
            safe_range = await self._find_safe_range(search, unit_probe)
            if safe_range is None:
                return None
            (at_least, at_most), unit = safe_range, SizeUnit.BYTES
        says = f"{bounds.accepted:,} were taken, {search.refused_size:,} were answered {search.refusal.status}"
        return SizeLimit(
            name=search.fact,
            level=Level.MUST,
            sources=(probe_source(str(search.operation), says),),
            expect=(search.refusal.status,),
            at_least=at_least,
            at_most=at_most,
            unit=unit,
            applies_to_chunked=not bounds.is_exact or await unit_probe.holds_in_chunks(unit),
        )

    async def _find_safe_range(self, search: _SizeSearch, unit_probe: UnitProbe) -> tuple[int, int] | None:
        """The band if no unit fits: what is accepted however it is written, and what is refused in any case."""
        safe_size = await unit_probe.find_safe_size() if unit_probe.counts_wide_characters_more else None
        remark = f"{search.fact}: {search.accepted_size:,} bytes of plain letters are taken, but {unit_probe.mismatch}"
        refused_size: int | None = search.refused_size
        if safe_size and search.kind is LimitKind.BATCH:
            refused_size = await self._find_surely_refused_size(search.operation, search.refused_size)
        if safe_size is None or refused_size is None:
            self._draft_profile.add_remark(f"{remark}: not stated")
            return None
        self._draft_profile.add_remark(
            f"{remark}; {safe_size:,} bytes are taken however they are written: a band is stated"
        )
        return safe_size, refused_size - 1

    def _remark_inexact(self, name: str, bounds: Bounds) -> None:
        """Adds a remark with the bytes that an exact limit would take."""
        low, high = bounds.accepted, bounds.refused or bounds.accepted
        bytes_needed = (high - low).bit_length() * high
        self._draft_profile.add_remark(
            f"{name}: the budget ended between {low:,} and {high:,} bytes; about {bytes_needed:,} bytes more "
            "would tell it exactly, see --max-bytes"
        )

    async def _find_surely_refused_size(self, operation: Operation, size: int) -> int | None:
        """A size that is also refused with few large events, when separators between events no longer matter."""
        for factor in _SIZE_FACTORS:
            large = int(size * factor)
            draft = self.client.make_call(operation).request_with_room_for(large).with_body_size(large)
            if not await self.client.is_accepted(draft):
                return large
        return None

    async def check_other_operations(self) -> None:
        """Restricts limits of whole bodies that are not the same on all other operations to their paths."""
        for limit_kind, kind in ((LimitKind.EVENT, OperationKind.EVENT), (LimitKind.BATCH, OperationKind.BATCH)):
            limit = self._draft_profile.facts.get(f"limits.{limit_kind}")
            if isinstance(limit, SizeLimit):
                await self._check_limit_on(limit, self._draft_profile.operations(kind))

    async def _check_limit_on(self, limit: SizeLimit, operations: Iterable[Operation]) -> None:
        """Sends an accepted body and a refused one to all other operations; the fact names the paths where it holds."""
        first, *others = operations
        paths = [first.path]
        for operation in others:
            make_draft = self._drafts.for_whole_body(operation)
            if self.client.bytes_left < _SPARE_BODIES * limit.at_most:
                self._draft_profile.add_remark(f"{limit.name}: not asked on {operation}, for want of bytes")
                break
            at_limit = await self.client.send(make_draft(SizePadding(size=limit.largest_accepted, unit=limit.unit)))
            over_limit = await self.client.send(make_draft(SizePadding(size=limit.smallest_refused, unit=limit.unit)))
            if self.client.accepts(at_limit) and over_limit.status in limit.expect:
                paths.append(operation.path)
                continue
            self._draft_profile.add_remark(
                f"{limit.name}: not the same everywhere: on {operation} {limit.largest_accepted:,} get "
                f"{at_limit.summary}, {limit.smallest_refused:,} get {over_limit.summary}; not stated there"
            )
        if len(paths) <= len(others):
            self._draft_profile.facts[limit.name] = replace(limit, paths=tuple(paths))

    def _remove_implied_batch_limit(
        self, operation: Operation, event_trace: SearchTrace | None, batch_trace: SearchTrace | None
    ) -> None:
        """Removes the limit of a batch if it was that of the events in it."""
        name = f"limits.{LimitKind.BATCH}"
        refused_size = batch_trace.bounds.refused if batch_trace else None
        if event_trace is None or event_trace.refusal is None or batch_trace is None or refused_size is None:
            return
        draft = self._drafts.for_whole_body(operation)(SizePadding(size=refused_size))
        if refused_size // len(draft.events) >= event_trace.bounds.accepted and name in self._draft_profile.facts:
            self._draft_profile.remove_fact(name)
            self._draft_profile.add_fact_row(
                name, f"none up to {batch_trace.bounds.accepted:,} bytes", "an event in it is refused, not the batch"
            )
