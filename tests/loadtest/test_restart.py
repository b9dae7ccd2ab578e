"""A server that is restarted in the middle of a load: it may be away for a while, and has to be as before."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from conformance.core.errors import UsageError
from conformance.core.resources import profile_names
from conformance.loadtest.restart import RestartCommand

if TYPE_CHECKING:
    from pathlib import Path

NAME = profile_names()[-2]
SERVER = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "17")
        self.end_headers()
        self.wfile.write(b'{"success": true}')
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
open(sys.argv[2], "w").write(str(os.getpid()))
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
RESTART = """
import os, signal, subprocess, sys, time
script, port, pid, wait = sys.argv[1:]
os.kill(int(open(pid).read()), signal.SIGKILL)
time.sleep(float(wait))
subprocess.Popen([sys.executable, script, port, pid], start_new_session=True)
"""


def test_a_server_is_restarted(tmp_path: Path) -> None:
    """Silence for a while is no broken promise."""
    script, restart, pid = tmp_path / "server.py", tmp_path / "restart.py", tmp_path / "pid"
    script.write_text(SERVER)
    restart.write_text(RESTART)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, str(script), port, str(pid)])
    try:
        for _ in range(100):
            if pid.exists() and pid.read_text():
                break
            time.sleep(0.1)
        command = shlex.join([sys.executable, str(restart), str(script), port, str(pid), "0.5"])
        report = tmp_path / "load.json"
        subprocess.run(
            [sys.executable, "-m", "conformance", "load", f"http://127.0.0.1:{port}", "--profile", NAME, "--allow",
             "load", "--shape", "restart", "--restart-command", command, "--rate", "20", "--duration", "11", "--bad",
             "0", "--recover-within", "5", "--json", str(report), "--quiet"],
            env={**os.environ, "CONFORMANCE_WRITE_KEY": "load-write-key-3"}, check=False, timeout=90,
        )  # fmt: skip
        document: dict[str, Any] = json.loads(report.read_text("utf-8"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGKILL)
        process.wait()
    assert document["load"]["exit_code"] == 0
    assert document["promises"] == []
    assert document["totals"]["dropped"] > 0
    assert [item["is_held"] for item in document["service_levels"]] == [True]


def test_commands_are_checked() -> None:
    """An empty one, one with an open quote, one that is not there, one that fails, and one that does not end."""
    for text in ("", "'a"):
        with pytest.raises(UsageError, match="--restart-command"):
            RestartCommand(text, 1.0)
    missing = RestartCommand("/nowhere/restart", 1.0)
    missing.start()
    assert "no such file" in missing.check()
    for text, problem in (("false", "ended with 1"), ("sleep 30", "did not end within 0.5 s")):
        failing = RestartCommand(text, 0.5)
        assert not failing.check()
        failing.start()
        for _ in range(100):
            if failing.check():
                break
            time.sleep(0.05)
        failing.end()
        assert failing.check() == f"the restart command {problem}"
