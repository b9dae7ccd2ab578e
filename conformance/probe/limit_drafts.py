"""Requests of a wanted size, with which limits are searched for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from conformance.core.model import OperationKind
from conformance.profile.facts import MAX_EVENTS_FACT, LimitKind, MaxEvents, SizeLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Operation
    from conformance.probe.client import ProbeClient
    from conformance.probe.unit_probe import SizePadding
    from conformance.requests import Draft

DraftFactory: TypeAlias = "Callable[[SizePadding], Draft]"

MAX_TRIED_EVENTS = 1_000
"""The most events that are tried in a batch."""
MIN_FILLER_BYTES = 12
"""The least bytes of filler in an event."""
_SMALL_EVENT_BYTES = 400
"""About the size of the events of a large batch, unless a smaller limit of events is known."""


@dataclass(frozen=True, slots=True)
class LimitDrafts:
    """Makes requests of a wanted size, under what is known so far."""

    client: ProbeClient

    def for_whole_body(self, operation: Operation) -> DraftFactory:
        """Bodies of a size: a single event, or a batch of many events, so that none of them is large."""

        def make_batch(padding: SizePadding) -> Draft:
            call = self.client.make_call(operation)
            smallest_event_size = first_event_size(with_empty_filler(call.batch_beyond_limit(1))) + MIN_FILLER_BYTES
            count = padding.size // max(smallest_event_size, self._typical_event_size())
            return padding.pad_body(call.batch_beyond_limit(max(1, min(self._max_events(), count))))

        if operation.kind is OperationKind.BATCH:
            return make_batch
        return lambda padding: padding.pad_body(self.client.make_call(operation).acceptable_request())

    def for_event_in_batch(self, operation: Operation) -> DraftFactory:
        """Batches in which one event has a size, with a small one beside it if that is allowed."""
        count = min(2, self._max_events())
        return lambda padding: padding.pad_first_event(self.client.make_call(operation).batch_beyond_limit(count))

    def _typical_event_size(self) -> int:
        limit = self.client.draft_profile.facts.get(f"limits.{LimitKind.EVENT}")
        return min(_SMALL_EVENT_BYTES, limit.at_least // 2) if isinstance(limit, SizeLimit) else _SMALL_EVENT_BYTES

    def _max_events(self) -> int:
        fact = self.client.draft_profile.facts.get(MAX_EVENTS_FACT)
        return fact.count if isinstance(fact, MaxEvents) else MAX_TRIED_EVENTS


def with_empty_filler(draft: Draft) -> Draft:
    """The same request with an empty filler in every event."""
    return draft.with_field(draft.layout.filler_pointer, "")


def first_event_size(draft: Draft) -> int:
    """The size of the first event of a batch in bytes, with the key if it is in the event."""
    with_first, with_no_events = draft.with_events(draft.events[0]), draft.with_events()
    return len(with_first.build_request().body) - len(with_no_events.build_request().body)
