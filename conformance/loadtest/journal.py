"""Journals: what each worker has sent, one slot for each request, in files that outlive the worker.

A slot is written before its request is sent, and filled in when the answer has come. The files are mapped into memory:
what a worker has written is there even if the next moment it is killed. So sums over all journals are exact, and a
request in flight then is counted as sent, with its answer unknown.
"""

from __future__ import annotations

import enum
import mmap
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOT = struct.Struct("<BBHHHHHdffI")
"""State, kind, verdict, status, item, events, attempt, due (seconds since 1970), seconds until sent, seconds from sent
to answered, connection."""
_TAIL = struct.Struct("<HH")
_TAIL_AT, _ITEM_AT, _WAIT_AT = 2, 6, 20
_TIMES = struct.Struct("<ffI")
FILE_SLOTS = 65_536
_FILE_BYTES = FILE_SLOTS * SLOT.size


class SlotState(enum.IntEnum):
    """How far a request has come. ANNOUNCED: about to be sent; whether it was is unknown unless it is SENT."""

    EMPTY = 0
    ANNOUNCED = 1
    SENT = 2
    ANSWERED = 3


class Kind(enum.IntEnum):
    """What a request is: an acceptable one, or an invalid one."""

    GOOD = 0
    BAD = 1


LIMITED = 0xFFFF
"""The verdict of a 429 as the contract has it: no broken promise, and not accepted either."""
DROPPED = 0xFFFE
"""The verdict of a request on a kept connection that the target had closed meanwhile; it is sent again at once."""


class JournalWriter:
    """The journal of one worker."""

    def __init__(self, directory: Path, worker: str) -> None:
        self._directory = directory
        self.worker = worker
        self._maps: list[mmap.mmap] = []
        self.count = 0

    def announce(self, kind: int, item: int, events: int, attempt: int, due: float) -> int:
        """Writes that a request is about to be sent, and returns its number."""
        number = self.count
        part, slot = divmod(number, FILE_SLOTS)
        if part == len(self._maps):
            self._maps.append(_create(self._directory / f"journal-{self.worker}-{part:06}"))
        self.count = number + 1
        offset = slot * SLOT.size
        target = self._maps[part]
        SLOT.pack_into(target, offset, 0, kind, 0, 0, item, events, attempt, due, 0.0, 0.0, 0)
        target[offset] = SlotState.ANNOUNCED
        return number

    def note_sent(self, number: int, wait_s: float, connection: int) -> None:
        """Writes that all of a request has been handed to the operating system."""
        part, slot = divmod(number, FILE_SLOTS)
        offset = slot * SLOT.size
        target = self._maps[part]
        _TIMES.pack_into(target, offset + _WAIT_AT, wait_s, 0.0, connection)
        target[offset] = SlotState.SENT

    def note_answer(  # noqa: PLR0913 - the fields of a slot
        self, number: int, verdict: int, status: int, *, took_s: float, wait_s: float, connection: int
    ) -> None:
        """Writes what became of a request; status 0 is no answer."""
        part, slot = divmod(number, FILE_SLOTS)
        offset = slot * SLOT.size
        target = self._maps[part]
        _TAIL.pack_into(target, offset + _TAIL_AT, verdict, status)
        _TIMES.pack_into(target, offset + _WAIT_AT, wait_s, took_s, connection)
        target[offset] = SlotState.ANSWERED


def _create(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.ftruncate(descriptor, _FILE_BYTES)
        return mmap.mmap(descriptor, _FILE_BYTES)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a journal. `due_s` is when it was due, in seconds since 1970; `status` 0 is no answer.

    `wait_s` is how late it was sent, `took_s` the time from then to the answer.
    """

    state: SlotState
    kind: Kind
    verdict: int
    status: int
    item: int
    events: int
    attempt: int
    due_s: float
    wait_s: float
    took_s: float
    connection: int


class JournalReader:
    """Reads the journal of one worker as it grows: each request is returned once, when it is answered.

    Requests that are not answered are returned by `unanswered`.
    """

    def __init__(self, directory: Path, worker: str) -> None:
        self._directory = directory
        self.worker = worker
        self._maps: list[mmap.mmap] = []
        self._open: list[int] = []
        self._next = 0

    def read_new(self) -> Iterator[Sent]:
        """The requests that were answered since the last time, the oldest first."""
        still_open = []
        for number in self._open:
            sent = self._read(number)
            if sent is not None and sent.state is SlotState.ANSWERED:
                yield sent
            else:
                still_open.append(number)
        while (sent := self._read(self._next)) is not None and sent.state is not SlotState.EMPTY:
            if sent.state is SlotState.ANSWERED:
                yield sent
            else:
                still_open.append(self._next)
            self._next += 1
        self._open = still_open

    @property
    def sent_count(self) -> int:
        """How many requests were announced, so far as was read."""
        return self._next

    def unanswered(self) -> Iterator[Sent]:
        """The requests without an answer so far."""
        return (sent for number in self._open if (sent := self._read(number)) is not None)

    def recent(self, count: int) -> Iterator[Sent]:
        """The last `count` requests so far as was read, and all that were announced since; of a new reader, all."""
        number = max(0, self._next - count)
        while (sent := self._read(number)) is not None and sent.state is not SlotState.EMPTY:
            yield sent
            number += 1

    def _read(self, number: int) -> Sent | None:
        part, slot = divmod(number, FILE_SLOTS)
        if part == len(self._maps) and not self._map(part):
            return None
        values = SLOT.unpack_from(self._maps[part], slot * SLOT.size)
        return Sent(SlotState(values[0]), Kind(values[1]), *values[2:])

    def _map(self, part: int) -> bool:
        path = self._directory / f"journal-{self.worker}-{part:06}"
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            if os.fstat(descriptor).st_size < _FILE_BYTES:
                return False
            self._maps.append(mmap.mmap(descriptor, _FILE_BYTES, prot=mmap.PROT_READ))
        finally:
            os.close(descriptor)
        return True


def workers_of(directory: Path) -> list[str]:
    """The workers that have journals in a directory."""
    return sorted({path.name.split("-")[1] for path in directory.glob("journal-*-000000")})
