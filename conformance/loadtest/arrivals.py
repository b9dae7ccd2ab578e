"""Reads a sink while a load goes on: which events came, how often and when, on disk, so that memory stays bounded."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.errors import InconclusiveError, UsageError
from conformance.sinks import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from conformance.sinks import Sink, SinkReader, StoredEvent

_TABLE = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE arrivals (worker TEXT, request INTEGER, event INTEGER, count INTEGER, first_s REAL,
                           PRIMARY KEY (worker, request, event)) WITHOUT ROWID;
"""
_ADD = """INSERT INTO arrivals VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1"""
_FILE, _START_S, _END_S = "arrivals.sqlite", 60.0, 20.0
Arrived = tuple[int, int, int, float]
"""The number of a request of a worker, that of an event in it, how often it came, and when first (since 1970)."""


class ArrivalWatch:
    """Reads a sink in a thread of its own. `trouble` says why that could not go on; empty if it can."""

    def __init__(self, sink: Sink, directory: Path, run: str) -> None:
        self._sink, self._path = sink, directory / _FILE
        self._pattern = re.compile(
            rf"conformance-{run}-([0-9a-f]{{4}})-([0-9a-f]{{4}})-([0-9a-f]{{4}})-([0-9a-f]{{12}})"
        )
        self._reader: SinkReader = open_reader(sink, os.environ)
        self._thread = threading.Thread(target=self._work, name="sink", daemon=True)
        self._is_ready, self._is_over = threading.Event(), threading.Event()
        self.trouble, self.count, self._last_new_s = "", 0, 0.0

    @property
    def skipped_count(self) -> int:
        """Records of the sink that hold no event that could be read."""
        return self._reader.skipped.count

    def start(self) -> None:
        """Notes what is there already, and begins to read. Raises InconclusiveError for trouble of the sink."""
        self._thread.start()
        if not self._is_ready.wait(_START_S) or self.trouble:
            raise InconclusiveError(self.trouble or f"the sink was not ready within {_START_S:g} s")

    def settle(self) -> Iterator[None]:
        """Yields until nothing new has come for a while, or for as long as the sink's file allows."""
        settle, began_s = self._sink.settle, time.monotonic()
        while not self.trouble and time.monotonic() - began_s < settle.at_most_s:
            if time.monotonic() - max(began_s, self._last_new_s) > settle.quiet_s:
                return
            yield

    def stop(self) -> None:
        """Ends reading; may be called twice, and at any time."""
        self._is_over.set()
        if self._thread.ident is not None:
            self._thread.join(_END_S)

    def arrived(self, worker: str) -> Iterator[Arrived]:
        """The events of a worker that arrived, by request and event."""
        connection = sqlite3.connect(self._path)
        try:
            yield from connection.execute(
                "SELECT request, event, count, first_s FROM arrivals WHERE worker = ? ORDER BY request, event",
                (worker,),
            )
        finally:
            connection.close()

    def _work(self) -> None:
        try:
            asyncio.run(self._read())
        except (InconclusiveError, UsageError, OSError, sqlite3.Error) as error:
            self.trouble = str(error)
        finally:
            self._is_ready.set()

    async def _read(self) -> None:
        connection = sqlite3.connect(self._path)
        try:
            connection.executescript(_TABLE)
            await self._reader.start()
            self._is_ready.set()
            while not self._is_over.is_set():
                events = await self._reader.read_new()
                with connection:
                    connection.executemany(_ADD, self._rows(events))
                if not events:
                    await asyncio.sleep(min(0.2, self._sink.settle.poll_s))
        finally:
            connection.close()
            await self._reader.close()

    def _rows(self, events: Iterable[StoredEvent]) -> Iterator[tuple[str, int, int, float]]:
        offset = time.time() - time.monotonic()
        for event in events:
            match = self._pattern.fullmatch(self._id(event.event))
            if match is not None:
                self.count += 1
                self._last_new_s = time.monotonic()
                yield match[1] + match[2], int(match[4], 16), int(match[3], 16), event.seen_s + offset

    def _id(self, event: Any) -> str:  # noqa: ANN401 - JSON without loss
        for pointer in self._sink.match.message_id:
            if pointers.has(event, pointer):
                value = pointers.get(event, pointer)
                return value if isinstance(value, str) else ""
        return ""
