"""Starts a server by a command, waits until it listens, and stops it with its child processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING

from conformance.core.errors import InconclusiveError
from conformance.core.text import escape_controls
from conformance.wire import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike

_LOOPBACK = "127.0.0.1"
_POLL_INTERVAL_S = 0.02
_STOP_TIMEOUT_S = 5.0
_OUTPUT_TAIL_BYTES = 4_096
"""How much of the end of a server's output is shown if it does not start."""


@contextlib.contextmanager
def run_server(
    command: Sequence[str | PathLike[str]],
    *,
    url: str = "http://127.0.0.1:{port}",
    env: Mapping[str, str] | None = None,
    cwd: str | PathLike[str] | None = None,
    timeout_s: float = 30.0,
) -> Iterator[str]:
    """Starts a server, yields its base URL once it accepts connections, and stops its process group at the end.

    Raises InconclusiveError, with its output, if it does not listen within `timeout_s` seconds.
    """
    port = str(_free_port())
    command_line = [os.fspath(word).replace("{port}", port) for word in command]
    base_url = url.replace("{port}", port)
    environment = {**os.environ, **{key: value.replace("{port}", port) for key, value in (env or {}).items()}}
    target = parse_target(base_url)
    address = (target.host, target.port)
    if _accepts_connections(address):
        raise InconclusiveError(f"something else listens on {base_url} already; write {{port}} for a free port")
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command
                command_line, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=environment, cwd=cwd, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise InconclusiveError(f"{escape_controls(command_line[0])} can't be started: {error.strerror}") from None
        try:
            _wait_until_listening(process, address, output, timeout_s)
            yield base_url
        finally:
            _stop(process)


def _free_port() -> int:
    """A port that is free at the moment."""
    with socket.create_server((_LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _accepts_connections(address: tuple[str, int]) -> bool:
    """Whether something accepts connections at an address."""
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1.0):
        return True
    return False


def _wait_until_listening(
    process: subprocess.Popen[bytes], address: tuple[str, int], output: IO[bytes], timeout_s: float
) -> None:
    """Waits until a server accepts connections. Raises InconclusiveError if it ends, or takes too long."""
    deadline_s = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < deadline_s:
        if _accepts_connections(address):
            return
        time.sleep(_POLL_INTERVAL_S)
    exit_code = process.poll()
    problem = (
        f"listens on no port {address[1]} after {timeout_s:g} s" if exit_code is None else f"ended with {exit_code}"
    )
    raise InconclusiveError(f"the server to judge {problem}{_output_tail(output)}")


def _output_tail(output: IO[bytes]) -> str:
    """The end of what a server printed, for a message."""
    length = output.seek(0, os.SEEK_END)
    output.seek(max(0, length - _OUTPUT_TAIL_BYTES))
    lines = output.read().decode("utf-8", "replace").splitlines()
    return (
        "; it printed nothing" if not lines else "; it printed:\n" + "\n".join(escape_controls(line) for line in lines)
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server and its child processes: with SIGTERM, then with SIGKILL."""
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    if hasattr(signal, "SIGKILL"):
        _signal_group(process, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Sends a signal to the group of a process, which may have ended already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
