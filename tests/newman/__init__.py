"""The real newman, which runs collections of Postman, installed from its registry."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.recorder.kits import program

REQUIREMENT = "newman@6.2.2"
DRIVER = Path(__file__).with_name("driver.cjs")
MOST_S = 120
"""How long newman may take for all that it is given, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A collection, as text, and the target that it is run against."""

    collection: str
    url: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What newman made of a collection: the requests that failed, why, and how many there were."""

    failed: tuple[str, ...]
    messages: tuple[str, ...]
    assertions: int
    requests: int

    @property
    def checks(self) -> set[str]:
        """The names of the checks with a failed request."""
        return {name.rpartition(" ")[0] for name in self.failed}


@dataclass(frozen=True, slots=True)
class Newman:
    """newman in a directory of its own."""

    place: Path

    def install(self) -> None:
        """Installs newman, and all that it needs."""
        command = [program("npm"), "install", "--prefix", str(self.place), "--ignore-scripts"]
        command += ["--no-audit", "--no-fund", "--no-save", "--loglevel=error", REQUIREMENT]
        subprocess.run(command, check=True, timeout=120, capture_output=True)

    def run(self, jobs: list[Job]) -> list[Outcome]:
        """Runs collections, two at a time, and returns what came of each."""
        done = subprocess.run(
            [program("node"), str(DRIVER), str(self.place)],
            input=json.dumps([[job.collection, job.url, job.key] for job in jobs]),
            check=True, timeout=MOST_S, capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip
        return [_outcome(item) for item in json.loads(done.stdout)]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command as somebody types it."""
        script = self.place / "node_modules" / "newman" / "bin" / "newman.js"
        return subprocess.run(
            [program("node"), str(script), *arguments],
            check=False, timeout=MOST_S, capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip


def _outcome(item: dict[str, Any]) -> Outcome:
    return Outcome(
        failed=tuple(name for name, _ in item["failures"]),
        messages=tuple(message for _, message in item["failures"]),
        assertions=item["assertions"],
        requests=item["requests"],
    )
