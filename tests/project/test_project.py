"""The project as a whole: lint, types, and the wheel that people install."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conformance.core.resources import profile_names
from conformance.profile import load
from tests.conftest import SLOWEST_MODULES
from tests.support.paths import ROOT, TESTS


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a Python module as a user would and returns what it said."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=["lint", "format", "types"],
)
def test_the_code_is_clean(command: tuple[str, ...]) -> None:
    """Ruff and mypy have nothing to say."""
    completed = run("-m", *command)
    assert completed.returncode == 0, completed.stdout + completed.stderr


@pytest.mark.parametrize("name", SLOWEST_MODULES)
def test_the_slowest_modules_exist(name: str) -> None:
    """A module that was renamed would silently run late."""
    assert (TESTS / name).is_file()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    place = tmp_path_factory.mktemp("wheel")
    completed = run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(place))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    (wheel_path,) = place.glob("*.whl")
    return wheel_path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the wheel installs, and nothing of the checkout."""
    place = tmp_path_factory.mktemp("installed")
    completed = run("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place), str(wheel))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return place


def test_the_wheel_is_complete(wheel: Path) -> None:
    """It carries all specs and templates, and `conformance` is its only top level."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith("/METADATA")]
        description = archive.read(metadata).decode()
    specs = {path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*") if path.is_file()}
    assert {f"conformance/{name}" for name in specs} <= set(names)
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "conformance").rglob("templates/*")}
    assert {Path(name).suffix for name in pages} == {".html", ".css", ".js"}
    assert pages <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"conformance"}
    assert "conformance/py.typed" in names
    readings = sum(1 + len(load(name).readings) for name in profile_names())
    assert len([name for name in names if name.startswith("conformance/specs/requests/")]) == readings
    assert "](docs/" not in description
    assert "](https://github.com/" in description


COMMANDS = (
    ("run", "--profile", "segmentstream"),
    ("run", "--profile", "metarouter", "--select", "pixel"),
    ("run", "--profile", "segmentstream", "--html", "-"),
    ("run", "--profile", "segmentstream", "--ndjson", "-"),
    ("run", "--profile", "all", "--select", "accept.event.minimal", "--markdown", "-"),
    ("list",),
    ("list", "--profile", "segment"),
    ("explain", "size.event.over"),
    ("profiles",),
    ("export", "--profile", "segmentstream", "--format", "postman", "--select", "auth"),
    ("spec", "--profile", "rudderstack"),
    ("--version",),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_wheel_alone_runs_every_command(installed: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    """Without the checkout, every subcommand does its work."""
    completed = run("-m", "conformance", *command, cwd=tmp_path, PYTHONPATH=str(installed))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert completed.stdout


def test_the_wheel_is_what_runs(installed: Path, tmp_path: Path) -> None:
    """The tests above do not fall back on the checkout."""
    code = "import conformance, conformance.core.resources as r; print(conformance.__file__, r.specs_dir())"
    completed = run("-c", code, cwd=tmp_path, PYTHONPATH=str(installed))
    assert completed.stdout.count(str(installed)) == 2, completed.stdout + completed.stderr
