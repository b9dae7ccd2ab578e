"""The GitHub Action and the GitLab template: their shell steps, run as the runners run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.broken_servers import broken_server
from tests.support.paths import ROOT
from tests.targets.application import Application
from tests.targets.behaviour import STANDARD
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text("utf-8"))[".conformance"]
PROFILE = "segmentstream"
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
LIBRARIES = str(Path(pytest.__file__).parent.parent)
JOB = {
    "github.token": "a-token",
    "github.repository": "acme/events",
    "github.event.number": "7",
    "github.workflow": "CI",
    "github.job": "conformance",
    "strategy.job-index": "0",
}
"""What a job in a pull request knows of itself."""
FAKE_GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in *--jq*) cat "$KNOWN" ;; esac
"""
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}


def clean_environment(**more: str) -> dict[str, str]:
    """A runner's environment: this Python, and pip kept from any index: the wheel needs none."""
    ours = ("CONFORMANCE_", "PIP_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_IGNORE_INSTALLED": "1", "CONFORMANCE_FUZZ": "0"}
    return {**kept, **quiet, "PATH": path, "PYTHONPATH": LIBRARIES, **more}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel_path,) = place.glob("*.whl")
    return wheel_path


@dataclass(kw_only=True)
class ActionRunner:
    """A job on a runner: what its steps find, and what they leave behind."""

    place: Path
    wheel: Path
    inputs: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def expression_value(self, name: str) -> str:
        """What an expression stands for."""
        room, _, key = name.rpartition(".")
        if room == "inputs":
            return self.inputs.get(key, str(ACTION["inputs"][key]["default"]))
        if room == "steps.run.outputs":
            return self.outputs.get(key, "")
        return {"github.action_path": str(self.wheel), **JOB}[name]

    @property
    def outputs(self) -> dict[str, str]:
        """What the steps have put out."""
        lines = (self.place / "output").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        """The job's summary."""
        return (self.place / "summary").read_text("utf-8")

    def run_step(self, name: str) -> int:
        """Runs a step, as `shell: bash` does, and returns its exit code."""
        (matching_step,) = [item for item in STEPS if item["name"] == name]
        variables = {
            key: EXPRESSION.sub(lambda match: self.expression_value(match[1]), value)
            for key, value in matching_step["env"].items()
        }
        files = {
            "GITHUB_OUTPUT": str(self.place / "output"),
            "GITHUB_STEP_SUMMARY": str(self.place / "summary"),
        }
        for file in files.values():
            Path(file).touch()
        completed = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", matching_step["run"]],
            cwd=self.place, env=clean_environment(RUNNER_TEMP=str(self.place / "temp"), **files, **variables),
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        self.output += completed.stdout + completed.stderr
        return completed.returncode

    def run_job(self) -> int:
        """Runs what comes after the installation, and returns the exit code of the last step."""
        assert self.run_step("Run") == 0, self.output
        assert self.run_step("Summary") == 0, self.output
        return self.run_step("Verdict")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the step of installation leaves behind."""
    runner = ActionRunner(place=tmp_path_factory.mktemp("runner"), wheel=wheel)
    assert runner.run_step("Install") == 0, runner.output
    return runner.place / "temp"


@pytest.fixture
def runner(installed: Path, wheel: Path, tmp_path: Path) -> ActionRunner:
    """A runner on which the suite is installed."""
    (tmp_path / "temp").symlink_to(installed)
    return ActionRunner(place=tmp_path, wheel=wheel)


@pytest.fixture(scope="module")
def correct() -> Iterator[str]:
    """The address of a correct server."""
    with serve(Application(DIALECTS[PROFILE], Options()), STANDARD) as url:
        yield url


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """The address of a server that takes any key."""
    with broken_server("unknown-key-accepted", PROFILE) as url:
        yield url


def test_no_input_is_code() -> None:
    """Expressions stand in conditions, in the environment and in other actions' inputs, never in a script."""
    assert len(SCRIPTS) == 5
    for step in STEPS:
        assert "${{" not in step.get("run", "")
        assert step.get("shell") == ("bash" if "run" in step else None)
        assert re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step.get("uses", "a/b@v1"))
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(ACTION["inputs"])


def test_a_version_can_be_named(wheel: Path, tmp_path: Path) -> None:
    """With `version` that release is installed, from wherever pip finds it."""
    runner = ActionRunner(place=tmp_path, wheel=tmp_path / "nothing", inputs={"version": wheel.name.split("-")[1]})
    (step,) = [item for item in STEPS if item["name"] == "Install"]
    assert "ingest-conformance==" in step["run"]
    assert runner.run_step("Install") == 1
    assert "ingest-conformance==" in runner.output


def test_a_correct_server(runner: ActionRunner, correct: str) -> None:
    """The job succeeds; the summary is the Markdown report, and all reports are there to be uploaded."""
    runner.inputs = {"url": correct, "profile": PROFILE, "write-key": KEY, "reports": "my reports"}
    assert runner.run_job() == 0, runner.output
    place = runner.place / "my reports"
    names = sorted(path.name for path in place.iterdir())
    assert names == [f"conformance.{kind}" for kind in ("html", "json", "md", "sarif", "xml")]
    assert runner.outputs == {
        "exit-code": "0",
        "report": str(place / "conformance.json"),
        "directory": str(place),
        "sarif": str(place / "conformance.sarif"),
    }
    assert runner.summary == (place / "conformance.md").read_text("utf-8")
    assert "conforms" in runner.summary
    assert not [path for path in place.iterdir() if KEY in path.read_text("utf-8")]
    assert KEY not in runner.output + runner.summary


def test_a_broken_server(runner: ActionRunner, broken: str) -> None:
    """The job fails with 1, with an annotation; the summary names the broken promise."""
    arguments = "--select\nauth.key.*\n--jobs=4\n"
    runner.inputs = {"url": broken, "profile": PROFILE, "write-key": KEY, "arguments": arguments}
    assert runner.run_job() == 1, runner.output
    assert "auth.key.unknown" in runner.summary
    assert "size.event" not in runner.summary
    assert "::error title=Conformance::A promise at the gate was broken" in runner.output
    causes = json.loads(Path(runner.outputs["report"]).read_text("utf-8"))["causes"]
    assert len(re.findall("^::error file=.*MUST::", runner.output, re.MULTILINE)) == len(causes) > 0
    assert KEY not in runner.output + runner.summary


@pytest.mark.parametrize(("known", "method"), [("", "POST"), ("41\n", "PATCH")])
def test_a_comment_is_kept_up_to_date(tmp_path: Path, known: str, method: str) -> None:
    """The first time it is made, later changed; each job of a matrix has its own."""
    (tmp_path / "temp").mkdir()
    (tmp_path / "conformance.md").write_text("# The report\n", "utf-8")
    (tmp_path / "gh").write_text(FAKE_GH, "utf-8")
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "known").write_text(known, "utf-8")
    (step,) = [item for item in STEPS if item["name"] == "Comment"]
    names = {"GH_TOKEN", "REPOSITORY", "NUMBER", "PLACE", "DIRECTORY"}
    assert set(step["env"]) == names
    environment = {
        "REPOSITORY": "acme/events", "NUMBER": "7", "PLACE": "CI, conformance, 0", "DIRECTORY": str(tmp_path),
        "CALLS": str(tmp_path / "calls"), "KNOWN": str(tmp_path / "known"), "RUNNER_TEMP": str(tmp_path / "temp"),
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, check=True, capture_output=True, timeout=30)
    looked, wrote = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert "repos/acme/events/issues/7/comments --jq" in looked
    place = "issues/comments/41" if known else "issues/7/comments"
    assert wrote.startswith(f"api --silent --method {method} repos/acme/events/{place} --field body=@")
    body = (tmp_path / "temp" / "conformance-comment.md").read_text("utf-8")
    assert re.fullmatch(r"<!-- conformance [0-9a-f]{16} -->\n\n# The report\n", body)


def test_a_server_gives_the_runner_no_commands(runner: ActionRunner, broken: str) -> None:
    """While the suite speaks, the runner does not listen; the word that ends this can't be guessed."""
    runner.inputs = {"url": broken, "profile": PROFILE, "write-key": KEY, "arguments": "--select=auth.key.*"}
    runner.run_step("Run")
    first, *_, last = runner.output.strip().splitlines()
    word = first.removeprefix("::stop-commands::")
    assert re.fullmatch("[0-9a-f]{32}", word)
    assert last == f"::{word}::"


MISCONFIGURED = {
    "wrong usage": ({"profile": "nonsense"}, 2, "Wrong usage", "ended with 2"),
    "no profile": ({"url": "http://127.0.0.1:1"}, 2, "Wrong usage", "ended with 2"),
    "nobody there": (
        {"url": "http://127.0.0.1:1", "profile": PROFILE, "write-key": KEY},
        3, "Nothing can be said", "could not be judged",
    ),
    "code in place of a URL": (
        {"url": '"; touch hacked; $(touch hacked) `touch hacked`', "profile": PROFILE, "write-key": KEY},
        2, "Wrong usage", "ended with 2",
    ),
    "an option in place of a URL": (
        {"url": "--gate=may", "profile": PROFILE, "write-key": KEY}, 2, "Wrong usage", "ended with 2",
    ),
    "code in arguments": (
        {"arguments": "$(touch hacked)\n`touch hacked`\n; touch hacked", "profile": PROFILE},
        2, "Wrong usage", "ended with 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("inputs", "code", "words", "summary"), MISCONFIGURED.values(), ids=MISCONFIGURED)
def test_no_verdict(runner: ActionRunner, inputs: dict[str, str], code: int, words: str, summary: str) -> None:
    """What keeps the suite from judging fails the job with its own exit code, and no input is run."""
    runner.inputs = inputs
    assert runner.run_job() == code, runner.output
    assert f"::error title=Conformance::{words}" in runner.output
    assert summary in runner.summary
    assert not list(runner.place.rglob("hacked"))


def test_an_old_report_is_not_taken_for_a_new_one(runner: ActionRunner, correct: str) -> None:
    """A job that fails in a directory with an earlier report shows nothing of that."""
    runner.inputs = {"url": correct, "profile": PROFILE, "write-key": KEY, "arguments": "--select=auth.key.*"}
    assert runner.run_job() == 0, runner.output
    (runner.place / "summary").unlink()
    runner.inputs["url"] = "http://127.0.0.1:1"
    assert runner.run_job() == 3, runner.output
    assert "could not be judged" in runner.summary
    assert "127\\.0\\.0\\.1:1`" in runner.summary or "127.0.0.1:1`" in runner.summary


@pytest.mark.parametrize(("which", "code"), [("correct", 0), ("broken", 1)])
def test_the_gitlab_job(which: str, code: int, wheel: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The job's script ends as the suite does, and leaves the reports where GitLab looks for them."""
    variables = {**GITLAB["variables"], "CONFORMANCE_REQUIREMENT": str(wheel), "CONFORMANCE_PROFILE": PROFILE}
    variables |= {"CONFORMANCE_URL": request.getfixturevalue(which), "CONFORMANCE_WRITE_KEY": KEY}
    completed = subprocess.run(
        ["sh", "-e", "-c", "\n".join(GITLAB["script"])],
        cwd=tmp_path, env=clean_environment(**variables), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert completed.returncode == code, completed.stdout + completed.stderr
    assert (tmp_path / GITLAB["artifacts"]["reports"]["junit"]).is_file()
    issues = json.loads((tmp_path / GITLAB["artifacts"]["reports"]["codequality"]).read_text("utf-8"))
    assert bool(issues) == bool(code)
    (kept,) = GITLAB["artifacts"]["paths"]
    assert (tmp_path / kept / "conformance.html").is_file()
    assert GITLAB["artifacts"]["when"] == "always"
    assert KEY not in completed.stdout + completed.stderr
