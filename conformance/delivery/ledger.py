"""The ledger of a run, on disk: what was sent and how it was answered, and what of it arrived in a sink."""

from __future__ import annotations

import enum
import re
import sqlite3
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core import pointers
from conformance.core.arrivals import Arrival
from conformance.core.model import ID_PREFIX
from conformance.core.statuses import CLIENT_ERROR, MULTI_STATUS, SERVER_ERROR, TOO_MANY_REQUESTS
from conformance.core.written_json import read_written_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.delivery.sent_events import SentEvent

_OK, _REDIRECT, _REQUEST_TIMEOUT = 200, 300, 408
_SCHEMA = """
CREATE TABLE requests (id INTEGER PRIMARY KEY, operation TEXT, check_id TEXT, outcome INTEGER, answered_s REAL);
CREATE TABLE events (id INTEGER PRIMARY KEY, request INTEGER, key TEXT, is_good INTEGER, body TEXT);
CREATE INDEX events_by_key ON events (key);
CREATE TABLE marks (mark TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID;
CREATE TABLE arrivals (id INTEGER PRIMARY KEY, key TEXT, position INTEGER, seen_s REAL, record TEXT, body TEXT);
CREATE INDEX arrivals_by_key ON arrivals (key);
"""


class Answered(enum.IntEnum):
    """How a request was answered.

    `UNCLEAR` is anything that says neither that all was taken nor that nothing was. `BROKEN_OFF` has no answer, and
    was owed none: we had closed our side of the connection, or its framing was wrong on purpose.
    """

    NOT = 0
    ACCEPTED = 1
    REFUSED = 2
    UNCLEAR = 3
    BROKEN_OFF = 4

    @classmethod
    def of_status(cls, status: int) -> Answered:
        """The meaning of a status; 0 if there was no answer."""
        if not status:
            return cls.NOT
        if _OK <= status < _REDIRECT and status != MULTI_STATUS:
            return cls.ACCEPTED
        is_refusal = CLIENT_ERROR <= status < SERVER_ERROR
        return cls.REFUSED if is_refusal and status not in {TOO_MANY_REQUESTS, _REQUEST_TIMEOUT} else cls.UNCLEAR


@dataclass(slots=True)
class Ledger:
    """What was sent and what arrived, in a file that is deleted at the end; little is held in memory.

    `nonce` is part of all marks of the run. Events without a mark are not in it. Where a stored event has marks of
    several events, that in its message id, at the pointer `message_id`, tells which one it is.
    """

    nonce: str
    directory: str | None = None
    message_id: str | None = None
    strays: int = 0
    others: int = 0
    _file: Path = field(init=False)
    _database: sqlite3.Connection = field(init=False)
    _mark: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        with tempfile.NamedTemporaryFile(prefix="conformance-ledger-", dir=self.directory, delete=False) as file:
            self._file = Path(file.name)
        self._database = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        self._database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32000;")
        self._database.executescript(_SCHEMA)
        with suppress(OSError):  # it is gone however the run ends; Windows deletes no open files, and waits for `close`
            self._file.unlink()
        self._database.execute("BEGIN")
        self._mark = re.compile(rf"{ID_PREFIX}-{self.nonce}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}")

    @property
    def database(self) -> sqlite3.Connection:
        """The database, for those who judge it."""
        return self._database

    def close(self) -> None:
        """Deletes the file."""
        self._database.close()
        with suppress(OSError):
            self._file.unlink()

    def add_request(self, operation: str, check_id: str, events: Iterable[SentEvent]) -> int | None:
        """Adds a request that is about to be sent; None if none of its events has a mark."""
        rows = []
        for item in events:
            body = write_json(item.event)
            if marks := self._mark.findall(body):
                rows.append((self._key_of(marks), item.is_good, body))
        if not rows:
            return None
        cursor = self._database.execute(
            "INSERT INTO requests (operation, check_id, outcome) VALUES (?, ?, ?)", (operation, check_id, Answered.NOT)
        )
        request = cursor.lastrowid
        self._database.executemany(
            "INSERT INTO events (request, key, is_good, body) VALUES (?, ?, ?, ?)", [(request, *row) for row in rows]
        )
        return request

    def answer(self, request: int, status: int, *, is_broken_off: bool = False) -> None:
        """Notes how a request was answered; 0 for not at all, which is owed to none that was broken off on purpose."""
        outcome = Answered.BROKEN_OFF if is_broken_off and not status else Answered.of_status(status)
        self._database.execute(
            "UPDATE requests SET outcome = ?, answered_s = ? WHERE id = ?",
            (outcome, time.monotonic(), request),
        )

    def _key_of(self, marks: Sequence[str]) -> str:
        """The key of an event with some marks: the first that it had when it was first sent."""
        known = self._find(marks)
        key = known or marks[0]
        self._database.executemany("INSERT OR IGNORE INTO marks VALUES (?, ?)", [(mark, key) for mark in marks])
        return key

    def _marks_of_id(self, event: Any) -> list[str]:  # noqa: ANN401 - JSON without loss
        where = self.message_id
        value: Any = pointers.get(event, where) if where and pointers.has(event, where) else None
        return self._mark.findall(value) if isinstance(value, str) else []

    def _find(self, marks: Sequence[str]) -> str | None:
        for mark in marks:
            if row := self._database.execute("SELECT key FROM marks WHERE mark = ?", (mark,)).fetchone():
                return str(row[0])
        return None

    def add_arrivals(self, arrivals: Iterable[Arrival]) -> int:
        """Adds what a sink gave; returns how many of these events are of this run."""
        count = 0
        for arrival in arrivals:
            body = write_json(arrival.event)
            marks = self._mark.findall(body)
            key = self._find([*self._marks_of_id(arrival.event), *marks])
            if key is None:
                self.strays += bool(marks)
                self.others += not marks
                continue
            count += 1
            self._database.execute(
                "INSERT INTO arrivals (key, position, seen_s, record, body) VALUES (?, ?, ?, ?, ?)",
                (key, arrival.position, arrival.seen_s, arrival.record, body),
            )
        return count

    def arrivals_of(self, mark: str) -> tuple[Arrival, ...]:
        """What arrived with a mark, in the order of the sink."""
        key = self._find([mark])
        rows = self._database.execute(
            "SELECT body, position, seen_s, record FROM arrivals WHERE key = ? ORDER BY position", (key,)
        )
        return tuple(_arrival(*row) for row in rows)

    def missing_count(self) -> int:
        """How many good events were accepted and have not arrived yet."""
        row = self._database.execute(
            "SELECT COUNT(DISTINCT events.key) FROM events JOIN requests ON requests.id = events.request"
            " WHERE outcome = 1 AND is_good AND NOT EXISTS (SELECT 1 FROM arrivals WHERE arrivals.key = events.key)"
        ).fetchone()
        return int(row[0])


def _arrival(body: str, position: int, seen_s: float, record: str) -> Arrival:
    event: Any = read_written_json(body)
    return Arrival(event=event, position=position, seen_s=seen_s, record=record)
