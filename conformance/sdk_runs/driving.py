"""Drives an installed SDK through a script, in a process of its own."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.foreign_json import read_json
from conformance.sdk_runs.installation import driver_environment

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.sdk_runs.installation import Place
    from conformance.sdk_runs.scripts import Script

DRIVE_TIMEOUT_S = 60.0
"""How long an SDK may take for all that it has to send."""
WRITE_KEY = "conformance-key-7b1d"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverResult:
    """What came of a drive: what the SDK reported, and how its process ended (`code` is None if it was ended)."""

    errors: tuple[str, ...]
    code: int | None
    elapsed_s: float
    stderr: str = ""

    @property
    def is_timed_out(self) -> bool:
        """Whether the SDK was not through within its time."""
        return self.code is None

    @property
    def is_broken(self) -> bool:
        """Whether the driver failed, so that nothing is known of the SDK."""
        return self.code not in {0, None}


def drive(
    place: Place, url: str, script: Script, *, key: str = WRITE_KEY, timeout_s: float = DRIVE_TIMEOUT_S
) -> DriverResult:
    """Makes an SDK send the events of a script to a server on loopback, and waits until it is through."""
    started = time.monotonic()
    text = script.to_json(url, key, place.package.config)
    try:
        completed = subprocess.run(  # noqa: S603 - the words are ours
            place.command, input=text, env=driver_environment(place), timeout=timeout_s, capture_output=True, text=True,
            check=False, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return DriverResult(errors=(), code=None, elapsed_s=time.monotonic() - started)
    output = read_json((completed.stdout.strip().splitlines() or [""])[-1])
    code = completed.returncode
    if not isinstance(output, dict):
        code = code or 1
    return DriverResult(
        errors=_errors_of(output), code=code, elapsed_s=time.monotonic() - started, stderr=completed.stderr[-2000:]
    )


def _errors_of(output: Json | object) -> tuple[str, ...]:
    """What an SDK complained of, by the output of its driver."""
    if not isinstance(output, dict):
        return ()
    errors = output.get("errors")
    if isinstance(errors, list):
        return tuple(str(error) for error in errors)
    return (str(output["error"]),) if output.get("error") else ()
