"""Sessions of pytest in projects of users: each in a directory and a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_REORDERING = ("-p", "no:randomly", "-p", "no:xdist")
"""Without plugins that change the order of tests, or split them."""
_WITHOUT_SLOW_PLUGINS = ("-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:anyio")
"""Without plugins of our dependencies, which take a second to load."""
_TIMEOUT_S = 120


def run_pytest(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest as a user would, and returns what it said."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *_WITHOUT_SLOW_PLUGINS, *arguments],
        capture_output=True, text=True, encoding="utf-8", timeout=_TIMEOUT_S, check=False, cwd=place,
        env={**os.environ, "COLUMNS": "160", **environment},
    )  # fmt: skip


def write_project(place: Path, files: dict[str, str]) -> Path:
    """Writes a project's files, by their names."""
    for name, text in files.items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return place


def verdicts(file: Path) -> dict[str, str]:
    """The outcome of each check in a JSON report, by its name."""
    checks = json.loads(file.read_text("utf-8"))["checks"]
    return {f"{item['id']}[{item['operation']}]": f"{item['level']} {item['outcome']}" for item in checks}
