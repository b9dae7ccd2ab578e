"""Measuring: the sizes of what is sent in search of a limit, and a limit in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.payloads import Draft
    from conformance.profile.facts import Limit


def emptied(draft: Draft) -> Draft:
    """The same with an empty filler in every event."""
    return draft.put(draft.layout.filler, "")


def first(draft: Draft) -> int:
    """The size of a batch's first event, in bytes, with the key that it may carry."""
    alone, none = draft.carrying(draft.events[0]), draft.carrying()
    return len(alone.request().body) - len(none.request().body)


def words(limit: Limit) -> str:
    """A limit in words."""
    is_exact = limit.at_least == limit.at_most
    size = f"{limit.at_least:,}" if is_exact else f"between {limit.at_least:,} and {limit.at_most:,}"
    return f"{size} {limit.unit.replace('-', ' ')}{'' if limit.holds_in_chunks else ', not in chunks'}"
