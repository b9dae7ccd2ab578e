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
from conformance.cli import self_check
from conformance.core import resources
from conformance.refserver.faults import FAULTS
from conformance.refserver.variants import CORRECT_SERVER
from conformance.selfcheck import report, run_self_check
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.refserver.faults import Fault
    from conformance.refserver.variants import Variant
    from conformance.selfcheck import Score

SMALLEST = "segmentstream"
NAMED = {fault.name: fault for fault in FAULTS}
SCHEMA: dict[str, Any] = json.loads((resources.specs_dir() / "selfcheck.schema.json").read_text("utf-8"))


def score_of(faults: Sequence[Fault] = (), variants: Sequence[Variant] = ()) -> Score:
    """The score of a few servers under the smallest profile."""
    return asyncio.run(run_self_check([SMALLEST], lambda *_: None, faults, variants))


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
    assert totals["caught"] == totals["right_area"] == totals["broken"] >= len(FAULTS) > 150
    assert totals["false_alarms"] == totals["checks_without_a_fault"] == 0
    assert totals["correct"] > 50
    assert completed.stdout.splitlines()[-1] == "perfect"
    assert "/" in completed.stderr.splitlines()[-1]


def test_the_readme_has_its_totals(whole: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Nobody edits the numbers by hand and forgets them, neither in the README nor in the documentation."""
    totals = json.loads((whole[1] / "s.json").read_text("utf-8"))["totals"]
    readme = " ".join((paths.ROOT / "README.md").read_text("utf-8").split())
    assert totals["right_area"] == totals["caught"]
    assert f"catch {totals['caught']} of {totals['broken']} broken servers, each in the right area," in readme
    assert f"{totals['false_alarms']} false alarms on {totals['correct']} correct servers" in readme
    assert totals["checks_without_a_fault"] == 0
    assert f"none of the {totals['checks']} checks is without a fault" in readme
    page = (paths.ROOT / "docs" / "self-check.md").read_text("utf-8")
    rows = (
        f"| {totals['caught']} of {totals['broken']} ({totals['faults']} faults) |",
        f"| {totals['right_area']} of {totals['broken']} |",
        f"| {totals['false_alarms']} on {totals['correct']} |",
        f"| {totals['checks_without_a_fault']} of {totals['checks']} |",
    )
    for row in rows:
        assert row in page


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
