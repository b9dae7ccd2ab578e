"""The picture of the HTML report in the README; `python -m tests.regenerate screenshot` takes it.

It shows a run with failures: a correct server of one vendor, judged by the profile of another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from conformance.contract import Contract
from conformance.profile import load
from conformance.refserver import Server
from conformance.report.html import render_html
from tests.support import paths
from tests.support.browser import launch, open_page

OUTPUT_PATH = paths.ROOT / "docs" / "report.png"
KEY = "conformance-screenshot"


def main() -> None:
    """Runs, renders, and takes the picture."""
    with Server(Contract(load("segment")), KEY, KEY) as server:
        completed = subprocess.run(
            [
                sys.executable,
                "-m",
                "conformance",
                "run",
                server.url,
                "--profile",
                "rudderstack",
                "--json",
                "-",
            ],
            env={**os.environ, "CONFORMANCE_WRITE_KEY": KEY, "CONFORMANCE_BEARER": KEY},
            capture_output=True,
            text=True,
            check=False,
        )
    page = render_html(json.loads(completed.stdout))
    with launch() as chromium, tempfile.TemporaryDirectory() as place:
        size = {"width": 1200, "height": 900}
        with open_page(chromium, Path(place) / "report.html", page, viewport=size, color_scheme="light") as opened_page:
            opened_page.page.screenshot(path=OUTPUT_PATH)
