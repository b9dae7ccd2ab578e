"""`conformance client` with clients that are known to be right or wrong."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.cli import main
from conformance.clients import load_client_scripts
from conformance.clients.judge import RULES
from conformance.clients.score import CLIENT, client_score, load_client_faults
from conformance.core.resources import read_json_spec
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SCHEMA = read_json_spec("client.schema.json")
BY_OPTION = """
import io, runpy, sys
script = sys.argv[sys.argv.index("--input") + 1]
sys.stdin, sys.argv = io.StringIO(script), ["client"]
print("a line of a log")
runpy.run_path({path!r}, run_name="__main__")
"""
"""A client that reads its script from an option only."""


def run(report: Path, *command: str, code: int) -> dict[str, Any]:
    """The JSON report of the command."""
    assert main(["client", "--profile", "segment", "--json", str(report), *command]) == code
    document: dict[str, Any] = json.loads(report.read_text("utf-8"))
    jsonschema_rs.validate(SCHEMA, document)
    return document


def test_every_bug_of_a_client_is_caught() -> None:
    """And the client without one keeps every rule in every script."""
    score = client_score()
    assert score.problems == ()
    assert score.caught == score.total >= 25
    assert score.scripts >= 30


def test_the_example_is_a_client(tmp_path: Path) -> None:
    """It breaks no rule in the scripts that need no long waits."""
    example = str(ROOT / "examples/client/client.py")
    said = run(
        tmp_path / "r.json", "--script", "o*", "--script", "a*", "--script", "large-*", sys.executable, example, code=0
    )
    assert len(said["scripts"]) >= 6
    assert [script for script in said["scripts"] if script["broken"]] == []


def test_a_client_may_read_its_script_from_an_option(tmp_path: Path) -> None:
    """As programs do that read nothing from standard input; or from a word of its command."""
    client = tmp_path / "client.py"
    client.write_text(BY_OPTION.format(path=str(CLIENT)), "utf-8")
    for words in ((), ("--input", "{}")):
        said = run(tmp_path / "r.json", "--script", "one-call", sys.executable, str(client), *words, code=0)
        assert [script["broken"] for script in said["scripts"]] == [[]]


def test_a_broken_rule_is_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A MUST fails, a SHOULD does not."""
    words = ("--script", "error-500", sys.executable, str(CLIENT))
    run(tmp_path / "r.json", *words, "new-ids-on-retry", code=1)
    assert "MUST ids: track Conformance" in capsys.readouterr().out
    run(tmp_path / "r.json", *words, "no-pause", code=0)
    assert "SHOULD back-off" in capsys.readouterr().out


def test_a_program_that_sends_nothing_is_no_client(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not judged, and its last words are shown."""
    words = [sys.executable, "-c", "raise SystemExit('no such option')"]
    assert main(["client", "--profile", "segment", "--json", str(tmp_path / "r.json"), *words]) == 3
    assert "the client sends nothing" in capsys.readouterr().err


def test_faults_name_scripts_and_rules() -> None:
    """Data of the suite is whole."""
    assert {fault.script for fault in load_client_faults()} <= {script.name for script in load_client_scripts()}
    assert {fault.rule for fault in load_client_faults()} == {*RULES} - {"end"}
