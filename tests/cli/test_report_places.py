"""Places of reports: tried before anything is sent, written whole, and none keeps another from being written."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.core import atomic_files
from conformance.profile import load
from conformance.refserver import Server
from conformance.report import html
from tests.support.scripted_server import answer_always, scripted_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, PROFILE = "Key-Of-Places", "segmentstream"
STALE = "of an earlier run"
SELECT = ("--profile", PROFILE, "--select", "accept.event.*", "--fuzz", "0")
LIMIT_S = 120


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a correct server."""
    with Server(Contract(load(PROFILE)), KEY) as server:
        yield server.url


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)


def is_whole(report: Path) -> bool:
    """Whether a report is that of a run which came to its end."""
    return json.loads(report.read_text(encoding="utf-8"))["complete"] is True


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("run", ("--html", "--ndjson", "--write-known-deviations")),
        ("fuzz", ("--junit",)),
        ("diff", ("--html",)),
        ("probe", ("--out",)),
    ],
)
def test_a_place_that_can_not_be_written_is_told_before_anything_is_sent(
    command: str, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All such places at once; and no report of an earlier run is left where this one has failed."""
    earlier = tmp_path / "earlier"
    earlier.write_text(STALE, encoding="utf-8")
    wrong = [f"{option}={tmp_path}/none/{number}" for number, option in enumerate(options)]
    with scripted_server(answer_always()) as server:
        urls = [server.url, server.url] if command == "diff" else [server.url]
        assert main([command, *urls, "--profile", PROFILE, "--fuzz=50", f"--json={earlier}", *wrong]) == 3
        assert server.received == []
    said = capsys.readouterr().err
    for option in options:
        assert f"{option} {tmp_path}" in said
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - hidden names, too


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--json=a", "--html=a"), "--json and --html can't both go to a"),
        (("--json=a", "--html=./b/../a"), "--json and --html can't both go to ./b/../a"),
        (("--json=",), "--json: its value is empty"),
        (("--json=-", "--html=/dev/stdout"), "only one report can go to standard output"),
    ],
)
def test_places_that_make_no_sense(
    options: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An empty variable of a CI system is no wish for no report."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    assert main(["run", "http://127.0.0.1:9", *SELECT, *options]) == 2
    assert said in capsys.readouterr().err


def test_one_that_fails_leaves_the_others(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk for one kind, a fault of ours in another: all others are written, and the verdict is printed."""

    def faulty(*_: object, **__: object) -> str:
        raise ValueError("a fault in a renderer")

    monkeypatch.setattr(html, "render_html", faulty)
    places = [f"--{kind}={tmp_path / kind}" for kind in ("html", "json", "badge", "ndjson")]
    assert main(["run", url, *SELECT, "--markdown=/dev/full", *places]) == 3
    shown = capsys.readouterr()
    assert "conforms at must" in shown.out
    assert "--markdown /dev/full: the report can't be written: No space left on device" in shown.err
    assert "the report can't be written: a fault of the suite, not of the target: ValueError" in shown.err
    assert sorted(os.listdir(tmp_path)) == ["badge", "json", "ndjson"]  # noqa: PTH208 - hidden names, too
    assert is_whole(tmp_path / "json")
    end = json.loads((tmp_path / "ndjson").read_text(encoding="utf-8").splitlines()[-1])
    assert (end["verdict"], end["exit_code"]) == ("conforms", 3)


def test_a_target_that_can_not_be_judged_has_reports_too(tmp_path: Path) -> None:
    """They say why, and nothing of an earlier run is left."""
    kinds = ("json", "junit", "markdown")
    for kind in kinds:
        (tmp_path / kind).write_text(STALE, encoding="utf-8")
    assert main(["run", "http://127.0.0.1:9", *SELECT, *(f"--{kind}={tmp_path / kind}" for kind in kinds)]) == 3
    document = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    assert (document["verdict"], document["checks"]) == ("unjudged", [])
    assert "no connection" in document["run"]["failure"]
    assert "<error message=" in (tmp_path / "junit").read_text(encoding="utf-8")
    assert "no connection" in (tmp_path / "markdown").read_text(encoding="utf-8")


def test_a_link_is_not_followed_and_permissions_stay(url: str, tmp_path: Path) -> None:
    """What a link points to is somebody else's; a report that was private stays so."""
    other, link, private = tmp_path / "other", tmp_path / "link", tmp_path / "private"
    other.write_text(STALE, encoding="utf-8")
    link.symlink_to(other)
    private.touch(mode=0o600)
    assert main(["run", url, *SELECT, f"--json={link}", f"--ndjson={private}"]) == 0
    assert other.read_text(encoding="utf-8") == STALE
    assert not link.is_symlink()
    assert is_whole(link)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_a_pipe_gets_its_report(url: str, tmp_path: Path) -> None:
    """As `--json >(jq .)` makes one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    assert main(["run", url, *SELECT, f"--json={pipe}"]) == 0
    reader.join(LIMIT_S)
    assert json.loads(read[0])["verdict"] == "conforms"


def test_dev_stdout_is_standard_output(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The report stands there alone."""
    assert main(["run", url, *SELECT, "--json=/dev/stdout"]) == 0
    assert json.loads(capsys.readouterr().out)["complete"] is True


def test_a_run_that_is_killed_while_it_writes_leaves_no_half_report(url: str, tmp_path: Path) -> None:
    """Neither the new one in part, nor the earlier one: something beside it at most."""
    place = tmp_path / "report"
    place.write_text(STALE, encoding="utf-8")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from conformance.cli import command\n"
        "command()\n"
    )
    line = [sys.executable, "-c", script, "run", url, *SELECT, f"--json={place}", "--quiet"]
    assert subprocess.run(line, check=False, timeout=LIMIT_S).returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(atomic_files.PART_PREFIX)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_progress_that_can_not_be_shown_ends_nothing(redirection: str, url: str, tmp_path: Path) -> None:
    """A log that is full, or closed, is no verdict on a target."""
    report = tmp_path / "report"
    line = f'exec "$@" {redirection}'
    arguments = [sys.executable, "-m", "conformance", "run", url, *SELECT, f"--json={report}"]
    ended = subprocess.run(
        ["sh", "-c", line, "sh", *arguments], stdout=subprocess.PIPE, text=True, check=False, timeout=LIMIT_S
    )
    assert ended.returncode == 0
    assert "conforms at must" in ended.stdout
    assert is_whole(report)


def test_a_reader_that_goes_away_is_no_broken_promise(url: str, tmp_path: Path) -> None:
    """`conformance run | head -0` ends with 3, not with the 1 of a library; the reports are there."""
    report = tmp_path / "report"
    reading, writing = os.pipe()
    os.close(reading)
    arguments = [sys.executable, "-m", "conformance", "run", url, *SELECT, f"--json={report}"]
    ended = subprocess.run(arguments, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=LIMIT_S)
    os.close(writing)
    assert ended.returncode == 3
    assert "standard output can't be written" in ended.stderr
    assert is_whole(report)
