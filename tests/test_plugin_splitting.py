"""Sessions that other plugins split, shuffle or strip: the verdicts are those of a plain session."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pytest_sessions import PLAIN, project, run, verdicts
from tests.test_plugin_fixtures import BY_TARGET, HEAD, OWN, PROFILE

if TYPE_CHECKING:
    import subprocess

EXAMPLE = Path(__file__).parent.parent / "examples" / "asgi"
OPTIONS = ("-q", "-rA", "--conformance-json=report.json")


def example(place: Path) -> Path:
    """A copy of the example project."""
    return Path(shutil.copytree(EXAMPLE, place / "asgi", ignore=shutil.ignore_patterns("__pycache__", ".*")))


def node_ids(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The node ids of what passed, sorted."""
    return sorted(re.findall(r"^PASSED (\S+(?: \S+\])?)", done.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str]]:
    """What passes in a plain session of the example, and its verdicts."""
    place = example(tmp_path_factory.mktemp("plain"))
    done = run(place, *OPTIONS, *PLAIN)
    assert done.returncode == 0, done.stdout
    return node_ids(done), verdicts(place / "report.json")


WAYS = {
    "split in two": ("-n", "2", "-p", "no:randomly"),
    "split and shuffled": ("-n", "2", "-p", "no:cacheprovider"),
    "split by file": ("-n", "2", "--dist", "loadfile", "-p", "no:randomly"),
    "shuffled": ("-p", "no:xdist", "-p", "no:cacheprovider"),
}


@pytest.mark.parametrize("arguments", WAYS.values(), ids=WAYS)
def test_the_verdicts_are_the_same(
    arguments: tuple[str, ...], plain: tuple[list[str], dict[str, str]], tmp_path: Path
) -> None:
    """However a session is run: the same node ids, the same verdicts, from one run that judged everything."""
    place = example(tmp_path)
    done = run(place, *OPTIONS, *arguments)
    assert done.returncode == 0, done.stdout
    assert (node_ids(done), verdicts(place / "report.json")) == plain
    assert len(re.findall("conforms, by the profile", done.stdout)) == 1


def test_the_example_conforms(plain: tuple[list[str], dict[str, str]]) -> None:
    """The example passes its own test and every check that its profile has."""
    passed, found = plain
    assert "tests/test_server.py::test_a_key_without_basic_credentials_is_unknown" in passed
    assert {outcome.split()[1] for outcome in found.values()} == {"pass", "observed", "not-applicable"}
    assert sum(outcome == "must pass" for outcome in found.values()) > 30


def test_a_broken_example_is_found_out(tmp_path: Path) -> None:
    """If the server takes any key, the check of unknown keys fails, in whichever worker."""
    place = example(tmp_path)
    server = place / "server.py"
    text = server.read_text("utf-8")
    whole = " and hmac.compare_digest(user, WRITE_KEY.encode())\n"
    assert text.count(whole) == 1
    server.write_text(text.replace(whole, "\n"), encoding="utf-8")
    done = run(place, "-q", "-n", "2", "-k", "auth.key")
    assert done.returncode == 1
    failed = re.findall(r"^FAILED conformance/cases/auth\.py::(\S+)\[", done.stdout, re.MULTILINE)
    assert "auth.key.unknown" in failed
    assert "deviates, by the profile" in done.stdout


SPLIT = ("--conformance-profile", PROFILE, "-q", "-n", "2", "-p", "no:randomly")
NOTHING = {
    "nobody there": (BY_TARGET, (), 3, "http://127.0.0.1:1 can't be reached"),
    "no fixture": ("", (), 4, "conformance: nothing to judge"),
    "no target": (HEAD + "def conformance_target():\n    return 7\n", (), 4, "gave a int: expected a URL"),
    "every worker for itself": (BY_TARGET, ("--dist", "each"), 4, "--dist each would judge the target"),
}  # fmt: skip


@pytest.mark.parametrize(("conftest", "arguments", "code", "words"), NOTHING.values(), ids=NOTHING)
def test_nothing_to_judge_ends_all_workers(
    conftest: str, arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    """What ends a plain session ends one that is split: with the same exit code, and the reason."""
    project(tmp_path, {"conftest.py": conftest, "test_own.py": OWN})
    done = run(tmp_path, *SPLIT, *arguments, URL="http://127.0.0.1:1", CONFORMANCE_WRITE_KEY="key")
    assert done.returncode == code, done.stdout
    assert words in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout + done.stderr


def test_a_split_session_that_judges_nothing(tmp_path: Path) -> None:
    """Workers that only skip checks do not end the session with 0."""
    place = example(tmp_path)
    done = run(place, "-q", "-n", "2", "-k", "batch.count")
    assert done.returncode == 3, done.stdout
    assert "unjudged, by the profile" in done.stdout
