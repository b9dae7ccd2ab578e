"""Measuring: the sizes of what is sent in search of a limit, and a limit in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.profile.facts import SizeLimit
    from conformance.requests import Draft


def with_empty_filler(draft: Draft) -> Draft:
    """The same with an empty filler in every event."""
    return draft.with_field(draft.layout.filler_pointer, "")


def first_event_size(draft: Draft) -> int:
    """The size of a batch's first event, in bytes, with the key that it may carry."""
    with_first, with_no_events = draft.with_events(draft.events[0]), draft.with_events()
    return len(with_first.build_request().body) - len(with_no_events.build_request().body)


def describe_limit(limit: SizeLimit) -> str:
    """A limit in words."""
    is_exact = limit.at_least == limit.at_most
    size = f"{limit.at_least:,}" if is_exact else f"between {limit.at_least:,} and {limit.at_most:,}"
    return f"{size} {limit.unit.replace('-', ' ')}{'' if limit.applies_to_chunked else ', not in chunks'}"
