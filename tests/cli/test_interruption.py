"""Signals at named points of every command that sends: 130, and all reports are there and say how far it came."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.core import interruption
from conformance.profile import load
from conformance.refserver import Server
from conformance.refserver.servers import SERVERS
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY, PROFILE = "Signal-Key-1", "segmentstream"
STALE = "of an earlier run"
SELECT = ("--select", "accept.event.*", "--fuzz", "0")
KINDS = {
    "run": ("json", "html", "markdown", "junit", "sarif", "badge", "ndjson", "write-known-deviations"),
    "fuzz": ("json", "junit"),
    "diff": ("json", "html", "markdown"),
    "probe": ("json", "out"),
}
POINTS = {
    "run": {
        "run.start_embedded_server": "while the reference server starts",
        "run.build_plan": "before a plan is there",
        "execution.execute": "before anything is sent",
        "progress.ProgressDisplay.on_verdict": "at the first verdict",
        "run.build_report": "after the last verdict",
        "output.render_report": "while reports are written",
        "run.print_report": "while the verdict is printed",
    },
    "fuzz": {
        "fuzz.load_corpus": "while requests are generated",
        "fuzz.Campaign": "before anything is sent",
        "fuzz.output.render": "while reports are written",
        "fuzz.report.print_findings": "while findings are printed",
    },
    "diff": {
        "diff.prepare_plans": "before anything is sent",
        "diff._fuzz_cases": "while requests are generated",
        "diff.output.render": "while reports are written",
    },
    "probe": {
        "probe.build_plan": "before anything is sent",
        "probe.probe_server": "before the first answer",
        "probe.to_yaml": "while the profile is written",
        "probe.to_json_text": "while the report is written",
        "probe.print_outcome": "while what was found is printed",
    },
}
"""Functions of `conformance.cli`, by command; a signal comes when they are called for the first time."""
CASES = [(command, point) for command, points in POINTS.items() for point in points]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a correct server."""
    with Server(Contract(load(PROFILE)), KEY) as server:
        yield server.url


def signal_at(point: str, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sends a signal to this process at the first call of a function; returns whether that came."""
    module, *names = point.split(".")
    owner: Any = importlib.import_module(f"conformance.cli.{module}")
    for name in names[:-1]:
        owner = getattr(owner, name)
    original: Callable[..., Any] = getattr(owner, names[-1])
    calls: list[str] = []

    def interrupted(*args: object, **options: object) -> object:
        calls.append(point)
        if len(calls) == 1:
            signal.raise_signal(number)
        return original(*args, **options)

    monkeypatch.setattr(owner, names[-1], interrupted)
    return calls


def line_of(command: str, url: str, place: Path) -> tuple[list[str], list[Path]]:
    """The arguments of a command with all reports that it has, and their places, where something is already."""
    words = {
        "run": ["run", url, "--profile", PROFILE, *SELECT],
        "fuzz": ["fuzz", url, "--profile", PROFILE, "--fuzz", "50"],
        "diff": ["diff", url, url, "--profile", PROFILE, *SELECT],
        "probe": ["probe", url, "--profile", PROFILE, "--max-requests", "60"],
    }[command]
    places = {kind: place / kind for kind in KINDS[command]}
    for file in places.values():
        file.write_text(STALE, encoding="utf-8")
    return [*words, *(f"--{kind}={file}" for kind, file in places.items())], [*places.values()]


@pytest.mark.parametrize(("command", "point"), CASES)
def test_a_signal_leaves_all_reports(
    command: str, point: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it comes; a probe that knows too little has no profile, and an earlier one is gone."""
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    line, places = line_of(command, url, tmp_path)
    if point == "run.start_embedded_server":
        line.remove(url)
    calls = signal_at(point, signal.SIGTERM, monkeypatch)
    assert main(line) == 130
    assert calls
    documents = {file.name: file.read_text(encoding="utf-8") for file in places if file.exists()}
    assert STALE not in documents.values()
    assert {file.name for file in places} - {*documents} <= {"out"}
    assert sorted(os.listdir(tmp_path)) == sorted(documents)  # noqa: PTH208 - hidden names, too
    report = json.loads(documents["json"])
    assert report["complete"] is False
    assert report.get("stopped", report.get("run", {}).get("stopped")) == "interrupted"
    if "junit" in documents:
        assert "<error message=" in documents["junit"]
    if "ndjson" in documents:
        end = json.loads(documents["ndjson"].splitlines()[-1])
        assert (end["event"], end["exit_code"], end["failure"]) == ("end", 130, "interrupted")


@pytest.mark.parametrize("point", ["run.load", "run.build_plan", "fuzz.build_plan", "diff.prepare_plans", "probe.load"])
def test_two_signals_before_anything_is_sent_leave_no_earlier_report(
    point: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one ends the command where it is; the last line says that nothing was written."""
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    monkeypatch.setattr(interruption, "INSISTING_S", 0.0)
    line, places = line_of(point.partition(".")[0], url, tmp_path)
    signal_at(point, signal.SIGINT, monkeypatch)
    monkeypatch.setattr(signal, "raise_signal", _twice(signal.raise_signal))
    assert main(line) == 130
    assert [file for file in places if file.exists()] == []
    assert capsys.readouterr().err.splitlines()[-1].startswith("conformance: interrupted before the end: ")


def _twice(send: Callable[[int], None]) -> Callable[[int], None]:
    def send_twice(number: int) -> None:
        send(number)
        send(number)

    return send_twice


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_every_signal_does_so(
    number: signal.Signals, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, and a terminal that is closed."""
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    line, places = line_of("run", url, tmp_path)
    signal_at("progress.ProgressDisplay.on_verdict", number, monkeypatch)
    assert main(line) == 130
    assert all(file.read_text(encoding="utf-8") != STALE for file in places)


def test_an_interrupted_run_has_the_causes_of_what_it_has_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are found from what it has seen, though a signal has come."""
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    app = SERVERS["null-crash"].change.create_application(Contract(load(PROFILE)), KEY, None)
    signal_at("progress.ProgressDisplay.on_verdict", signal.SIGTERM, monkeypatch)
    with ThreadedServer(uvicorn_config(app), "faulty") as server:
        place = tmp_path / "json"
        options = ["--select", "json.top-level.null", "--jobs", "1", "--fuzz", "0", f"--json={place}"]
        assert main(["run", server.url, "--profile", PROFILE, *options]) == 130
    report = json.loads(place.read_text(encoding="utf-8"))
    assert report["run"]["stopped"] == "interrupted"
    assert [item["sentence"] for item in report["causes"]] == ["null at the top level is answered with 500"]


def test_reasons_survive_an_interrupted_run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of known deviations that is read and written in one run is replaced only after all was judged."""
    listed = tmp_path / "known.yaml"
    text = "deviations:\n  - check: accept.event.minimal\n    reason: a person wrote this\n"
    listed.write_text(text, encoding="utf-8")
    options = [f"--known-deviations={listed}", f"--write-known-deviations={listed}", "--write-key", KEY]
    signal_at("progress.ProgressDisplay.on_verdict", signal.SIGINT, monkeypatch)
    assert main(["run", url, "--profile", PROFILE, *SELECT, *options]) == 130
    assert listed.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("command", ["list", "export"])
def test_commands_that_send_nothing_are_broken_off(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They can be repeated at will."""
    point, line = {
        "list": ("info.Contract", ["list", "--profile", PROFILE]),
        "export": ("export.build_export", ["export", "--format", "har", "--profile", PROFILE]),
    }[command]
    signal_at(point, signal.SIGINT, monkeypatch)
    assert main(line) == 130
    assert capsys.readouterr().err.splitlines()[-1].startswith("conformance: interrupted before the end")


def test_a_signal_where_python_drops_what_is_raised_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the command all the same; and what else is dropped there is still reported."""
    reported: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: reported.append(unraisable.exc_type))

    def drop_signal(_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    def drop_error(_: object) -> None:
        raise ValueError

    class Thing:
        """Something that weak references are made of."""

    thing = [Thing()]
    references = [weakref.ref(thing[0], drop_signal), weakref.ref(thing[0], drop_error)]
    with interruption.watching():
        with pytest.raises(KeyboardInterrupt), interruption.interruptible():
            thing.clear()
        assert interruption.has_come()
    assert [item() for item in references] == [None, None]
    assert reported == [ValueError]
