"""What a package index, an editor and a container see of the suite."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from build_readme import absolute_links
from conformance.core.resources import read_json_spec
from conformance.profile.yaml_writer import to_yaml
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SPECS = ROOT / "specs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCE = PROJECT["urls"]["Source"]
RAW = SOURCE.replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()


def instructions(name: str) -> list[str]:
    """What stands after each instruction of a name."""
    return [line.removeprefix(f"{name} ") for line in DOCKERFILE if line.startswith(f"{name} ")]


def test_links_of_the_readme_lead_somewhere_from_an_index() -> None:
    """Each is absolute, and the file is there; pictures lead to their bytes."""
    text = absolute_links((ROOT / "README.md").read_text("utf-8"), SOURCE)
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", text)
    assert len(links) > 20
    for is_picture, link in links:
        base = RAW if is_picture else f"{SOURCE}/blob/main/"
        assert link.startswith(("https://", "#")), link
        if link.startswith((RAW, f"{SOURCE}/blob/main/")):
            assert (ROOT / link.removeprefix(base).partition("#")[0]).exists(), link


def test_urls_of_the_project_name_files_that_are_there() -> None:
    """Those of its own pages."""
    for url in PROJECT["urls"].values():
        assert url.startswith(SOURCE)
        path = url.partition("/blob/main/")[2]
        assert (ROOT / path).exists(), url


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.schema.json")), ids=lambda path: path.stem)
def test_schemas_have_one_pattern_of_urls(path: Path) -> None:
    """That of the file in the repository; schemas refer to each other by it. Patterns are those of ECMA-262."""
    schema = read_json_spec(path.name)
    assert r"\\Z" not in path.read_text("utf-8"), "$ is the end of a text"
    assert schema["$id"] == f"{RAW}specs/{path.name}"
    for reference in re.findall(r'"\$ref": ?"([^"#]+)', json.dumps(schema)):
        assert (SPECS / reference.removeprefix(f"{RAW}specs/")).is_file(), reference


def test_editors_find_the_schema_of_a_profile() -> None:
    """Of the template and of what is written, by the public URL; of those in the repository, by their path."""
    line = f"# yaml-language-server: $schema={RAW}specs/profile.schema.json"
    assert (ROOT / "docs" / "profile-template.yaml").read_text("utf-8").splitlines()[0] == line
    assert to_yaml({"format": 1}, ["a comment"]).splitlines()[:2] == [line, "# a comment"]
    for path in (SPECS / "profiles").glob("*.yaml"):
        relative = path.read_text("utf-8").splitlines()[0].rpartition("=")[2]
        assert (path.parent / relative).resolve() == SPECS / "profile.schema.json"


def test_the_image_runs_as_nobody_and_has_what_it_needs() -> None:
    """What is copied is what the package is built from; the user is not root."""
    kept = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line[0] == "!"]
    assert all((ROOT / name).exists() for name in kept)
    assert {"conformance", "specs", "pyproject.toml", "build_readme.py", "README.md", "LICENSE"} == {*kept}
    (user,) = instructions("USER")
    assert user.split(":")[0].isdecimal()
    assert int(user.split(":")[0]) > 0
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["conformance"]
    known = {"FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert {line.split()[0] for line in DOCKERFILE if line and not line.startswith("#")} <= known


def test_the_steps_of_the_image_are_shell(tmp_path: Path) -> None:
    """They are run in order, with programs that note what they are asked; nothing but `/source` is installed."""
    places = {name: tmp_path / name for name in ("source", "opt", "work", "bin")}
    for name in ("source", "opt", "bin"):
        places[name].mkdir()
    log, pip = tmp_path / "log", places["bin"] / "pip"
    programs = {
        "python": f'mkdir -p "$3/bin" && cp {pip} "$3/bin/pip" && echo "python $*" >> {log}\n',
        "pip": f'test -d {places["source"]} && echo "pip $*" >> {log}\n',
        "chown": f'echo "chown $*" >> {log}\n',
    }
    for name, text in programs.items():
        program = places["bin"] / name
        program.write_text(f"#!/bin/sh\n{text}")
        program.chmod(0o755)
    for step in instructions("RUN"):
        words = re.sub(r"/(source|opt|work)\b", lambda match: str(places[match[1]]), step)
        environment = {"PATH": f"{places['bin']}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(["sh", "-euc", words], check=True, env=environment, cwd=tmp_path, timeout=30)
    noted = log.read_text().splitlines()
    assert [line.split()[0] for line in noted] == ["python", "pip", "chown"]
    assert shlex.split(noted[1])[-1] == str(places["source"])
    assert not places["source"].exists()
    assert places["work"].is_dir()
