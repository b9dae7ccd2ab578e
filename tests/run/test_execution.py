"""Executing a plan: a report is complete only if it has a verdict for every planned trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.profile import load
from conformance.refserver import Server
from conformance.report.document import UNJUDGED
from conformance.run.execution import RunResult, build_report, execute, merge_results
from conformance.run.plan import build_plan
from conformance.settings import table

if TYPE_CHECKING:
    from conformance.run.plan import Plan

KEY = "Execution-Write-Key"


@pytest.fixture(scope="module")
def executed() -> tuple[Plan, RunResult]:
    """A plan of a few checks, and its result against a correct server."""
    contract = Contract(load("segmentstream"))
    with Server(contract, KEY, "token") as server:
        settings = table.resolve({"write_key": KEY, "fuzz": "0", "select": ["json"]})
        plan = build_plan(settings, server.url, contract, CHECKS)
        return plan, event_loop.run(execute(plan, lambda *_: None))


def test_a_verdict_for_every_trial_is_complete(executed: tuple[Plan, RunResult]) -> None:
    """All is well."""
    plan, result = executed
    report = build_report(plan, result)
    assert len(result.verdicts) == len(plan.trials) > 1
    assert report.is_complete
    assert report.as_json()["complete"] is True
    assert report.exit_code == 0


@pytest.mark.parametrize("missing", [0, 1, -1])
def test_a_missing_verdict_is_not_complete(executed: tuple[Plan, RunResult], missing: int) -> None:
    """Also if nothing says why: whoever stops a run early need not remember to say so."""
    plan, result = executed
    verdicts = [*result.verdicts]
    del verdicts[missing]
    report = build_report(plan, RunResult(verdicts=verdicts))
    assert not report.is_complete
    assert (report.verdict, report.exit_code) == (UNJUDGED, 3)
    document: dict[str, Any] = report.as_json()
    assert document["complete"] is False
    assert (document["run"]["planned"], document["run"]["stopped"]) == (len(plan.trials), "the run was stopped")


def test_a_run_that_was_stopped_is_not_complete(executed: tuple[Plan, RunResult]) -> None:
    """Though all verdicts are there; of repeated runs one is enough."""
    plan, result = executed
    stopped = RunResult(verdicts=[*result.verdicts], stop_reason="interrupted")
    assert not build_report(plan, stopped).is_complete
    report = build_report(plan, merge_results([result, stopped]))
    assert (report.is_complete, report.verdict) == (False, UNJUDGED)


def test_what_could_not_be_judged_is_complete(executed: tuple[Plan, RunResult]) -> None:
    """A failed preflight is the end of a run, and no verdict is missing."""
    report = build_report(executed[0], RunResult(), failure="the key looks wrong")
    assert (report.is_complete, report.verdict) == (True, UNJUDGED)
