"""The public door: what `import conformance` offers, and what it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import conformance
from conformance.core import resources

PUBLIC = ["Contract", "Level", "Outcome", "Profile", "Server", "Target", "Verdict", "load"]
SLOW_IMPORTS = {
    "anyio", "asyncio", "httpcore", "httpx", "jsonschema", "pytest", "rich", "uvicorn", "yaml",
}  # fmt: skip


def modules_loaded_by(program: str) -> set[str]:
    """The modules that a fresh interpreter has after a program."""
    completed = subprocess.run(
        [sys.executable, "-c", f"{program}; import sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(completed.stdout.split())


def test_the_public_names() -> None:
    """The list of public names is this one; a change of it is a decision."""
    assert conformance.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_is_there(name: str) -> None:
    """A public name leads to a thing of that name, with a docstring."""
    thing = getattr(conformance, name)
    assert thing.__name__ == name
    assert thing.__doc__


def test_no_other_name_is_there() -> None:
    """A name that is not offered is missing as in any module."""
    with pytest.raises(AttributeError, match="module 'conformance' has no attribute 'Wire'"):
        conformance.Wire  # noqa: B018 - looking is the point


@pytest.mark.parametrize("module", ["conformance", "conformance.plugin", "conformance.core.errors"])
def test_importing_costs_nothing(module: str) -> None:
    """Whoever only has the suite installed loads none of its dependencies; it is pytest that loads the plugin."""
    allowed = {"pytest"} if module == "conformance.plugin" else set()
    assert modules_loaded_by(f"import {module}") & SLOW_IMPORTS <= allowed


def test_a_public_name_loads_only_what_it_needs() -> None:
    """A public name loads its own room: a profile is read without a network or a server."""
    loaded = modules_loaded_by("from conformance import load; load('segment')")
    assert {"yaml", "jsonschema_rs"} <= loaded
    assert not loaded & {"asyncio", "httpcore", "httpx", "pytest", "rich", "uvicorn"}


def test_a_server_of_ones_own_in_a_few_lines() -> None:
    """The public names are enough to start a reference server."""
    contract = conformance.Contract(conformance.load("segmentstream"))
    with conformance.Server(contract, "key") as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_the_version() -> None:
    """The version is one that PEP 440 allows."""
    assert re.fullmatch(r"\d+(\.\d+)+((a|b|rc)\d+)?(\.dev\d+)?", conformance.__version__)


@pytest.mark.parametrize("name", ["openapi.yaml", "common.yaml", "profile.schema.json", "report.schema.json"])
def test_the_data_files_are_there(name: str) -> None:
    """The installation carries its data."""
    assert (resources.specs_dir() / name).is_file()


def test_is_typed() -> None:
    """The package says that it is typed."""
    assert (Path(conformance.__file__).parent / "py.typed").is_file()
