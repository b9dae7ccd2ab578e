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
from tests.support.scripted_server import scripted_server

if TYPE_CHECKING:
    from tests.support.scripted_server import ConnectionScript

KEY = "Hostile-Canary+Key/42"
LIMIT_S, LIMIT_KIB = 150, 300 * 1024
MEASURE_PEAK_MEMORY = """
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
class CommandResult:
    """How a command ended: its code, all that it printed and wrote, and its memory."""

    code: int
    output: str
    written: str
    peak_kib: int


def run_command(url: str, place: Path, *arguments: str) -> CommandResult:
    """A command against a target, in a process of its own, with every report that there is."""
    files = [place / f"report.{name}" for name in REPORTS if arguments[0] == "run" or name == "json"]
    outputs = [word for file in files for word in (f"--{file.suffix[1:]}", str(file))]
    line = [sys.executable, "-m", "conformance", *arguments[:1], url, "--profile", PROFILE, *arguments[1:]]
    environment = {**os.environ, "CONFORMANCE_WRITE_KEY": KEY}
    measured_command = [sys.executable, "-c", MEASURE_PEAK_MEMORY, str(place / "peak"), *line, *outputs]
    with (place / "told").open("w+b") as output_file:
        child = subprocess.Popen(
            measured_command, stdout=output_file, stderr=output_file, env=environment, start_new_session=True
        )
        watch = threading.Timer(LIMIT_S, os.killpg, (child.pid, signal.SIGKILL))
        watch.start()
        code = child.wait()
        watch.cancel()
        output_file.seek(0)
        text = output_file.read().decode()
    peak_kib = int((place / "peak").read_text()) if (place / "peak").exists() else sys.maxsize
    stored = Path(os.environ["XDG_CACHE_HOME"]).rglob("*.json")
    written = "".join(file.read_text(encoding="utf-8") for file in (*files, *stored) if file.exists())
    return CommandResult(code, text, written, peak_kib)


def assert_survived(ended: CommandResult) -> None:
    """Nothing got out of hand, and nothing got out."""
    assert ended.peak_kib < LIMIT_KIB
    assert "Traceback" not in ended.output
    assert "a fault of the suite" not in ended.output + ended.written
    assert not CONTROLS.search(ended.output)
    assert [form for form in LEAKS if form in ended.output + ended.written] == []


UNJUDGED: dict[str, ConnectionScript] = {
    "endless-headers": targets.endless_headers,
    "many-headers": targets.many_headers,
    "endless-line": targets.endless_line,
    "endless-chunks": targets.endless_chunks,
    "drip": targets.one_byte_a_second,
    "silence": targets.silence,
    "reset": targets.reset_mid_answer,
    "ssh": targets.ssh_banner,
    "tls": targets.tls_alert,
    "interim": targets.endless_interim_answers,
    "elsewhere": targets.redirect_to(b"http://192.0.2.1/"),
    "file": targets.redirect_to(b"file:///etc/passwd"),
    "nasty-refusal": targets.hostile_text_everywhere("400"),
    "nasty-failure": targets.hostile_text_everywhere("500"),
    "echo-refusal": targets.echo_key(b"401"),
    "garbled-echo": targets.echo_without_http,
    "short": targets.length_too_large,
    "negative": targets.invalid_lengths,
    "turning-silent": targets.good_until(40, targets.silence),
    "turning-drip": targets.good_until(40, targets.one_byte_a_second),
    "turning-interim": targets.good_until(40, targets.endless_interim_answers),
}
JUDGED: dict[str, ConnectionScript] = {
    "endless-body": targets.endless_body,
    "bomb": targets.gzip_bomb,
    "false-codings": targets.false_codings,
    "nasty": targets.hostile_text_everywhere("200"),
    "echo": targets.echo_key(b"200"),
    "early": targets.answer_before_request,
    "long": targets.length_too_small,
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
    with scripted_server(targets.ending_on_bad_request(UNJUDGED[name])) as server:
        ended = run_command(server.url, tmp_path, "run", "--deadline", "2")
    assert_survived(ended)
    assert ended.code == 3, ended.output


def test_a_target_that_breaks_its_answers_is_judged_for_it(tmp_path: Path) -> None:
    """From some moment on it goes away in the middle of each answer: the request before that is named, and fails."""
    torn = targets.good_until(40, targets.reset_mid_answer)
    with scripted_server(targets.ending_on_bad_request(torn)) as server:
        ended = run_command(server.url, tmp_path, "run", "--deadline", "2")
    assert_survived(ended)
    assert ended.code == 1, ended.output


def test_a_target_that_never_accepts_is_said_to_be(tmp_path: Path) -> None:
    """The kernel shakes hands for it with one or two; all others wait for nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended = run_command(url, tmp_path, "run", "--deadline", "2")
    assert_survived(ended)
    assert ended.code == 3, ended.output
    assert "does not answer" in ended.output


@pytest.mark.parametrize("name", JUDGED)
def test_a_target_that_takes_everything_is_judged(name: str, tmp_path: Path) -> None:
    """Exit 1: what it does is a broken promise, and is shown without harm."""
    with scripted_server(targets.ending_on_bad_request(JUDGED[name])) as server:
        ended = run_command(server.url, tmp_path, "run")
    assert_survived(ended)
    assert ended.code == 1, ended.output


@pytest.mark.parametrize("name", FUZZED)
def test_fuzzing_survives_too(name: str, tmp_path: Path) -> None:
    """The fast way of sending reads answers by itself, and has to be as careful."""
    with scripted_server(targets.ending_on_bad_request({**UNJUDGED, **JUDGED}[name])) as server:
        ended = run_command(server.url, tmp_path, "fuzz", "--fuzz", "100", "--deadline", "0.5", "--max-time", "5")
    assert_survived(ended)
    assert ended.code in {1, 3}, ended.output
