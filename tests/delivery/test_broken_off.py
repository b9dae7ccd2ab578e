"""Requests that the suite breaks off on purpose are counted apart from those to which a server owes an answer."""

from __future__ import annotations

import pytest

from conformance.cases import CHECKS, SINK_CHECKS
from conformance.delivery.ledger import Answered, Ledger
from conformance.refserver.server_change import ServerChange
from conformance.report.delivery_table import delivery_sentence
from tests.support.sink_runs import run_with_sink

_BROKEN_OFF = {
    "robustness.connection.broken-off": 60,
    "robustness.length.too-large": 1,
    "robustness.length.conflict": 2,
    "robustness.length.with-chunks": 2,
}


def test_the_correct_server_leaves_nothing_unanswered() -> None:
    """It closes where a body has no end, and owes no answer there."""
    ids = {"delivery.run.lost", *_BROKEN_OFF}
    checks = [item for item in dict.fromkeys((*CHECKS, *SINK_CHECKS)) if item.id in ids]
    assert {item.id for item in checks} == ids
    delivery = run_with_sink("segment", ServerChange(), checks).delivery
    assert delivery is not None
    count = sum(_BROKEN_OFF.values())
    assert (delivery["unanswered"], delivery["broken_off"], delivery["broken_off_arrived"]) == (0, count, 0)
    assert delivery["missing"] == 0
    assert f"; {count} broken off on purpose, of which 0 arrived" in delivery_sentence(delivery)


@pytest.mark.parametrize(
    ("status", "is_broken_off", "outcome"),
    [
        (0, False, Answered.NOT),
        (0, True, Answered.BROKEN_OFF),
        (200, True, Answered.ACCEPTED),
        (400, True, Answered.REFUSED),
    ],
)
def test_an_answer_counts_all_the_same(status: int, is_broken_off: bool, outcome: Answered) -> None:  # noqa: FBT001
    """A server may answer what was broken off, and is then judged by its answer."""
    ledger = Ledger("00000000")
    ledger.database.execute("INSERT INTO requests (id, outcome) VALUES (1, 0)")
    ledger.answer(1, status, is_broken_off=is_broken_off)
    assert ledger.database.execute("SELECT outcome FROM requests").fetchone() == (outcome,)
    ledger.close()
