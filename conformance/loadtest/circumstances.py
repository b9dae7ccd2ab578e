"""What a target was under when a promise was broken: requests sent in the second before, and requests in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.loadtest.journal import SlotState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.loadtest.journal import JournalReader, Sent

_RECENT = 20_000


def circumstances(broken: Sent, readers: Iterable[JournalReader]) -> tuple[int, int]:
    """How many requests of all workers were sent in the second before its answer, and were in flight with it."""
    start = broken.due_s + broken.wait_s
    end = start + broken.took_s
    sent_count = at_start = at_end = 0
    for reader in readers:
        for other in reader.recent(_RECENT):
            sent_s = other.due_s + other.wait_s
            answered_s = sent_s + other.took_s if other.state is SlotState.ANSWERED else float("inf")
            sent_count += end - 1 < sent_s <= end
            at_start += sent_s <= start <= answered_s
            at_end += sent_s <= end <= answered_s
    return sent_count, max(at_start, at_end)
