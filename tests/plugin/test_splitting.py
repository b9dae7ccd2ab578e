"""Sessions that other plugins split, shuffle or strip: the verdicts are those of a plain session."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.plugin.test_fixtures import BY_TARGET, CONFTEST_HEAD, OWN_TEST, PROFILE
from tests.support import paths
from tests.support.pytest_sessions import WITHOUT_REORDERING, run_pytest, verdicts, write_project

if TYPE_CHECKING:
    import subprocess

EXAMPLE = paths.ROOT / "examples" / "asgi"
OPTIONS = ("-q", "-rA", "--conformance-json=report.json")


def copy_example(place: Path) -> Path:
    """A copy of the example project."""
    return Path(shutil.copytree(EXAMPLE, place / "asgi", ignore=shutil.ignore_patterns("__pycache__", ".*")))


def passed_node_ids(completed: subprocess.CompletedProcess[str]) -> list[str]:
    """The node ids of what passed, sorted."""
    return sorted(re.findall(r"^PASSED (\S+(?: \S+\])?)", completed.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str]]:
    """What passes in a plain session of the example, and its verdicts."""
    place = copy_example(tmp_path_factory.mktemp("plain"))
    completed = run_pytest(place, *OPTIONS, *WITHOUT_REORDERING)
    assert completed.returncode == 0, completed.stdout
    return passed_node_ids(completed), verdicts(place / "report.json")


SESSION_OPTIONS = {
    "split in two": ("-n", "2", "-p", "no:randomly"),
    "split and shuffled": ("-n", "2", "-p", "no:cacheprovider"),
    "split by file": ("-n", "2", "--dist", "loadfile", "-p", "no:randomly"),
    "shuffled": ("-p", "no:xdist", "-p", "no:cacheprovider"),
}


@pytest.mark.parametrize("arguments", SESSION_OPTIONS.values(), ids=SESSION_OPTIONS)
def test_the_verdicts_are_the_same(
    arguments: tuple[str, ...], plain: tuple[list[str], dict[str, str]], tmp_path: Path
) -> None:
    """However a session is run: the same node ids, the same verdicts, from one run that judged everything."""
    place = copy_example(tmp_path)
    completed = run_pytest(place, *OPTIONS, *arguments)
    assert completed.returncode == 0, completed.stdout
    assert (passed_node_ids(completed), verdicts(place / "report.json")) == plain
    assert len(re.findall("conforms, by the profile", completed.stdout)) == 1


def test_the_example_conforms(plain: tuple[list[str], dict[str, str]]) -> None:
    """The example passes its own test and every check that its profile has."""
    passed, verdicts_by_name = plain
    assert "tests/test_server.py::test_a_key_without_basic_credentials_is_unknown" in passed
    failed = [name for name, outcome in verdicts_by_name.items() if outcome.split()[1] == "fail"]
    assert all("same.target" in name for name in failed)  # uvicorn hands on a target as it stands
    assert {outcome.split()[1] for outcome in verdicts_by_name.values()} >= {"pass", "observed", "not-applicable"}
    assert not {outcome.split()[1] for outcome in verdicts_by_name.values()} & {"error", "untestable"}
    assert sum(outcome == "must pass" for outcome in verdicts_by_name.values()) > 30


def test_a_broken_example_is_found_out(tmp_path: Path) -> None:
    """If the server takes any key, the check of unknown keys fails, in whichever worker."""
    place = copy_example(tmp_path)
    server = place / "server.py"
    text = server.read_text("utf-8")
    whole = " and hmac.compare_digest(user, WRITE_KEY.encode())\n"
    assert text.count(whole) == 1
    server.write_text(text.replace(whole, "\n"), encoding="utf-8")
    completed = run_pytest(place, "-q", "-n", "2", "-k", "auth.key")
    assert completed.returncode == 1
    failed = re.findall(r"^FAILED conformance/cases/auth\.py::(\S+)\[", completed.stdout, re.MULTILINE)
    assert "auth.key.unknown" in failed
    assert "deviates, by the profile" in completed.stdout


SPLIT = ("--conformance-profile", PROFILE, "-q", "-n", "2", "-p", "no:randomly")
NOTHING_TO_JUDGE = {
    "nobody there": (BY_TARGET, (), 6, "http://127.0.0.1:1 can't be reached"),
    "no fixture": ("", (), 4, "conformance: nothing to judge"),
    "no target": (CONFTEST_HEAD + "def conformance_target():\n    return 7\n", (), 4, "gave a int: expected a URL"),
    "every worker for itself": (BY_TARGET, ("--dist", "each"), 4, "--dist each would judge the target"),
}  # fmt: skip


@pytest.mark.parametrize(("conftest", "arguments", "code", "words"), NOTHING_TO_JUDGE.values(), ids=NOTHING_TO_JUDGE)
def test_nothing_to_judge_ends_all_workers(
    conftest: str, arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    """What ends a plain session ends one that is split: with the same exit code, and the reason."""
    write_project(tmp_path, {"conftest.py": conftest, "test_own.py": OWN_TEST})
    completed = run_pytest(tmp_path, *SPLIT, *arguments, URL="http://127.0.0.1:1", CONFORMANCE_WRITE_KEY="key")
    assert completed.returncode == code, completed.stdout
    assert words in completed.stdout + completed.stderr
    assert "INTERNALERROR" not in completed.stdout + completed.stderr


def test_a_split_session_that_judges_nothing(tmp_path: Path) -> None:
    """Workers that only skip checks do not end the session with 0."""
    place = copy_example(tmp_path)
    completed = run_pytest(place, "-q", "-n", "2", "-k", "batch.count")
    assert completed.returncode == 6, completed.stdout
    assert "unjudged, by the profile" in completed.stdout
