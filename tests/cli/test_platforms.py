"""The command runs on a Python without uvloop and without what only POSIX has."""

from __future__ import annotations

import subprocess
import sys

LIMIT_S = 120
"""For a whole run, on a machine that is busy with others; a bound, not a measurement."""
WITHOUT_POSIX = """
import os, select, signal, socket, sys, subprocess, asyncio, multiprocessing  # the standard library may have its POSIX

sys.modules["uvloop"] = None
for module, names in {
    signal: "SIGALRM SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGPIPE SIGQUIT ITIMER_REAL setitimer alarm pthread_sigmask",
    os: "killpg getpgid setsid getuid geteuid getpgrp",
    select: "poll epoll",
}.items():
    for name in names.split():
        delattr(module, name)
from conformance.cli import command

sys.argv = ["conformance", *sys.argv[1:]]
command()
"""


def test_a_run_needs_neither_uvloop_nor_posix() -> None:
    """Verdicts of a whole area, with connections that are used again, on the loop of asyncio."""
    arguments = ["run", "--profile", "segment", "--select", "json", "--fuzz", "0"]
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert "conforms" in ended.stdout
