"""The client of the server pool: one process that holds the servers of a self-check."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from conformance.core.errors import InconclusiveError

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from conformance.requests import Keys


@dataclass(slots=True)
class ServerPool:
    """A process that starts and stops servers on request, as an asynchronous context manager."""

    keys: Keys
    _process: Process | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __aenter__(self) -> Self:
        secrets = {
            "CONFORMANCE_WRITE_KEY": self.keys.write_key,
            "CONFORMANCE_BEARER": self.keys.bearer or "",
            "CONFORMANCE_SOURCE_ID": self.keys.source_id or "",
            "CONFORMANCE_DISABLED_WRITE_KEY": self.keys.disabled or "",
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "conformance.refserver.server_pool_process",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, **secrets},
            start_new_session=True,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def open(self, profile: str, server: str, selectors: tuple[str, ...]) -> str:
        """Starts a server and returns its base URL. Raises InconclusiveError if the process has ended."""
        async with self._lock:
            self._send_command({"open": [profile, server, *selectors]})
            stdout = self._process.stdout if self._process else None
            url = (await stdout.readline()).decode().strip() if stdout else ""
        if not url:
            raise InconclusiveError(f"the server {server} of {profile} did not start")
        return url

    def close(self, url: str) -> None:
        """Stops the server at a URL."""
        self._send_command({"close": int(url.rpartition(":")[2])})

    def _send_command(self, command: dict[str, object]) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(f"{json.dumps(command)}\n".encode())
