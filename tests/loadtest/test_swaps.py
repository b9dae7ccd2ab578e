"""Answers that were swapped between requests, and the pace of workers."""

from __future__ import annotations

import pytest

from conformance.loadtest.journal import Kind, Sent, SlotState
from conformance.loadtest.pace import MAX_LAG_S, Pace
from conformance.loadtest.swaps import Swaps

TRAFFIC = {
    "items": [{"rule": 0}, {"rule": 1}, {"rule": 2}],
    "rules": [{"statuses": [200]}, {"statuses": [401]}, {"statuses": [400]}],
}


def sent(item: int, status: int, at_s: float) -> Sent:
    """A request that took 0.1 s."""
    kind = Kind.BAD if item else Kind.GOOD
    return Sent(SlotState.ANSWERED, kind, 1, status, item, 1, 0, at_s, 0.0, 0.1, 1)


@pytest.mark.parametrize(
    ("other", "is_pair"),
    [
        (sent(1, 200, 5.05), True),
        (sent(1, 200, 5.2), False),
        (sent(2, 200, 5.05), False),
        (sent(1, 500, 5.05), False),
        (sent(1, 401, 5.05), False),
    ],
)
def test_swapped_answers_are_pairs(other: Sent, *, is_pair: bool) -> None:
    """In flight at the same time, each with the status of the other."""
    swaps = Swaps(TRAFFIC)
    first = sent(0, 401, 5.0)
    assert swaps.partner(first, ("a", "b")) is None
    found = swaps.partner(other, ("c", "d"))
    assert found == ((first, ("a", "b")) if is_pair else None)


def test_what_is_always_accepted_is_not_swapped() -> None:
    """A server that accepts each unknown key has no answers of others."""
    swaps = Swaps(TRAFFIC)
    for number in range(5):
        swaps.note(sent(1, 200, number))
    assert swaps.partner(sent(0, 401, 5.0), ("a", "b")) is None
    assert swaps.partner(sent(1, 200, 5.0), ("c", "d")) is None


def test_a_pause_is_not_made_up_for_in_a_burst() -> None:
    """But for what was due a moment ago."""
    pace = Pace()
    pace.set_rate(100.0, 1000.0, float("inf"), 1.0)
    pace.set_rate(101.0, 1000.0, float("inf"), 1.0)
    count = 0
    while pace.wait(101.0) <= 0:
        pace.take(101.0)
        count += 1
    assert count <= 1000 * MAX_LAG_S


def test_what_the_target_held_up_is_made_up_for() -> None:
    """Each request that was due counts from when it was due, but never above the highest rate."""
    pace = Pace()
    pace.set_rate(100.0, 1000.0, 2000.0, 1.0)
    pace.hold()
    pace.set_rate(101.0, 1000.0, 2000.0, 1.0)
    assert pace.take(101.0) < 100.1
    now, count = 101.0, 0
    while now < 101.2:
        while pace.wait(now) <= 0:
            pace.take(now)
            count += 1
        now += 0.001
    assert 300 <= count <= 2000 * 0.2 + 20
