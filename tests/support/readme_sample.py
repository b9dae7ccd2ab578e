"""The sample of a failure in the README, as a run prints it; `python -m tests.regenerate sample` writes it anew."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from conformance.contract import Contract
from conformance.profile import load
from conformance.refserver.servers import SERVERS
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config
from tests.support import paths

_PROFILE, _CHECK, _FAULT = "rudderstack", "size.event.over-chunked", "chunks-unweighed"
_SAMPLE = re.compile(r"^1  FAIL  .*?(?=^ +again )", re.DOTALL | re.MULTILINE)
"""The evidence of the one cause, up to the shell line, which is cut in the README."""


def with_sample(text: str) -> str:
    """A text with its sample as a run prints it now. Raises ValueError unless both have exactly one."""
    (printed,) = _SAMPLE.findall(_output())
    (_,) = _SAMPLE.findall(text)
    return _SAMPLE.sub(lambda _: printed, text)


def main() -> None:
    """Writes the sample into the README."""
    readme = paths.ROOT / "README.md"
    readme.write_text(with_sample(readme.read_text("utf-8")), encoding="utf-8")


def _output() -> str:
    """The output of a run against a server that does not count chunks."""
    application = SERVERS[_FAULT].change.create_application(Contract(load(_PROFILE)), "a-key", None)
    with ThreadedServer(uvicorn_config(application), "a broken server") as server:
        completed = subprocess.run(
            [sys.executable, "-m", "conformance", "run", server.url,
             "--profile", _PROFILE, "--select", _CHECK, "--quiet"],
            env={**os.environ, "CONFORMANCE_WRITE_KEY": "a-key", "CONFORMANCE_FUZZ": "0", "COLUMNS": "112"},
            cwd=paths.ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    return "\n".join(line.rstrip() for line in completed.stdout.splitlines())
