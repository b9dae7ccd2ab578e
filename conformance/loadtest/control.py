"""What the command tells its workers while they run: a small file that all of them have in memory, and one budget."""

from __future__ import annotations

import contextlib
import enum
import fcntl
import mmap
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FIELDS = struct.Struct("<ddddII")
"""The time of the last sign of life, requests a second in all, the highest rate, when the phase began; users in all,
and how many are sent together."""
_SIZE = 64
_STATE_AT = 56
_FILE, _BUDGET_FILE = "control", "budget"
SILENCE_S = 6.0
"""Without a sign of life of the command for so long, a worker sends nothing more."""


class Order(enum.IntEnum):
    """What workers do: wait, send, or end."""

    WAIT = 0
    SEND = 1
    END = 2


class Control:
    """The file, mapped. The command writes, workers read; there is one writer, and each field is whole by itself."""

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        flags = os.O_RDWR | (os.O_CREAT if create else 0)
        descriptor = os.open(directory / _FILE, flags, 0o600)
        try:
            if create:
                os.ftruncate(descriptor, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    def write(self, now: float, rate: float, max_rate: float, epoch: float, users: int, together: int) -> None:  # noqa: PLR0913, PLR0917 - the fields of the file
        """Gives a sign of life, with what is to be sent; times are in seconds since 1970."""
        _FIELDS.pack_into(self._map, 0, now, rate, max_rate, epoch, users, together)

    def order(self, order: Order) -> None:
        """Tells workers to wait, to send or to end."""
        self._map[_STATE_AT] = order

    def read(self) -> tuple[float, float, float, float, int, int]:
        """The fields, as `write` has them."""
        return _FIELDS.unpack_from(self._map, 0)

    def current_order(self) -> int:
        """What workers are to do."""
        return self._map[_STATE_AT]


class Budget:
    """How many more requests and bytes may be sent, by all workers together; each takes some of it in advance.

    What a worker that was killed had taken is lost, so a budget is never exceeded.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / _BUDGET_FILE
        self._spent_path = directory / f"{_BUDGET_FILE}-spent"

    @property
    def is_spent(self) -> bool:
        """Whether something could not be sent because of it."""
        return self._spent_path.exists()

    def fill(self, requests: int, events: int, size_bytes: int) -> None:
        """Writes the whole budget; -1 is no limit."""
        self._path.write_bytes(struct.pack("<qqq", requests, events, size_bytes))

    def take(self, requests: int, events: int, size_bytes: int) -> bool:
        """Takes a part of what is left. False, and nothing is taken, if there is not enough."""
        descriptor = os.open(self._path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            left = struct.unpack("<qqq", os.pread(descriptor, 24, 0))
            wanted = (requests, events, size_bytes)
            if any(0 <= have < want for have, want in zip(left, wanted, strict=True)):
                self._spent_path.touch()
                return False
            rest = [have if have < 0 else have - want for have, want in zip(left, wanted, strict=True)]
            os.pwrite(descriptor, struct.pack("<qqq", *rest), 0)
        finally:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        return True
