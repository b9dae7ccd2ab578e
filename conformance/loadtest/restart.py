"""The command that restarts the target in the middle of a load. The user names it; it runs on this machine."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time

from conformance.core.errors import UsageError


class RestartCommand:
    """A command without a shell. It has to end by itself within `limit_s` seconds."""

    def __init__(self, text: str, limit_s: float) -> None:
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"--restart-command: {error}") from None
        if not self._words:
            raise UsageError("--restart-command: the command is empty")
        self._limit_s, self._end = limit_s, 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._trouble = ""

    def start(self) -> None:
        """Starts the command; `check` says if that can't be done."""
        self._end = time.monotonic() + self._limit_s
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                self._words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else "it could not be started"
            self._trouble = f"the restart command was not started: {reason}"

    def check(self) -> str:
        """Why the load can't go on because of the command; empty if it can."""
        if self._process is None or self._trouble:
            return self._trouble
        code = self._process.poll()
        if code is None and time.monotonic() > self._end:
            self._trouble = f"the restart command did not end within {self._limit_s:g} s"
        elif code:
            self._trouble = f"the restart command ended with {code}"
        return self._trouble

    def end(self) -> None:
        """Ends the command if it still runs; what it has started in the background goes on."""
        if self._process is not None and self._process.poll() is None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(2.0)
