"""The gate: whatever a command or a session of pytest prints or writes, no key is in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from conformance import redaction
from conformance.cli import info, main
from conformance.core.errors import ConformanceError
from conformance.redaction.harmless import NOT_SHOWN
from tests.support.pytest_sessions import WITHOUT_REORDERING, run_pytest, write_project

if TYPE_CHECKING:
    from pathlib import Path

KEY = "Canary-7f3A9b2C51dE"
URL = "http://127.0.0.1:9"
OPTIONS = ("--profile", "segmentstream")
MISPLACED = {
    "a misspelt option": ("run", URL, *OPTIONS, "--write-kye", KEY),
    "a misspelt option with an equals sign": ("run", URL, *OPTIONS, f"--write-kye={KEY}"),
    "an option without a space": ("run", URL, *OPTIONS, f"--write-key{KEY}"),
    "an option with a single dash": ("run", URL, *OPTIONS, f"-write-key={KEY}"),
    "an ambiguous option": ("run", URL, *OPTIONS, f"--write={KEY}"),
    "a flag": ("run", URL, *OPTIONS, f"--quiet={KEY}"),
    "a command": (KEY,),
    "an argument too much": ("run", URL, KEY, *OPTIONS),
    "a format": ("export", "--format", KEY),
    "a number": ("run", URL, *OPTIONS, "--jobs", KEY),
    "a number with an equals sign": ("run", URL, *OPTIONS, f"--jobs={KEY}"),
    "a level": ("run", URL, *OPTIONS, "--gate", KEY),
    "an id": ("run", URL, *OPTIONS, "--run-id", f"{KEY} {KEY}"),
    "the file of the key": ("run", URL, *OPTIONS, "--write-key-file", KEY),
    "the file of the other key": ("diff", URL, URL, *OPTIONS, "--write-key", "a-key", "--write-key-file-b", KEY),
    "a query": ("run", f"{URL}/?writeKey={KEY}", *OPTIONS, "--write-key", "a-key"),
    "a fragment": ("run", f"{URL}/#{KEY}", *OPTIONS, "--write-key", "a-key"),
    "a user": ("run", f"http://{KEY}@127.0.0.1", *OPTIONS, "--write-key", "a-key"),
    "a port": ("run", f"{URL}{KEY}", *OPTIONS, "--write-key", "a-key"),
    "a URL": ("run", KEY, *OPTIONS, "--write-key", "a-key"),
    "words": ("run", URL, *OPTIONS, "--write-key", "a-key", "--select", KEY),
    "a tier": ("run", URL, *OPTIONS, "--write-key", "a-key", "--tier", KEY),
    "a profile": ("run", URL, "--write-key", "a-key", "--profile", KEY),
    "a group": ("run", URL, *OPTIONS, "--write-key", "a-key", "--include", KEY),
    "deviations": ("run", URL, *OPTIONS, "--write-key", "a-key", "--known-deviations", KEY),
    "authorities": ("run", "https://127.0.0.1:9", *OPTIONS, "--write-key", "a-key", "--ca-bundle", KEY),
    "a header": ("run", URL, *OPTIONS, "--write-key", "a-key", "--header", KEY),
    "a check": ("explain", KEY),
    "a finding": ("replay", KEY),
    "a report": ("report", KEY),
    "a name": ("probe", URL, "--write-key", "a-key", "--name", KEY),
}  # fmt: skip


@pytest.mark.parametrize("arguments", MISPLACED.values(), ids=MISPLACED)
def test_a_key_in_a_wrong_place_is_not_shown(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Though nothing says that it is the key."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("conformance: ")
    assert KEY.lower() not in captured.err.lower()


def test_a_key_in_a_variable_of_another_setting_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the variable."""
    monkeypatch.setenv("CONFORMANCE_JOBS", KEY)
    assert main(("run", URL, *OPTIONS, "--write-key", "a-key")) == 2
    assert capsys.readouterr().err == "conformance: $CONFORMANCE_JOBS: expected a whole number from 1 to 256\n"


def test_what_is_no_secret_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Misspelt words and numbers are repeated, as a person expects."""
    assert main(("run", URL, *OPTIONS, "--jobs", "300")) == 2
    assert "--jobs 300: " in capsys.readouterr().err
    assert main(("export", "--format", "word")) == 2
    assert "invalid choice: 'word'" in capsys.readouterr().err
    assert main(("export", "--format", "/etc/x")) == 2
    assert f"invalid choice: '{NOT_SHOWN}'" in capsys.readouterr().err


def test_the_key_in_a_path_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """It is the run's key, so the message about the target shows its variable."""
    assert main(("run", f"{URL}/{KEY}/v1", *OPTIONS, "--write-key", KEY)) == 3
    captured = capsys.readouterr()
    assert f"{URL}/$CONFORMANCE_WRITE_KEY/v1" in captured.err
    assert KEY.lower() not in (captured.out + captured.err).lower()


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_fault_of_ours_shows_no_key(
    debug: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither its message nor its traceback, and the exit code is the same."""

    def fail(_: object) -> int:
        raise RuntimeError(KEY)

    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    monkeypatch.setenv("CONFORMANCE_DEBUG", debug)
    monkeypatch.setitem(info.COMMANDS, "profiles", fail)
    assert main(("profiles",)) == ConformanceError.exit_code
    captured = capsys.readouterr()
    assert "RuntimeError: $CONFORMANCE_WRITE_KEY" in captured.err
    assert ("Traceback" in captured.err) is bool(debug)
    assert KEY not in captured.err


def test_headers_are_not_shown_by_config(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are plain are."""
    headers = ("--header", f"X-Env: {KEY}", "--plain-header", "X-Tier: gold-tier")
    assert main(("config", *headers, "--sarif-location", f"src/{KEY}.py")) == 0
    shown = capsys.readouterr().out
    assert "gold-tier" in shown
    assert KEY.lower() not in shown.lower()


def test_the_suites_own_words_stay() -> None:
    """A key that is a member of reports, or a level, does not spoil them."""
    with redaction.opened() as gate:
        gate.learn({"must": "$A", "checks": "$B"})
        document = {"checks": [{"level": "must", "message": "it must hold"}], "verdict": "must"}
        assert redaction.redact_document(document) == {
            "checks": [{"level": "must", "message": "it $A hold"}],
            "verdict": "must",
        }
        assert redaction.redact_file_text("checks:\n- must\n") == "checks:\n- must\n"


def test_a_gate_is_closed_again() -> None:
    """What was secret in one command is none in the next, and the streams are the process's."""
    streams = sys.stdout, sys.stderr
    with redaction.opened(with_streams=True) as gate:
        gate.learn({KEY: "$A"})
        with redaction.opened():
            assert redaction.redact(KEY) == KEY
        assert redaction.redact(KEY) == "$A"
    assert redaction.redact(KEY) == KEY
    assert (sys.stdout, sys.stderr) == streams


FAILING_TEST = f"""
def test_own():
    key = "{KEY[:6]}" + "{KEY[6:]}"
    print(key)
    assert not key
"""


def test_pytest_shows_no_key(tmp_path: Path) -> None:
    """Neither with local variables, nor in the file of its trace, which begins with the command line."""
    place = write_project(tmp_path, {"test_own.py": FAILING_TEST})
    target = ("--conformance-url", f"{URL}/{KEY}", "--conformance-profile", "segmentstream")
    key = ("--conformance-write-key", KEY)
    ended = run_pytest(place, *target, *key, "--debug", "-vv", "-l", "test_own.py", *WITHOUT_REORDERING)
    trace = (place / "pytestdebug.log").read_text("utf-8")
    assert ended.returncode == 1
    assert "assert not" in ended.stdout
    assert "--conformance-write-key" in trace
    assert "pytest_sessionfinish" in trace
    assert KEY.lower() not in (ended.stdout + ended.stderr + trace).lower()


def test_a_misspelt_option_of_pytest_shows_no_key(tmp_path: Path) -> None:
    """Its name is shown, and the nearest one that there is."""
    place = write_project(tmp_path, {"test_own.py": FAILING_TEST})
    ended = run_pytest(place, "--conformance-write-kye", KEY, "test_own.py", *WITHOUT_REORDERING)
    assert ended.returncode == 4
    assert "--conformance-write-kye; did you mean '--conformance-write-key'?" in ended.stderr
    assert KEY not in ended.stdout + ended.stderr
