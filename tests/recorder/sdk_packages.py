"""The official SDKs that can be recorded: how each is installed, and how it is made to speak."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DRIVERS = Path(__file__).with_name("drivers")
KEY = "conformance-key-7b1d"
TIMEOUT_S = 60
"""How long an SDK may take for all that it has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkPackage:
    """One version of an SDK: its name in specs/sdks, what to install, and which driver speaks through it."""

    slug: str
    requirement: str
    driver: str
    package: str = ""

    @property
    def is_python(self) -> bool:
        """Whether it is a Python package; the others are Node's."""
        return self.driver.endswith(".py")

    @property
    def event_sets(self) -> tuple[str, ...]:
        """What it can be asked to say, all in all."""
        return ("all", "batch") if "browser" in self.driver else ("all",)

    def install(self, place: Path) -> None:
        """Installs the SDK, and all that it needs, into a directory of its own."""
        place.mkdir(parents=True, exist_ok=True)
        if self.is_python:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            command += ["--target", str(place), self.requirement]
        else:
            command = [program_path("npm"), "install", "--prefix", str(place), "--ignore-scripts"]
            command += ["--no-audit", "--no-fund", "--no-save", "--loglevel=error", self.requirement]
        subprocess.run(command, check=True, timeout=120, capture_output=True)

    def send_events(self, place: Path, url: str, extent: str = "all") -> list[str]:
        """Sends one event of every kind (`all`, `batch`), or `one` alone: what the SDK complained of."""
        script = str(DRIVERS / self.driver)
        if self.is_python:
            command = [sys.executable, script, self.package, url, KEY, extent]
        else:
            command = [program_path("node"), script, str(place), url, KEY, extent]
        environment = {**os.environ, "PYTHONPATH": str(place), "NO_PROXY": "127.0.0.1"}
        completed = subprocess.run(
            command, env=environment, check=True, timeout=TIMEOUT_S, capture_output=True, text=True
        )
        output: Any = json.loads(completed.stdout.splitlines()[-1])
        return [str(error) for error in output["errors"]]


SDK_PACKAGES = (
    SdkPackage(
        slug="segment-analytics-python-2-3-4",
        requirement="segment-analytics-python==2.3.4",
        driver="python_sdk.py",
        package="segment.analytics",
    ),
    SdkPackage(
        slug="segment-analytics-python-2-4-0",
        requirement="segment-analytics-python==2.4.0",
        driver="python_sdk.py",
        package="segment.analytics",
    ),
    SdkPackage(
        slug="segment-analytics-node-3-1-0",
        requirement="@segment/analytics-node@3.1.0",
        driver="segment_node.cjs",
    ),
    SdkPackage(
        slug="segment-analytics-next-1-84-3",
        requirement="@segment/analytics-next@1.84.3",
        driver="segment_browser.cjs",
    ),
    SdkPackage(
        slug="rudder-sdk-python-2-1-9",
        requirement="rudder-sdk-python==2.1.9",
        driver="python_sdk.py",
        package="rudderstack.analytics",
    ),
    SdkPackage(
        slug="rudder-sdk-node-3-0-13",
        requirement="@rudderstack/rudder-sdk-node@3.0.13",
        driver="rudder_node.cjs",
    ),
)


def program_path(name: str) -> str:
    """The path of a program. Raises FileNotFoundError if it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed")
    return path
