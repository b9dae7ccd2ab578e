"""What the command takes in memory, and that it ends, where every answer is as large as is read of it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.hostile.targets import answer
from tests.support.scripted_server import scripted_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scripted_server import ClientConnection

MAX_MIB = 220
TIMEOUT_S = 120
PROGRAM = """
import resource, sys
from conformance.cli import main
code = main(sys.argv[1:])
unit = 1024**2 if sys.platform == "darwin" else 1024
sys.stderr.write(f"\\n{code} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit}")
"""
BODY = json.dumps({"message": "m" * 130_000}).encode()


def large_and_different(peer: ClientConnection) -> None:
    """Answers each request with 127 KiB that are in no other answer, and with any of four statuses."""
    statuses = ("200 OK", "400 Bad Request", "413 Content Too Large", "299 Odd")
    for number in itertools.count():
        peer.read_request()
        status = statuses[0] if peer.requests_read() < 60 else statuses[number % 4]
        peer.send(answer(status, b"%d" % peer.requests_read() + BODY))


@pytest.mark.skipif(sys.platform == "win32", reason="the module resource is for POSIX")
def test_large_answers_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A comparison keeps all answers of both servers until its end: there are thousands."""
    with scripted_server(large_and_different) as server:
        arguments = ["diff", server.url, server.url, "--profile", "segmentstream", "--select", "accept,auth"]
        completed = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments, "--fuzz", "800", "--quiet"],
            cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            env={**os.environ, "CONFORMANCE_WRITE_KEY": "Memory-Key"},
        )  # fmt: skip
    assert "Traceback" not in completed.stderr
    code, most_mib = completed.stderr.split()[-2:]
    assert int(code) in {0, 1, 3}
    assert int(most_mib) < MAX_MIB
