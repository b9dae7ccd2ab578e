"""Runs that end before their end: by a budget, by a target that dies, by a signal; each says so truly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.core import resources
from conformance.report.document import EXIT_CODES
from tests.hostile.targets import answer, ending_on_bad_request, good_until, silence
from tests.support.scripted_server import ClientClosedError, ClientConnection, answer_always, scripted_server

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from tests.support.scripted_server import ConnectionScript

KEY = "Stopping-Key"
GRACE_S = 10
"""How long a command may take to end on a loaded machine; when nothing is loaded it takes a fraction."""


def die_after_some_answers(_: ClientConnection) -> None:
    """Hangs up."""
    raise ClientClosedError


def answer_500(peer: ClientConnection) -> None:
    """Fails on everything."""
    answer_always(answer("500 Internal Server Error", b"oops"))(peer)


def answer_slowly(peer: ClientConnection) -> None:
    """Asks to wait for long, again and again."""
    answer_always(answer("429 Too Many Requests", b"", b"Retry-After: 29"))(peer)


def run_command(url: str, place: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """A run in this process: its code, its JSON report and its JUnit report."""
    reports = ["--json", str(place / "r.json"), "--junit", str(place / "r.xml")]
    code = main(["run", url, "--profile", "segmentstream", "--write-key", KEY, *reports, *more])
    document = json.loads((place / "r.json").read_text(encoding="utf-8"))
    schema = json.loads((resources.specs_dir() / "report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    return code, document, (place / "r.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("then", "end"),
    [
        (die_after_some_answers, ("the target is gone: it has answered nothing for 0.3 s", "deviates")),
        (answer_500, ("20 answers in a row were failures", "unjudged")),
    ],
)
def test_a_target_that_dies_ends_the_run(
    then: ConnectionScript,
    end: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sentence, and a report of what was judged until then; exit 1 if one request was the last that it read."""
    said, verdict = end
    monkeypatch.setattr("conformance.run.outages.RETURN_S", 0.3)
    with scripted_server(ending_on_bad_request(good_until(60, then))) as server:
        code, document, junit = run_command(server.url, tmp_path)
        assert len(server.received) < 200
    assert code == EXIT_CODES[verdict]
    assert document["complete"] is False
    assert document["verdict"] == verdict
    assert said in document["run"]["stopped"]
    assert 0 < len(document["checks"]) < document["run"]["planned"]
    assert "the run is complete" in junit
    assert said in junit
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("word", "most"), [("requests", 40), ("bytes", 9_000), ("events", 30)])
def test_a_budget_is_the_end_of_sending(word: str, most: int, tmp_path: Path) -> None:
    """It is kept to the last request; what is left has no verdict, and the run does not end well."""
    with scripted_server(ending_on_bad_request(answer_always())) as server:
        code, document, _ = run_command(server.url, tmp_path, f"--max-{word}", str(most), "--fuzz", "100")
        sent = len(server.received)
    assert 0 < sent <= most
    errors = [item for item in document["checks"] if item["outcome"] == "error"]
    assert any(f"the budget of {most:,} {word} is used up (--max-{word})" in item["message"] for item in errors)
    assert document["complete"] is True
    assert code in {1, 3}


def test_all_profiles_share_a_budget() -> None:
    """What is sent at most is sent at most in all."""
    with scripted_server(ending_on_bad_request(answer_always())) as server:
        arguments = ["run", server.url, "--profile", "all", "--write-key", KEY, "--quiet"]
        assert main([*arguments, "--max-requests", "60"]) in {1, 3}
        assert 0 < len(server.received) <= 60


def test_a_budget_too_small_for_the_preflight_judges_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Not a byte is sent, and the sentence names the option."""
    with scripted_server(answer_always()) as server:
        assert main(["run", server.url, "--profile", "segmentstream", "--write-key", KEY, "--max-bytes", "5"]) == 3
        assert server.received == []
    assert "the budget of 5 bytes is used up (--max-bytes)" in capsys.readouterr().err


def test_fuzzing_keeps_its_budget() -> None:
    """Over the fast way of sending, too."""
    with scripted_server(ending_on_bad_request(answer_always())) as server:
        arguments = ["fuzz", server.url, "--profile", "segmentstream", "--write-key", KEY, "--quiet"]
        assert main([*arguments, "--fuzz", "300", "--max-requests", "50"]) in {1, 3}
        assert 0 < len(server.received) <= 50


def interrupted(
    number: signal.Signals, place: Path, then: ConnectionScript, command: str, *more: str
) -> tuple[int, Any]:
    """A command that gets a signal once the target has turned: its code and its JSON report."""
    with scripted_server(ending_on_bad_request(good_until(60, then))) as server:
        report = place / "r.json"
        line = [sys.executable, "-m", "conformance", command, server.url, "--profile", "segmentstream"]
        environment = {**os.environ, "CONFORMANCE_WRITE_KEY": KEY}
        with subprocess.Popen(
            [*line, "--json", str(report), "--quiet", *more],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            while len(server.received) < 60 and not server.is_stopping.wait(0.05) and child.poll() is None:
                pass
            server.is_stopping.wait(0.5)
            child.send_signal(number)
            _, stderr = child.communicate(timeout=GRACE_S)
    assert "Traceback" not in stderr
    return child.returncode, json.loads(report.read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("then", [silence, answer_slowly])
def test_a_signal_ends_a_run_at_once(number: signal.Signals, then: ConnectionScript, tmp_path: Path) -> None:
    """In the middle of waiting for an answer, or for the end of a 429."""
    code, document = interrupted(number, tmp_path, then, "run")
    assert code == 130
    assert document["complete"] is False
    assert document["verdict"] == "unjudged"
    assert document["run"]["stopped"] == "interrupted"
    assert 0 < len(document["checks"]) < document["run"]["planned"]


@pytest.mark.parametrize("then", [silence, answer_slowly])
def test_a_signal_ends_fuzzing_at_once(then: ConnectionScript, tmp_path: Path) -> None:
    """What failed until then is reported, and the report says that it is not all."""
    code, document = interrupted(signal.SIGINT, tmp_path, then, "fuzz", "--fuzz", "2000")
    assert code == 130
    assert document["complete"] is False
    assert document["duration_s"] > 0.4
    assert document["per_s"] <= document["requests"] / 0.4


def test_fuzzing_that_is_ended_before_its_first_request_has_no_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rate comes from the time that was spent sending."""

    def interrupt(campaign: Coroutine[object, object, None]) -> None:
        campaign.close()
        signal.raise_signal(signal.SIGINT)
        raise KeyboardInterrupt

    monkeypatch.setattr("conformance.core.event_loop.run", interrupt)
    report = tmp_path / "r.json"
    arguments = ["fuzz", "http://127.0.0.1:9", "--profile", "segmentstream", "--write-key", KEY, "--fuzz", "10"]
    assert main([*arguments, "--json", str(report)]) == 130
    assert "0 findings in 0 requests, seed 1" in capsys.readouterr().out
    document = json.loads(report.read_text(encoding="utf-8"))
    assert (document["duration_s"], document["per_s"]) == (0.0, 0)


def test_a_signal_ends_generating(tmp_path: Path) -> None:
    """Nothing has failed by then; the code is that of an interruption, wherever it came."""
    environment = {**os.environ, "CONFORMANCE_WRITE_KEY": KEY, "XDG_CACHE_HOME": str(tmp_path)}
    with scripted_server(ending_on_bad_request(answer_always())) as server:
        line = [sys.executable, "-m", "conformance", "fuzz", server.url, "--profile", "segmentstream"]
        with subprocess.Popen([*line, "--fuzz", "90000"], env=environment, stderr=subprocess.PIPE, text=True) as child:
            assert child.stderr is not None
            while "generating" not in child.stderr.readline():
                assert child.poll() is None
            child.send_signal(signal.SIGINT)
            _, stderr = child.communicate(timeout=GRACE_S)
    assert child.returncode == 130
    assert "interrupted" in stderr
    assert "fault" not in stderr
