"""Processes that the suite starts for itself end with the one that started it, however that ends, and say nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIMIT_S = 60
"""For processes to end that have nothing left to do, on a machine that is busy with others."""
EMBEDDED = """
import sys
from conformance.refserver.embedded import run_embedded_server
from conformance.requests import Keys

with run_embedded_server("segmentstream", Keys(write_key="key", bearer=None)) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
SERVER_POOL = """
import asyncio, sys
from conformance.requests import Keys
from conformance.selfcheck.server_pool import ServerPool

async def main():
    async with ServerPool(Keys(write_key="key", bearer=None)) as pool:
        print(await pool.open("segmentstream", "correct", ("event",)), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""
WORKERS = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from conformance.core.child_process import follow_parent

pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"), initializer=follow_parent)
print(pool.submit(os.getpid).result(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("script", [EMBEDDED, SERVER_POOL, WORKERS], ids=["embedded", "server pool", "workers"])
def test_nothing_outlives_a_parent_that_is_killed(script: str) -> None:
    """All of them hold the parent's standard error: it ends when the last of them has ended."""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip()
        parent.kill()
        _, said = parent.communicate(timeout=LIMIT_S)
    assert "Traceback" not in said


def test_a_server_whose_parent_has_gone_before_it_serves_says_nothing() -> None:
    """Nobody is there to read its address."""
    line = [sys.executable, "-m", "conformance.refserver", "segmentstream"]
    environment = {"CONFORMANCE_WRITE_KEY": "key", "PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        child.stdout.close()
        assert child.stderr is not None
        assert child.stderr.read() == ""
