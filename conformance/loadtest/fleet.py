"""The processes of Locust that a load runs on: a master and workers, all ended with the command."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
"""The file that Locust's own command takes."""
MAX_RESTARTS = 50
_END_S = 5.0


class Fleet:
    """A master and some workers. A worker that ends is started again; the end of the master is that of the load."""

    def __init__(self, directory: Path, workers: int, users: int) -> None:
        self._directory, self._workers, self._users = directory, workers, users
        self._port = _free_port()
        self._log = (directory / "locust.log").open("ab")
        self.master: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self.restarts = 0

    def start(self) -> None:
        """Starts all processes."""
        self.master = self._start(
            "--master", "--headless", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(self._port),
            "--expect-workers", str(self._workers), "--users", str(self._users), "--spawn-rate", str(self._users),
            "--stop-timeout", "1", "--only-summary", "--csv", str(self._directory / "locust"),
        )  # fmt: skip
        self.workers = [self._start_worker() for _ in range(self._workers)]

    def check(self) -> str:
        """Starts workers again that have ended. Why the load can't go on; empty if it can."""
        if self.master is not None and self.master.poll() is not None:
            return "the master process has ended"
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                if self.restarts >= MAX_RESTARTS:
                    return "the worker processes end again and again"
                self.restarts += 1
                self.workers[number] = self._start_worker()
        return ""

    def stop(self) -> None:
        """Ends all processes, by force where they do not end by themselves."""
        processes = [*self.workers, *([self.master] if self.master else [])]
        end = time.monotonic() + _END_S
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, min(2.5, end - time.monotonic())))
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in processes:
                if process.poll() is None:
                    process.send_signal(number)
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)
        self._log.close()

    def log_tail(self) -> str:
        """The last lines that Locust wrote, for an error message."""
        lines = (self._directory / "locust.log").read_bytes().decode("utf-8", "replace").splitlines()
        return " | ".join(lines[-3:])

    def pids(self) -> Iterator[int]:
        """The processes of the workers."""
        return (worker.pid for worker in self.workers if worker.poll() is None)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return self._start("--worker", "--master-host", "127.0.0.1", "--master-port", str(self._port))

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "CONFORMANCE_LOAD_DIRECTORY": str(self._directory),
            "CONFORMANCE_LOAD_PARENT": str(os.getpid()),
        }
        return subprocess.Popen(  # noqa: S603 - Locust, by our own interpreter
            [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *arguments],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=environment, start_new_session=True,
            cwd=self._directory,
        )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
