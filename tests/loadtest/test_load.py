"""Loads: real processes against a real server, and figures that are those of the server."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import psutil
import pytest

from conformance.contract import Contract
from conformance.core.errors import UsageError
from conformance.core.resources import profile_names, read_json_spec
from conformance.loadtest.control import Budget
from conformance.loadtest.journal import FILE_SLOTS, JournalReader, JournalWriter
from conformance.loadtest.mix import Mix, read_mix
from conformance.loadtest.observer import Tally
from conformance.loadtest.shapes import Step, StepResult, find_limit
from conformance.loadtest.traffic import build_traffic
from conformance.profile import load
from conformance.report.load_changes import change_lines, compare_loads
from conformance.report.load_report import render_html_load, render_junit_load, render_markdown_load
from conformance.report.rank_test import mann_whitney
from conformance.requests import Keys
from conformance.run.permissions import permit_load
from conformance.wire import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = profile_names()[-2]
KEY = "load-write-key-1"


class _Server(http.server.ThreadingHTTPServer):
    """Counts requests; each five hundredth acceptable one is answered 500."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.count, self.lock = 0, threading.Lock()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """Answers a request as the profile has it, but for its fault."""
        body = self.rfile.read(int(self.headers["content-length"]))
        with self.server.lock:
            self.server.count += 1
            count = self.server.count
        try:
            json.loads(body)
            status = 500 if count % 100 == 0 else 200
        except ValueError:
            status = 400
        if b"unknown-key" in body or "unknown" in str(self.headers) or (len(body) > 32_768 and "b" not in self.path):
            status = 400
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "17")
        self.end_headers()
        self.wfile.write(b'{"success": true}' if status == 200 else b'{"message":"bad"}')

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    """A server of a thread for each connection."""
    with _Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def start(server: _Server, *options: str) -> subprocess.Popen[str]:
    """The command against a server."""
    url = f"http://127.0.0.1:{server.server_address[1]}"
    return subprocess.Popen(
        [sys.executable, "-m", "conformance", "load", url, "--profile", NAME, "--allow", "load", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "CONFORMANCE_WRITE_KEY": KEY},
    )  # fmt: skip


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The workers that a command has started."""
    children = psutil.Process(process.pid).children()
    return [child.pid for child in children if "--worker" in child.cmdline()]


def test_figures_are_those_of_the_server(server: _Server, tmp_path: Path) -> None:
    """Also if a worker is killed in the middle: what was sent is answered, or its answer is unknown."""
    report = tmp_path / "load.json"
    process = start(server, "--rate", "150", "--duration", "6", "--json", str(report))
    while server.count < 200 and process.poll() is None:
        time.sleep(0.05)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    process.communicate(timeout=60)
    document: dict[str, Any] = json.loads(report.read_text("utf-8"))
    totals = document["totals"]
    assert totals["sent"] == totals["answered"] + totals["unknown"]
    assert totals["answered"] <= server.count <= totals["sent"]
    assert document["load"]["worker_restarts"] == 1
    assert process.returncode == 1
    broken = {item["check"] for item in document["promises"] if item["level"] == "must"}
    assert broken <= {"robustness.concurrency.events", "robustness.concurrency.batches", "json.syntax.truncated"}
    assert "robustness.concurrency.events" in broken
    assert jsonschema_rs.validator_for(read_json_spec("load.schema.json")).is_valid(document)
    assert KEY not in report.read_text("utf-8")
    assert "robustness.concurrency.events" in render_markdown_load(document)
    assert "<svg" in render_html_load(document)
    assert "<failure" in render_junit_load(document)


def test_a_signal_ends_all_processes(server: _Server) -> None:
    """Ctrl-C ends the workers, too, and the exit code says so."""
    process = start(server, "--rate", "50", "--duration", "60")
    while server.count < 10 and process.poll() is None:
        time.sleep(0.05)
    pids = workers_of(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_journal_has_what_was_written(tmp_path: Path) -> None:
    """Each request once, over the end of a file, and those without an answer apart."""
    writer = JournalWriter(tmp_path, "w1")
    reader = JournalReader(tmp_path, "w1")
    for number in range(FILE_SLOTS + 10):
        writer.announce(0, 1, 2, 0, 1000.0)
        if number % 1000:
            writer.note_answer(number, 0, 200, took_s=0.1, wait_s=0.0, connection=1)
    answered = sum(1 for _ in reader.read_new())
    assert answered + sum(1 for _ in reader.unanswered()) == reader.sent_count == writer.count
    writer.note_answer(0, 3, 500, took_s=0.1, wait_s=0.0, connection=1)
    assert [sent.verdict for sent in reader.read_new()] == [3]


@pytest.mark.parametrize("limit", [50.0, 200.0, 1000.0])
def test_the_limit_is_found(limit: float) -> None:
    """Within five percent, where promises hold up to the limit."""
    shape = find_limit(10.0, 100_000.0, 30.0)
    step = next(shape)
    found = None
    for _ in range(100):
        try:
            step = shape.send(_result(step, limit))
        except StopIteration as end:
            found = end.value
            break
    assert found is not None
    assert limit / 1.06 <= found <= limit


def _result(step: Step, limit: float) -> StepResult:
    return StepResult(step=step, is_kept=step.rate <= limit, tally=Tally(), seconds=step.duration_s)


@pytest.mark.parametrize("name", profile_names())
def test_traffic_is_within_the_contract(name: str) -> None:
    """Under each profile there is something to send, with the shares that are asked for, and invalid requests."""
    keys = Keys(write_key="k-12345", source_id="s-12345", bearer="b-12345")
    target = parse_target("http://127.0.0.1:8080/prefix")
    traffic = build_traffic(Contract(load(name)), keys, target, Mix(), 0.02, "test")
    weights = [sum(item["weight"] for item in traffic["items"] if item["kind"] == kind) for kind in (0, 1)]
    assert weights[1] / sum(weights) == pytest.approx(0.02)
    assert all(" /prefix/" in item["head"].splitlines()[0] for item in traffic["items"])


def test_a_mix_is_data(tmp_path: Path) -> None:
    """Weights and sizes come from a file; a mistake in it is named."""
    path = tmp_path / "mix.yaml"
    path.write_text("format: 1\nsources: {batches: 1}\nbatch_events: {'3': 1}\nsizes: {median: 500}\n")
    mix = read_mix(str(path))
    assert (mix.sources["events"], mix.sources["batches"], mix.batch_events, mix.median_bytes) == (0, 1, {3: 1}, 500)
    path.write_text("format: 1\nsource: {}\n")
    with pytest.raises(UsageError, match="source"):
        read_mix(str(path))


@pytest.mark.parametrize(
    ("url", "settings", "max_rate", "message"),
    [
        ("http://127.0.0.1:1", {}, None, "--allow load"),
        ("http://10.0.0.1", {"allow": ["load"]}, 10.0, "--i-may-test 10.0.0.1"),
        ("http://10.0.0.1", {"allow": ["load"], "i_may_test": ["10.0.0.1"]}, None, "--max-rate"),
        ("http://8.8.8.8", {"allow": ["load"]}, 10.0, "--i-may-test 8.8.8.8"),
    ],
)
def test_loads_need_permission(url: str, settings: dict[str, Any], max_rate: float | None, message: str) -> None:
    """On this machine a word, on others also the host and the highest rate."""
    given = {"allow": [], "i_may_test": [], **settings}
    with pytest.raises(UsageError, match=message):
        permit_load(parse_target(url), load(NAME), given, max_rate)


def test_vendors_are_never_put_under_load() -> None:
    """Whatever is allowed."""
    profile = load(NAME)
    host = next(host for host in profile.hosts if "*" not in host)
    target = parse_target("http://127.0.0.1:1", headers=(f"Host: {host}",))
    with pytest.raises(UsageError, match="never"):
        permit_load(target, profile, {"allow": ["load"], "i_may_test": [host]}, 10.0)


def test_two_loads_are_compared() -> None:
    """The same load is as before; one that is slower in every second is slower."""

    def document(factor: float) -> dict[str, Any]:
        seconds = [{"rate": 50.0, "latency_ms": [[factor * (5 + n % 3), 40], [factor * 20, 2]]} for n in range(12)]
        return {"seconds": seconds, "promises": []}

    same, slower = (compare_loads(document(1.0), document(factor)) for factor in (1.0, 1.5))
    assert not same["is_worse"]
    assert {row["verdict"] for row in same["changes"]} == {"as before"}
    assert slower["is_worse"]
    assert "slower" in "".join(change_lines(slower))
    assert jsonschema_rs.validator_for(read_json_spec("load-changes.schema.json")).is_valid(slower)
    assert all(row["p_value"] == 1 for row in same["changes"])
    assert max(row["p_value"] for row in slower["changes"]) < 0.001


def test_ranks_are_compared() -> None:
    """With the figures of another program (mannwhitneyu of SciPy 1.17.1, asymptotic)."""
    assert mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(0.0121857804)
    assert mann_whitney([1, 2, 2, 3], [2, 3, 4, 5]) == pytest.approx(0.1366582477)
    assert mann_whitney([1, 1], [1, 1]) == 1


def test_a_budget_is_never_exceeded(tmp_path: Path) -> None:
    """By nobody who takes from it, and it says when it is spent."""
    takers = [Budget(tmp_path), Budget(tmp_path)]
    takers[0].fill(5, -1, 100)
    assert [taker.take(1, 3, 10) for taker in takers * 3] == [True] * 5 + [False]
    assert takers[0].is_spent
