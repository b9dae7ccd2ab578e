"""Every fault in what is stored is found by its checks, and a server that keeps everything passes them all."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import pytest

from conformance.cases import SINK_CHECKS
from conformance.core.model import PROBLEM_OUTCOMES, Outcome
from conformance.refserver.faults.delivery import DELIVERY_FAULTS
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.server_change import ServerChange
from tests.support.sink_runs import run_with_sink

if TYPE_CHECKING:
    from conformance.refserver.faults.fault import Fault

PROFILES = ("segment", "rudderstack", "metarouter", "segmentstream")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_server_that_keeps_everything_passes(profile: str) -> None:
    """No check of delivery says anything about it."""
    result = run_with_sink(profile, ServerChange())
    assert not [f"{item.name}: {item.message}" for item in result.verdicts if item.outcome in PROBLEM_OUTCOMES]
    assert result.delivery is not None
    assert result.delivery["missing"] == result.delivery["doubled"] == result.delivery["altered"] == 0


@pytest.mark.parametrize("fault", DELIVERY_FAULTS, ids=lambda fault: fault.name)
def test_every_fault_is_found(fault: Fault) -> None:
    """Each check that the fault names fails, or, if it only observes, says what it sees."""
    profile = next(name for name in ("segment", "metarouter", *PROFILES) if fault.applies_to(reduced_contract(name)))
    wanted = [item for item in SINK_CHECKS if any(fnmatch.fnmatchcase(item.id, glob) for glob in fault.check_globs)]
    assert wanted
    result = run_with_sink(profile, fault.change)
    by_id: dict[str, set[Outcome]] = {}
    notes = {item.id: item.message for item in result.verdicts}
    for item in result.verdicts:
        by_id.setdefault(item.id, set()).add(item.outcome)
    for glob in fault.check_globs:
        ids = [item.id for item in wanted if fnmatch.fnmatchcase(item.id, glob)]
        told = [Outcome.FAIL in by_id[check_id] or "is stored as" in notes[check_id] for check_id in ids]
        other_order = "another order" in notes.get("delivery.order.batch", "")
        assert any(told) or other_order, {check_id: (by_id[check_id], notes[check_id]) for check_id in ids}
