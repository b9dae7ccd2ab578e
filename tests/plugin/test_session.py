"""The pytest plugin: the checks as an ordinary session, with the same verdicts as the command."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from conformance.cli import main
from tests.targets.application import Application
from tests.targets.behaviour import STANDARD
from tests.targets.dialects import DIALECTS
from tests.targets.faults import broken_servers
from tests.targets.options import KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROFILE = "segmentstream"
WITHOUT_SLOW_PLUGINS = tuple(
    word
    for name in ("cacheprovider", "hypothesispytest", "anyio", "schemathesis", "randomly", "xdist")
    for word in ("-p", f"no:{name}")
)


def run_pytest(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A pytest session of its own, in a directory of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *WITHOUT_SLOW_PLUGINS, *arguments],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False, cwd=place,
        env={**os.environ, "CONFORMANCE_WRITE_KEY": KEY, "COLUMNS": "120"},
    )  # fmt: skip


def run_checks(place: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A session of the checks against a target."""
    target = ("--conformance-url", url, "--conformance-profile", PROFILE)
    return run_pytest(place, "--pyargs", "conformance.cases", *target, *arguments)


def target_application(fault: str = "") -> Application:
    """A server, correct or with a fault."""
    if not fault:
        return Application(DIALECTS[PROFILE], Options())
    return next(case for case in broken_servers() if case.name == f"{PROFILE}-{fault}").application(Options())


@pytest.fixture(scope="module")
def correct() -> Iterator[str]:
    """The address of a correct server."""
    with serve(target_application(), STANDARD) as url:
        yield url


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """The address of a server that takes any key."""
    with serve(target_application("unknown-key-accepted"), STANDARD) as url:
        yield url


def verdicts(file: Path) -> list[tuple[str, ...]]:
    """What a JSON report says of each check."""
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return [(item["id"], item["operation"], item["level"], item["outcome"]) for item in document["checks"]]


@pytest.mark.parametrize(("which", "code"), [("correct", 0), ("broken", 1)])
def test_says_the_same_as_the_command(which: str, code: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The plugin and the command come to the same verdicts, and end alike."""
    url: str = request.getfixturevalue(which)
    completed = run_checks(tmp_path, url, "-q", "--conformance-json", str(tmp_path / "plugin.json"))
    own = str(tmp_path / "command.json")
    arguments = ["--profile", PROFILE, "--write-key", KEY, "--quiet", "--json", own]
    assert (completed.returncode, main(["run", url, *arguments])) == (code, code), completed.stdout
    assert verdicts(tmp_path / "plugin.json") == verdicts(tmp_path / "command.json")


def node_ids(completed: subprocess.CompletedProcess[str]) -> list[str]:
    """The node ids of checks that a session shows."""
    return re.findall(r"conformance/cases/\w+\.py::\S+\[\w+ \S+\]", completed.stdout)


def test_node_ids_are_stable(correct: str, tmp_path: Path) -> None:
    """A check has one node id, collected or run, in every session, with -k or without."""
    collected = node_ids(run_checks(tmp_path, correct, "--collect-only", "-q"))
    assert len(collected) == len(set(collected)) > 60
    assert "conformance/cases/size.py::size.event.over[POST /track]" in collected
    run = node_ids(run_checks(tmp_path, correct, "-q", "-rA", "-k", "size.event and not band"))
    assert run == [name for name in collected if "size.event" in name and "band" not in name]


def test_nothing_is_sent_while_collecting(tmp_path: Path) -> None:
    """With --collect-only nobody connects to the target."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        completed = run_checks(tmp_path, url, "--collect-only", "-q")
        waiting, _, _ = select.select([listener], [], [], 0)
    assert completed.returncode == 0
    assert node_ids(completed)
    assert waiting == []


def test_the_first_failure_can_end_it(broken: str, tmp_path: Path) -> None:
    """With -x the session ends at the first broken promise, and still writes its report."""
    completed = run_checks(tmp_path, broken, "-x", "--conformance-json", str(tmp_path / "a.json"))
    assert completed.returncode == 1
    assert "stopping after 1 failures" in completed.stdout
    assert re.search(r"=+ 1 failed, ", completed.stdout)
    (failed,) = re.findall(r"^FAILED \S+::(\S+)\[POST /track\]", completed.stdout, re.MULTILINE)
    assert (failed, "POST /track", "must", "fail") in verdicts(tmp_path / "a.json")


def test_a_failure_reads_well(broken: str, tmp_path: Path) -> None:
    """A failure shows promise, source and curl line, no traceback, and never the write key."""
    completed = run_checks(tmp_path, broken, "-k", "auth.key.unknown")
    assert completed.returncode == 1
    for words in ("FAIL  auth.key.unknown[POST /track]  MUST", " expected  401", "source  HTTP API", "curl"):
        assert words in completed.stdout
    assert f"{broken}: deviates, by the profile {PROFILE} at the gate must" in completed.stdout
    assert "Traceback" not in completed.stdout + completed.stderr
    assert "conformance/run/engine.py" not in completed.stdout
    assert KEY not in completed.stdout + completed.stderr


def test_junit_of_pytest(broken: str, tmp_path: Path) -> None:
    """The JUnit report that pytest writes has every check, with level and outcome as properties."""
    file = tmp_path / "a.xml"
    completed = run_checks(tmp_path, broken, "-q", "-k", "auth.key or batch.count", "--junitxml", str(file))
    root = ET.fromstring(file.read_text("utf-8"))  # noqa: S314 - pytest's own report
    assert completed.returncode == 1
    outcomes = {
        case.get("name", ""): [item.get("value") for item in case.iter("property")] for case in root.iter("testcase")
    }
    assert outcomes["auth.key.unknown[POST /track]"] == ["must", "fail"]
    assert outcomes["batch.count.one"] == ["must", "not-applicable"]
    (suite,) = root.findall("testsuite")
    assert suite.get("tests") == str(len(outcomes))
    assert KEY not in file.read_text("utf-8")


@pytest.mark.parametrize(("gate", "code", "summary"), [("must", 0, " xfailed"), ("should", 1, " failed")])
def test_the_gate(gate: str, code: int, summary: str, tmp_path: Path) -> None:
    """A broken promise below the gate is an expected failure; at the gate it is a failure."""
    with serve(target_application("identity-unchecked"), STANDARD) as url:
        arguments = ("-rxf", "-k", "payload or accept.event.minimal", "--conformance-gate", gate)
        completed = run_checks(tmp_path, url, *arguments)
    assert completed.returncode == code
    last = completed.stdout.strip().splitlines()[-1]
    assert re.search(rf"\d{summary}", last)
    assert ("below the gate" in completed.stdout) is (gate == "must")


WRONG = {
    "repeated": (
        ("--conformance-profile", "segment", "--conformance-repeat", "2"),
        "only `conformance run` repeats runs",
    ),
    "no profile": ((), "--conformance-url needs --conformance-profile"),
    "unknown profile": (("--conformance-profile", "segmnet"), "no such profile; did you mean 'segment'?"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_usage(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """Wrong usage is one sentence, and pytest's exit code for it."""
    completed = run_pytest(
        tmp_path, "--pyargs", "conformance.cases", "--conformance-url", "http://127.0.0.1:1", *arguments
    )
    assert (completed.returncode, completed.stdout) == (4, "")
    (line,) = completed.stderr.strip().splitlines()
    assert line.startswith("ERROR: ")
    assert words in line


def test_a_target_that_is_down(tmp_path: Path) -> None:
    """A target that can't be reached ends the session with 6, and with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    completed = run_checks(tmp_path, url)
    assert completed.returncode == 6
    assert f"conformance: {url} can't be reached" in completed.stdout
    assert "Traceback" not in completed.stdout + completed.stderr


def test_nothing_that_applies(correct: str, tmp_path: Path) -> None:
    """A session in which no promise was judged does not end with 0."""
    completed = run_checks(tmp_path, correct, "-q", "-k", "batch.count")
    assert completed.returncode == 6
    assert f"{correct}: unjudged" in completed.stdout


KNOWN_DEVIATIONS = """deviations:
  - check: auth.key.unknown
    reason: the gateway before it knows the keys
"""


@pytest.mark.parametrize(("which", "code", "words"), [("broken", 0, "1 xfailed"), ("correct", 4, "passes now")])
def test_known_deviations(which: str, code: int, words: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A listed deviation is an expected failure, by the project's own settings; an entry that passes is stale."""
    (tmp_path / "known.yaml").write_text(KNOWN_DEVIATIONS, encoding="utf-8")
    (tmp_path / "conformance.toml").write_text('known-deviations = "known.yaml"\n', encoding="utf-8")
    completed = run_checks(
        tmp_path, request.getfixturevalue(which), "-rx", "-k", "auth.key.unknown or accept.event.minimal"
    )
    assert completed.returncode == code, completed.stdout
    assert words in completed.stdout
    assert ("known: the gateway before it knows the keys" in completed.stdout) is (code == 0)
    assert ("known.yaml:2: auth.key.unknown: passes now; delete lines 2 to 3" in completed.stdout) is (code == 4)


CONFTEST_WITHOUT_TARGET = """
import sys

def test_nothing_is_loaded():
    heavy = {"httpx", "httpcore", "yaml", "jsonschema", "uvicorn"}
    assert not heavy & set(sys.modules)
    assert sorted(name for name in sys.modules if name.startswith("conformance")) == [
        "conformance", "conformance.core", "conformance.core.errors", "conformance.core.model", "conformance.core.text",
        "conformance.core.user_files", "conformance.plugin", "conformance.plugin.fixtures", "conformance.settings",
        "conformance.settings.setting", "conformance.settings.table",
    ]
"""


def test_without_a_url_nothing_happens(tmp_path: Path) -> None:
    """An ordinary session passes as ever, and loads nothing of the suite's but its options and fixtures."""
    (tmp_path / "test_silent.py").write_text(CONFTEST_WITHOUT_TARGET, encoding="utf-8")
    completed = run_pytest(tmp_path, "-W", "error")
    assert completed.returncode == 0, completed.stdout
    assert "1 passed" in completed.stdout
    assert "conformance" not in re.sub(r"(?m)^plugins: .*$", "", completed.stdout)


def test_with_tests_of_ones_own(correct: str, tmp_path: Path) -> None:
    """Checks and tests of one's own run in one session."""
    (tmp_path / "test_own.py").write_text("def test_own():\n    assert True\n", encoding="utf-8")
    completed = run_checks(tmp_path, correct, "test_own.py", "-q", "-k", "test_own or accept.event.minimal")
    assert completed.returncode == 0, completed.stdout
    assert "2 passed" in completed.stdout
