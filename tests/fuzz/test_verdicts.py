"""The checks of fuzzing: each fails on a server that breaks its promise, with the command as users run it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.checks.trial import make_trials
from conformance.cli import main
from conformance.contract import Contract
from conformance.core.model import Level
from conformance.fuzz.campaign import MIN_JUDGED, CampaignResult
from conformance.fuzz.check_results import check_result
from conformance.fuzz.finding import Certainty
from conformance.fuzz.judge import FailureKind
from conformance.profile import load
from conformance.requests import Keys
from tests.support.campaigns import labelled_cases, run_campaign
from tests.targets.application import Application
from tests.targets.behaviour import Behaviour
from tests.targets.dialects import DIALECTS
from tests.targets.faults import broken_servers
from tests.targets.options import BEARER, KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.targets.dialects import Dialect
    from tests.targets.messages import Answer, Request

DIALECT = "rudderstack"
BROKEN = {
    FailureKind.SERVER_ERROR: "null-optional-500",
    FailureKind.UNANSWERED: "dropped-on-json",
    FailureKind.MALFORMED_RESPONSE: "after-refusal-garbage",
    FailureKind.WRONGLY_REJECTED: "emoji-refused",
    FailureKind.WRONGLY_ACCEPTED: "no-credentials-accepted",
    FailureKind.UNEXPECTED_STATUS: "json-422",
    FailureKind.UNEXPECTED_BODY: "html-errors",
    FailureKind.INFORMATION_LEAK: "trace-in-text",
    FailureKind.BREAKS_LATER_REQUESTS: "after-nul-500",
}

STREAM_TRIALS = make_trials(Contract(load("segmentstream")), Keys(write_key=KEY), CHECKS, frozenset(Tier))


def fuzz_checks(url: str, directory: Path) -> dict[str, dict[str, Any]]:
    """The worst verdict of each check of fuzzing, by the last word of its id."""
    keys = ["--write-key", KEY, "--bearer", BEARER]
    report = directory / "report.json"
    main(["run", url, "--profile", DIALECT, *keys, "--select", "fuzz", "--fuzz", "1500", "--quiet",
          "--json", str(report)])  # fmt: skip
    document = json.loads(report.read_text())["checks"]
    order = sorted(document, key=lambda item: item["outcome"] == "fail")
    return {item["id"].rpartition(".")[2]: item for item in order}


@pytest.mark.parametrize("failure_kind", FailureKind)
def test_every_check_can_fail(failure_kind: FailureKind, tmp_path: Path) -> None:
    """Its verdict has the response, the request, and the command that replays it."""
    (case,) = [
        item for item in broken_servers() if item.dialect.name == DIALECT and item.fault.name == BROKEN[failure_kind]
    ]
    with serve(case.application()) as url:
        verdict = fuzz_checks(url, tmp_path)[failure_kind]
    assert verdict["outcome"] == "fail"
    assert "conformance replay " in verdict["message"]
    assert verdict["expected"]
    assert verdict["received"]
    assert verdict["exchanges"]


def test_no_check_fails_on_a_correct_server(tmp_path: Path) -> None:
    """Each is judged, and passes."""
    with serve(Application(DIALECTS[DIALECT])) as url:
        checks_by_id = fuzz_checks(url, tmp_path)
    assert {item["outcome"] for item in checks_by_id.values()} == {"pass"}
    assert checks_by_id.keys() == {str(kind) for kind in FailureKind}
    assert all(" generated requests" in item["message"] for item in checks_by_id.values())


class DroppingSome(Application):
    """Closes the connection in place of every fortieth answer, whatever is asked."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.count = 0

    async def handle(self, request: Request) -> Answer:
        """Drops some of the answers."""
        self.count += 1
        answer = await super().handle(request)
        return replace(answer, dropped=not self.count % 40)


def test_connections_that_break_by_chance_are_counted() -> None:
    """No request is their cause: each is answered when it is sent again, and no document promises more."""
    with serve(DroppingSome(DIALECTS["segmentstream"]), Behaviour(close=True)) as url:  # none is reused, and replaced
        result = run_campaign(url, "segmentstream", labelled_cases("segmentstream", 240))
    assert {(item.certainty, item.level) for item in result.findings} == {(Certainty.CHANCE, Level.MAY)}
    (trial,) = (item for item in STREAM_TRIALS if item.check.id == "fuzz.generated.unanswered")
    verdict = check_result(trial, result)
    assert verdict.outcome == "pass"
    assert re.search(r"; \d+ got no answer \(.*closed.*\) at first, and an answer when sent again$", verdict.message)


FEW = ["--profile", DIALECT, "--fuzz", "8", "--quiet"]


def test_next_to_nothing_sent_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A verdict says how many requests stand behind it, and with none, or a few, there is none."""
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    report = tmp_path / "report.json"
    with serve(Application(DIALECTS[DIALECT])) as url:
        assert main(["run", url, *FEW, "--bearer", BEARER, "--select", "fuzz", "--json", str(report)]) == 3
        checks = json.loads(report.read_text())["checks"]
        assert {item["outcome"] for item in checks} == {"error"}
        assert all("generated requests were judged, and 5 are needed" in item["message"] for item in checks)
        capsys.readouterr()
        assert main(["fuzz", url, *FEW, "--bearer", BEARER, "--json", str(report)]) == 3
    assert "too few generated requests were judged to say anything: POST /v1/" in capsys.readouterr().err
    judged = json.loads(report.read_text())["judged"]
    assert len(judged) == len(Contract(load(DIALECT)).operations)
    assert 0 < sum(judged.values()) <= 8


def test_every_operation_gets_its_first_requests_in_any_time() -> None:
    """A target that takes longer than others is not left without a verdict."""
    with serve(Application(DIALECTS[DIALECT])) as url:
        result = run_campaign(url, DIALECT, labelled_cases(DIALECT, 1_000), max_time_s=1e-9)
    calls = [str(operation) for operation in Contract(load(DIALECT)).operations]
    assert result.barely_judged(calls) == {}
    assert result.is_cut_short
    assert result.judged_count < 300


@pytest.mark.parametrize(
    ("judged", "early", "outcome", "message"),
    [
        (0, "", "error", "no verdict: 0 generated requests were judged"),
        (MIN_JUDGED - 1, "", "error", f"no verdict: {MIN_JUDGED - 1} generated requests were judged"),
        (MIN_JUDGED - 1, "the budget is used up", "error", "no verdict: the budget is used up"),
        (MIN_JUDGED, "", "pass", f"{MIN_JUDGED} generated requests"),
        (1_234, "the budget is used up", "pass", "1,234 generated requests; sending ended early"),
    ],
)
def test_a_verdict_depends_on_how_many_were_judged(judged: int, early: str, outcome: str, message: str) -> None:
    """What ended sending is the reason of an error; nothing else is."""
    result = CampaignResult(judged_by_call=Counter({"POST /track": judged}), is_cut_short=bool(early))
    found = check_result(next(item for item in STREAM_TRIALS if item.check.area == "fuzz"), result, early)
    assert found.outcome == outcome
    assert found.message.startswith(message)
