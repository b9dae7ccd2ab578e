"""Hostile targets: all are survived, in time and in little memory, and nothing of the key leaks."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hostile import targets
from tests.sockets import serving

if TYPE_CHECKING:
    from tests.sockets import Script

KEY = "Hostile-Canary+Key/42"
LIMIT_S, LIMIT_KIB = 60, 300 * 1024
WEIGH = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(child.pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command and writes its peak of memory, in KiB. A child counts what its parent weighs when it is
started, so the parent has to be light."""
PROFILE = "segmentstream"
REPORTS = ("json", "html", "markdown", "junit", "sarif", "badge", "ndjson")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]")
LEAKS = (KEY, base64.b64encode(f"{KEY}:".encode()).decode(), base64.b64encode(KEY.encode()).decode()[:-3],
         "Hostile-Canary%2BKey%2F42", r"Hostile-Canary+Key\/42")  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended: its code, all that it printed and wrote, and its memory."""

    code: int
    told: str
    written: str
    peak_kib: int


def command(url: str, place: Path, *arguments: str) -> Ended:
    """A command against a target, in a process of its own, with every report that there is."""
    files = [place / f"report.{name}" for name in REPORTS if arguments[0] == "run" or name == "json"]
    outputs = [word for file in files for word in (f"--{file.suffix[1:]}", str(file))]
    line = [sys.executable, "-m", "conformance", *arguments[:1], url, "--profile", PROFILE, *arguments[1:]]
    environment = {**os.environ, "CONFORMANCE_WRITE_KEY": KEY}
    weighed = [sys.executable, "-c", WEIGH, str(place / "peak"), *line, *outputs]
    with (place / "told").open("w+b") as told:
        child = subprocess.Popen(weighed, stdout=told, stderr=told, env=environment, start_new_session=True)
        watch = threading.Timer(LIMIT_S, os.killpg, (child.pid, signal.SIGKILL))
        watch.start()
        code = child.wait()
        watch.cancel()
        told.seek(0)
        text = told.read().decode()
    peak_kib = int((place / "peak").read_text()) if (place / "peak").exists() else sys.maxsize
    stored = Path(os.environ["XDG_CACHE_HOME"]).rglob("*.json")
    written = "".join(file.read_text(encoding="utf-8") for file in (*files, *stored) if file.exists())
    return Ended(code, text, written, peak_kib)


def survived(ended: Ended) -> None:
    """Nothing got out of hand, and nothing got out."""
    assert ended.peak_kib < LIMIT_KIB
    assert "Traceback" not in ended.told
    assert "a fault of the suite" not in ended.told + ended.written
    assert not CONTROLS.search(ended.told)
    assert [form for form in LEAKS if form in ended.told + ended.written] == []


UNJUDGED: dict[str, Script] = {
    "endless-headers": targets.endless_headers,
    "many-headers": targets.many_headers,
    "endless-line": targets.endless_line,
    "endless-chunks": targets.endless_chunks,
    "drip": targets.drip,
    "silence": targets.silence,
    "reset": targets.reset,
    "ssh": targets.ssh,
    "tls": targets.tls_alert,
    "interim": targets.interim,
    "elsewhere": targets.elsewhere(b"http://192.0.2.1/"),
    "file": targets.elsewhere(b"file:///etc/passwd"),
    "nasty-refusal": targets.nasty("400"),
    "nasty-failure": targets.nasty("500"),
    "echo-refusal": targets.echo(b"401"),
    "garbled-echo": targets.garbled_echo,
    "short": targets.short,
    "negative": targets.negative,
    "turning-silent": targets.turning(40, targets.silence),
    "turning-drip": targets.turning(40, targets.drip),
    "turning-torn": targets.turning(40, targets.reset),
    "turning-interim": targets.turning(40, targets.interim),
}
JUDGED: dict[str, Script] = {
    "endless-body": targets.endless_body,
    "bomb": targets.bomb,
    "false-codings": targets.false_codings,
    "nasty": targets.nasty("200"),
    "echo": targets.echo(b"200"),
    "early": targets.early,
    "long": targets.long,
}
FUZZED = (
    "bomb",
    "endless-body",
    "endless-chunks",
    "echo",
    "nasty",
    "early",
    "long",
    "turning-interim",
    "turning-silent",
)


@pytest.mark.parametrize("name", UNJUDGED)
def test_a_target_that_can_not_be_judged_is_said_to_be(name: str, tmp_path: Path) -> None:
    """Exit 3, whatever the target does to us."""
    with serving(targets.careful(UNJUDGED[name])) as server:
        ended = command(server.url, tmp_path, "run", "--deadline", "2")
    survived(ended)
    assert ended.code == 3, ended.told


def test_a_target_that_never_accepts_is_said_to_be(tmp_path: Path) -> None:
    """The kernel shakes hands for it with one or two; all others wait for nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended = command(url, tmp_path, "run", "--deadline", "2")
    survived(ended)
    assert ended.code == 3, ended.told
    assert "does not answer" in ended.told


@pytest.mark.parametrize("name", JUDGED)
def test_a_target_that_takes_everything_is_judged(name: str, tmp_path: Path) -> None:
    """Exit 1: what it does is a broken promise, and is shown without harm."""
    with serving(targets.careful(JUDGED[name])) as server:
        ended = command(server.url, tmp_path, "run")
    survived(ended)
    assert ended.code == 1, ended.told


@pytest.mark.parametrize("name", FUZZED)
def test_fuzzing_survives_too(name: str, tmp_path: Path) -> None:
    """The fast way of sending reads answers by itself, and has to be as careful."""
    with serving(targets.careful({**UNJUDGED, **JUDGED}[name])) as server:
        ended = command(server.url, tmp_path, "fuzz", "--fuzz", "100", "--deadline", "0.5", "--max-time", "5")
    survived(ended)
    assert ended.code in {1, 3}, ended.told
