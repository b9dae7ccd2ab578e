"""The reference server in a process of its own, for runs without a URL."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from conformance.core.errors import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.requests import Keys

_STOP_TIMEOUT_S = 5.0


@contextmanager
def run_embedded_server(profile: str, keys: Keys, include: Sequence[str] = ()) -> Iterator[str]:
    """Starts the reference server of a profile, yields its base URL, and stops it at the end.

    It is in a session of its own: signals from a terminal are for this process, whose end is also that of the server.
    Raises InconclusiveError if it does not start.
    """
    environment = {**os.environ, "CONFORMANCE_WRITE_KEY": keys.write_key}
    further = {
        "CONFORMANCE_BEARER": keys.bearer,
        "CONFORMANCE_SOURCE_ID": keys.source_id,
        "CONFORMANCE_DISABLED_WRITE_KEY": keys.disabled,
    }
    environment |= {name: key for name, key in further.items() if key}
    process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
        [sys.executable, "-m", "conformance.refserver", profile, *include],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
        start_new_session=True,
    )  # fmt: skip
    stdin, stdout = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
    try:
        url = stdout.readline().strip()
        if not url:
            raise InconclusiveError("the embedded reference server did not start")
        yield url
    finally:
        stdin.close()
        stdout.close()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
