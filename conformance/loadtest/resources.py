"""How busy the workers are, and how much memory the target's process has."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

_INTERVAL_S = 1.0


class ProcessWatch:
    """Samples processes once a second. `memory` holds (seconds since 1970, bytes) of the target's own process."""

    def __init__(self, server_pid: int | None) -> None:
        self.memory: list[tuple[float, int]] = []
        self._cpu: list[tuple[float, float]] = []
        self._workers: dict[int, psutil.Process] = {}
        self._server: psutil.Process | None = None
        self._last = 0.0
        if server_pid is not None:
            with contextlib.suppress(psutil.Error):
                self._server = psutil.Process(server_pid)

    def sample(self, pids: Iterable[int]) -> None:
        """Takes a sample, if the last one was long enough ago."""
        now = time.time()
        if now - self._last < _INTERVAL_S:
            return
        self._last = now
        busiest = 0.0
        for pid in pids:
            with contextlib.suppress(psutil.Error):
                if pid not in self._workers:
                    self._workers[pid] = psutil.Process(pid)
                busiest = max(busiest, self._workers[pid].cpu_percent())
        self._cpu.append((now, busiest))
        if self._server is not None:
            with contextlib.suppress(psutil.Error):
                self.memory.append((now, self._server.memory_info().rss))

    def worker_cpu(self, seconds: float) -> float:
        """The median share of a core, in percent, that the busiest worker used in the last seconds."""
        values = sorted(value for at, value in self._cpu if at > time.time() - seconds - 1)
        return values[len(values) // 2] if values else 0.0

    @property
    def highest_cpu(self) -> float:
        """The most that a worker used of a core in any second, in percent."""
        return max((value for _, value in self._cpu), default=0.0)
