"""The real newman, which runs collections of Postman, installed from its registry."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.sdk_runs import program_path

REQUIREMENT = "newman@6.2.2"
DRIVER = Path(__file__).with_name("driver.cjs")
TIMEOUT_S = 120
"""How long newman may take for all that it is given, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRun:
    """A collection, as text, and the target that it is run against."""

    collection: str
    url: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionResult:
    """What newman made of a collection: the requests that failed, why, and how many there were."""

    failed: tuple[str, ...]
    messages: tuple[str, ...]
    assertions: int
    requests: int

    @property
    def failed_checks(self) -> set[str]:
        """The names of the checks with a failed request."""
        return {name.rpartition(" ")[0] for name in self.failed}


@dataclass(frozen=True, slots=True)
class Newman:
    """newman in a directory of its own."""

    directory: Path

    def install(self) -> None:
        """Installs newman, and all that it needs."""
        command = [program_path("npm"), "install", "--prefix", str(self.directory), "--ignore-scripts"]
        command += ["--no-audit", "--no-fund", "--no-save", "--loglevel=error", REQUIREMENT]
        subprocess.run(command, check=True, timeout=120, capture_output=True)

    def run(self, jobs: list[CollectionRun]) -> list[CollectionResult]:
        """Runs collections, two at a time, and returns what came of each."""
        completed = subprocess.run(
            [program_path("node"), str(DRIVER), str(self.directory)],
            input=json.dumps([[job.collection, job.url, job.key] for job in jobs]),
            check=True, timeout=TIMEOUT_S, capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip
        return [_collection_result(item) for item in json.loads(completed.stdout)]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command as somebody types it."""
        script = self.directory / "node_modules" / "newman" / "bin" / "newman.js"
        return subprocess.run(
            [program_path("node"), str(script), *arguments],
            check=False, timeout=TIMEOUT_S, capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip


def _collection_result(item: dict[str, Any]) -> CollectionResult:
    return CollectionResult(
        failed=tuple(name for name, _ in item["failures"]),
        messages=tuple(message for _, message in item["failures"]),
        assertions=item["assertions"],
        requests=item["requests"],
    )
