"""The self-check: perfect on the smallest profile, and not perfect where something is wrong."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance import cli
from conformance.cases import CHECKS
from conformance.cli import self_check
from conformance.contract import Contract
from conformance.core import resources
from conformance.profile import load
from conformance.refserver.faults import FAULTS
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config
from conformance.refserver.variant import CORRECT_SERVER
from conformance.selfcheck import ALL_PROFILES_PER_FAULT, Score, plan, report, run_self_check, runner
from conformance.selfcheck.detection import expected_checks
from conformance.selfcheck.plan import SELF_CHECK_KEYS
from tests.regenerate import hint
from tests.support import paths
from tests.support.self_check_numbers import FILES, with_totals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.refserver.faults import Fault
    from conformance.refserver.variant import Variant
    from conformance.selfcheck.detection import FaultDetection, ServerResult
    from conformance.selfcheck.plan import SelfCheckJob

SMALLEST = "segmentstream"
NAMED = {fault.name: fault for fault in FAULTS}
SCHEMA: dict[str, Any] = json.loads((resources.specs_dir() / "selfcheck.schema.json").read_text("utf-8"))


def score_of(faults: Sequence[Fault] = (), variants: Sequence[Variant] = ()) -> Score:
    """The score of a few servers under the smallest profile, with all areas."""
    return asyncio.run(run_self_check([SMALLEST], lambda *_: None, faults, variants, ALL_PROFILES_PER_FAULT))


async def result_on_own_server(server: Fault | Variant, job: SelfCheckJob) -> ServerResult:
    """The result on a server that need not be in the list: it runs in this process."""
    contract = reduced_contract(SMALLEST, job.selectors)
    application = server.change.create_application(contract, SELF_CHECK_KEYS.write_key, SELF_CHECK_KEYS.bearer)
    with ThreadedServer(uvicorn_config(application, server.change.protocol), server.name) as threaded_server:
        return await runner.run_job(threaded_server.url, job)


def detection_on_own_server(fault: Fault) -> FaultDetection:
    """How a fault is noticed that need not be in the list."""
    correct_job, fault_job = plan.plan_jobs([SMALLEST], [fault], [])
    results = [
        asyncio.run(result_on_own_server(server, job))
        for server, job in ((CORRECT_SERVER, correct_job), (fault, fault_job))
    ]
    (detection,) = Score.of([SMALLEST], results, [fault], []).detections
    return detection


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The whole self-check of all profiles, by the command, and where its reports are."""
    place = tmp_path_factory.mktemp("selfcheck")
    completed = subprocess.run(
        [sys.executable, "-m", "conformance", "self-check",
         "--json", str(place / "s.json"), "--markdown", str(place / "s.md")],
        capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip
    return completed, place


def test_it_is_perfect(whole: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Every fault is caught in its own area, nothing fails on a correct server, no check is idle."""
    completed, place = whole
    assert completed.returncode == 0, completed.stdout
    document = json.loads((place / "s.json").read_text("utf-8"))
    totals = document["totals"]
    assert document["perfect"]
    assert totals["caught"] == totals["right_area"] == totals["broken"] > 150
    contracts = [Contract(load(name)) for name in resources.profile_names()]
    without_server = {fault.name for fault in FAULTS} - {entry["name"] for entry in document["faults"]}
    assert not {name for name in without_server if any(map(NAMED[name].applies_to, contracts))}
    assert totals["false_alarms"] == totals["checks_without_a_fault"] == 0
    assert totals["correct"] > 50
    causes = totals["causes"]
    assert causes["faults"] > 0.9 * totals["broken"]
    assert causes["faults_right"] >= 0.95 * causes["faults"]
    assert causes["pairs"] > 15
    assert causes["pairs_right"] >= 0.75 * causes["pairs"]
    assert completed.stdout.splitlines()[-1] == "perfect"
    assert "/" in completed.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", FILES)
def test_the_numbers_are_those_of_today(whole: tuple[subprocess.CompletedProcess[str], Path], name: str) -> None:
    """The README and the documentation state the totals of a self-check, and nobody edits them by hand."""
    totals = json.loads((whole[1] / "s.json").read_text("utf-8"))["totals"]
    text = (paths.ROOT / name).read_text("utf-8")
    assert totals["right_area"] == totals["caught"]
    assert totals["checks_without_a_fault"] == 0
    assert with_totals(name, text, totals) == text, hint("numbers")


def test_the_reports_say_the_same(whole: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """The JSON fits its schema, and the Markdown has a row for each check with the faults it notices."""
    place = whole[1]
    document = json.loads((place / "s.json").read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(document)
    text = (place / "s.md").read_text("utf-8")
    for name, killers in document["checks"].items():
        assert f"| `{name}` | {', '.join(f'`{killer}`' for killer in killers)} |" in text


def test_a_fault_that_names_the_wrong_check_is_not_caught() -> None:
    """What must notice it did not, and what did is of another area."""
    wrong = replace(NAMED["json-422"], catching_checks="auth.key.unknown")
    self_check_score = score_of([wrong])
    (catch,) = self_check_score.detections
    assert (catch.is_detected, catch.is_in_right_area) == (False, False)
    assert catch.missed_by == ("auth.key.unknown",)
    assert any(item.startswith("json.syntax.truncated[POST /track]: ") for item in catch.wrong_area)
    assert f"json-422 under {SMALLEST}: not noticed by auth.key.unknown" in self_check_score.problems()


def test_a_fault_that_names_too_few_areas_is_caught_and_not_right() -> None:
    """A check of an area that it does not name fails, too."""
    narrow = replace(NAMED["json-crash"], catching_checks="json.syntax.truncated")
    (catch,) = score_of([narrow]).detections
    assert (catch.is_detected, catch.is_in_right_area) == (True, False)
    (spilling,) = score_of([replace(narrow, collateral_reason="it may be so, for the sake of this test")]).detections
    assert (spilling.is_detected, spilling.is_in_right_area) == (True, True)
    assert spilling.detected_by == ("json.syntax.truncated",)


def test_a_correct_server_that_is_not_raises_an_alarm() -> None:
    """The broken server of a name is a variant here, and its troubles are false alarms."""
    self_check_score = score_of(variants=[replace(CORRECT_SERVER, name="json-unchecked")])
    assert self_check_score.false_alarm_count == 1
    assert any(
        "json-unchecked under segmentstream is correct: json.syntax" in line for line in self_check_score.problems()
    )


def test_checks_that_nothing_kills_are_named() -> None:
    """Without faults every check is idle, and the report says so."""
    self_check_score = score_of()
    assert (
        set(self_check_score.undetecting_checks)
        == set(self_check_score.detecting_faults)
        >= {"json.syntax.truncated", "auth.key.unknown"}
    )
    assert "json.syntax.truncated: no fault makes this check fail" in self_check_score.problems()
    document = report.document(self_check_score)
    Draft202012Validator(SCHEMA).validate(document)
    assert document["perfect"] is False


def test_a_fault_that_changes_no_answer_is_a_problem() -> None:
    """One that answers as the correct server does is named, whether or not its checks say anything."""
    idle = replace(NAMED["json-422"], implementation=lambda _: None)
    detection = detection_on_own_server(idle)
    assert (detection.changed_answers, detection.is_detected) == (0, False)
    assert detection.compared_answers > 50
    (problem,) = [item for item in detection.problems() if "changed no answer" in item]
    assert problem.startswith(f"json-422 under {SMALLEST}: the fault changed no answer")
    real = detection_on_own_server(NAMED["json-422"])
    assert real.changed_answers >= 1
    assert not any("changed no answer" in item for item in real.problems())


def test_a_correct_server_answers_alike_each_time() -> None:
    """Nothing that varies by itself counts as a change."""
    jobs = [job for job in plan.plan_jobs([SMALLEST], [], []) if job.server == CORRECT_SERVER.name] * 2
    first, second = asyncio.run(runner.run_jobs(jobs, lambda *_: None))
    assert first.answers.count_changed(second.answers) == second.answers.count_changed(first.answers) == 0
    assert first.answers.count_common(second.answers) == len(first.answers.digests) > 100


def test_a_selection_shows_which_checks_notice_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """`--fault` alone runs all cheap checks; checks that should notice it and don't are named."""
    assert cli.main(["self-check", "--fault", "json-42*", "--profile", SMALLEST]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"json-422 under {SMALLEST}: caught"
    rows = {line[2:14].strip(): line[15:] for line in lines[1:-1]}
    assert rows["missed by"] == rows["other areas"] == "none"
    assert "json.syntax.truncated" in rows["caught by"].split(", ")
    assert rows["changed"].endswith("compared answers")
    assert lines[-1] == "perfect"


def test_a_selection_of_checks_runs_the_faults_that_name_them(capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` alone needs no fault to be named, and runs no other check."""
    assert cli.main(["self-check", "--check", "auth.key.unknown", "--profile", SMALLEST, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(SCHEMA).validate(document)
    check_id = "auth.key.unknown"
    assert set(document["checks"]) == {check_id}
    naming = {fault.name for fault in FAULTS if check_id in {check.id for check in expected_checks(fault, CHECKS)}}
    assert {item["name"] for item in document["faults"]} <= naming
    assert all(item["profiles"][SMALLEST]["noticed"] == [check_id] for item in document["faults"])


def test_a_check_that_does_not_notice_a_selected_fault_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A fault and a check that has nothing to do with it: no check that must notice it was run."""
    command = ["self-check", "--fault", "json-422", "--check", "auth.key.unknown", "--profile", SMALLEST]
    assert cli.main(command) == 1
    output = capsys.readouterr().out
    assert f"json-422 under {SMALLEST}: NOT CAUGHT" in output
    assert f"json-422 under {SMALLEST}: the fault changed no answer" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fault", "json-42"), "--fault json-42: no such name; did you mean 'json-422'?"),
        (("--check", "auth.key.unknow"), "--check auth.key.unknow: no such name; did you mean 'auth.key.unknown'?"),
        (("--fault", "json-422", "--fault", "nothing-*"), "--fault nothing-*: no such name"),
        (("--fault", "pixels-crash", "--profile", SMALLEST), "nothing to run under segmentstream"),
    ],
)
def test_a_selection_of_nothing_is_wrong_usage(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that does not exist is answered with the nearest one."""
    assert cli.main(["self-check", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_command_ends_with_1_where_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And prints what it is; a report on standard output stays alone there."""
    wrong = replace(NAMED["json-422"], catching_checks="auth.key.unknown")
    monkeypatch.setattr(self_check, "run_self_check", partial(run_self_check, faults=[wrong], variants=[]))
    assert cli.main(["self-check", "--profile", SMALLEST, "--json", "-"]) == 1
    output = capsys.readouterr()
    assert json.loads(output.out)["totals"]["caught"] == 0
    assert "not noticed by auth.key.unknown" in output.err
    assert "not perfect" in output.err


def test_the_command_refuses_what_it_can_not_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown profile, two reports on one output, a file that can't be written."""
    assert cli.main(["self-check", "--profile", "nobody"]) == 2
    assert cli.main(["self-check", "--json", "-", "--markdown", "-"]) == 2
    monkeypatch.setattr(self_check, "run_self_check", partial(run_self_check, faults=[], variants=[]))
    nowhere = str(tmp_path / "no" / "s.json")
    assert cli.main(["self-check", "--profile", SMALLEST, "--json", nowhere]) == 3
    assert "the report can't be written" in capsys.readouterr().err
