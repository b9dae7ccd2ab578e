"""What is asked for time: bodies of equal size and growing structure, and when a time is out of proportion."""

from __future__ import annotations

import json

import pytest

from conformance.cases.growth import _is_out_of_proportion
from conformance.contract import Contract
from conformance.profile import load
from conformance.requests import Call, Keys
from conformance.requests.growth import GROWTHS, filler_draft, large_batch, many_events

CONTRACT = Contract(load("rudderstack"))


def call(path: str) -> Call:
    """A call to a path."""
    operation = next(item for item in CONTRACT.operations if item.path == path)
    return Call(contract=CONTRACT, operation=operation, keys=Keys(write_key="Growth-Key-1"))


def hash_of(name: str) -> int:
    """The hash of a name where characters are added times powers of 31."""
    value = 0
    for character in name:
        value = (value * 31 + ord(character)) % 2**32
    return value


def test_bodies_are_as_large_as_their_control() -> None:
    """Within the limits, so that only what is in them differs; half is about half."""
    for path, makers in (
        ("/v1/track", [(item.make_draft, filler_draft) for item in GROWTHS]),
        ("/v1/batch", [(many_events, large_batch)]),
    ):
        for make, make_control in makers:
            sizes = []
            for draft in (make(call(path), 100), make_control(call(path), 100), make(call(path), 50)):
                draft.require_within_limits()
                sizes.append(len(draft.build_request().body))
            assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
            assert sizes[2] == pytest.approx(sizes[0] / 2, rel=0.05)


def test_names_have_equal_hashes() -> None:
    """All of them, and no two are the same."""
    equal = next(item for item in GROWTHS if item.slug == "equal-hashes")
    names = list(json.loads(equal.make_text(10_000)))
    assert len(names) == len(set(names)) > 300
    assert len({hash_of(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("full_s", "control_s", "half_s", "expected"),
    [(0.4, 0.01, 0.1, True), (0.4, 0.01, 0.2, False), (0.4, 0.1, 0.1, False), (0.5, 0.02, 0.22, False)],
)
def test_the_square_is_out_of_proportion(full_s: float, control_s: float, half_s: float, expected: bool) -> None:  # noqa: FBT001
    """Twice the time is not, nor is a time that other bodies take, too."""
    assert _is_out_of_proportion(full_s, control_s, half_s) is expected
