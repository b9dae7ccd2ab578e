"""What pytest keeps from one session to the next: what failed, and where it stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.plugin.test_session import PROFILE, target_application
from tests.support.pytest_sessions import WITHOUT_REORDERING, run_pytest, write_project
from tests.targets.behaviour import STANDARD
from tests.targets.options import KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

OWN_TESTS = {
    "test_own.py": "def test_passes():\n    pass\n\n\ndef test_fails():\n    assert False\n",
    "test_other.py": "def test_passes():\n    pass\n",
}


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """The address of a server that takes any key."""
    with serve(target_application("unknown-key-accepted"), STANDARD) as url:
        yield url


def run_with_checks(place: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A session of a few checks, and of the project's own tests."""
    options = ("--conformance-url", url, "--conformance-profile", PROFILE, "--conformance-select", "auth.key.*")
    return run_pytest(place, *WITHOUT_REORDERING, "-q", "-rf", *options, *arguments, CONFORMANCE_WRITE_KEY=KEY)


def failed_names(completed: subprocess.CompletedProcess[str]) -> list[str]:
    """The node ids that a session lists as failed."""
    return re.findall(r"^FAILED (.+?)(?: - .*)?$", completed.stdout, re.MULTILINE)


def test_what_failed_runs_again(broken: str, tmp_path: Path) -> None:
    """`--lf` selects exactly what failed, of checks and of tests, and an id as it is shown selects one check."""
    place = write_project(tmp_path, OWN_TESTS)
    failed = failed_names(run_with_checks(place, broken))
    assert "test_own.py::test_fails" in failed
    assert "conformance/cases/auth.py::auth.key.unknown[POST /track]" in failed
    again = run_with_checks(place, broken, "--lf", "--junitxml=again.xml")
    assert failed_names(again) == failed
    assert re.search(rf"^{len(failed)} failed, \d+ deselected in ", again.stdout, re.MULTILINE), again.stdout
    times = re.findall(r'name="auth[^"]*" time="([\d.]+)"', (place / "again.xml").read_text("utf-8"))
    assert len(times) == len(failed) - 1
    assert [time for time in times if float(time) <= 0] == []
    pasted = run_with_checks(place, broken, "conformance/cases/auth.py::auth.key.unknown[POST /track]")
    assert failed_names(pasted) == ["conformance/cases/auth.py::auth.key.unknown[POST /track]"]
    assert "1 failed in " in pasted.stdout
