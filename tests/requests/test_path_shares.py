"""Each form of a request is sent on two paths of a kind, or on all of them."""

from __future__ import annotations

from collections import Counter

from conformance.checks.check import EVENTS
from conformance.contract import Contract
from conformance.profile import load
from conformance.requests import Call, Keys
from conformance.requests.path_shares import share_of_path


def shares(profile: str, *, is_thorough: bool = False) -> list[list[int]]:
    """Which of twenty forms are sent on each path of one event."""
    contract = Contract(load(profile))
    return [
        share_of_path(
            Call(contract=contract, operation=item, keys=Keys(write_key="k"), is_thorough=is_thorough), range(20)
        )
        for item in contract.operations
        if item.kind in EVENTS
    ]


def test_each_form_has_two_paths() -> None:
    """Two different ones, not the same two for all, and no path has many more than another."""
    of_paths = shares("metarouter")
    counts = Counter(number for share in of_paths for number in share)
    assert set(counts) == set(range(20))
    assert set(counts.values()) == {2}
    pairs = {tuple(index for index, share in enumerate(of_paths) if number in share) for number in range(20)}
    assert len(pairs) > len(of_paths)
    assert max(map(len, of_paths)) - min(map(len, of_paths)) <= 2


def test_all_forms_if_asked_or_where_paths_are_few() -> None:
    """With --thorough, and for a vendor with one path."""
    assert all(
        share == list(range(20)) for share in (*shares("metarouter", is_thorough=True), *shares("segmentstream"))
    )
