"""Reads the tables of a database: what is new by a cursor, and what was committed late below it, each row once."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.sinks.extraction import Extractor
from conformance.sinks.sql_database import Row, SqlDatabase
from conformance.sinks.stored_event import SinkError
from conformance.sinks.worker import Worker

if TYPE_CHECKING:
    from conformance.sinks.secrets import SinkSecrets
    from conformance.sinks.sink import Sink, SqlSource
    from conformance.sinks.stored_event import StoredEvent

_PAGE_ROWS = 1_000
_MAX_KEYS = 200_000
_CHUNK = 200
Identity: TypeAlias = tuple[Any, ...]


@dataclass(slots=True)
class _Table:
    """How far a table was read.

    `recent` are the last rows in the order of reading, late ones included: identity and cursor. Rows above `floor`
    and up to `high` are looked for again, and those in `seen` are known.
    """

    has_key: bool
    high: Any = None
    floor: Any = None
    recent: deque[tuple[Identity, Any, bool]] = field(default_factory=deque)
    seen: Counter[Identity] = field(default_factory=Counter)
    ties: int = 0
    unswept: int = 0

    def note(self, identity: Identity, cursor: Any, window: int, *, is_late: bool) -> None:  # noqa: ANN401 - a column's
        """Notes a row that was read."""
        self.seen[identity] += 1
        self.recent.append((identity, cursor, is_late))
        self.ties = self.ties + 1 if cursor == self.high else self.ties if is_late else 1
        if not is_late:
            self.high = cursor
            self.unswept += 1
        while len(self.recent) > window and self.recent[0][1] != self.high:
            old, old_cursor, was_late = self.recent.popleft()
            self.seen[old] -= 1
            if self.seen[old] <= 0:
                del self.seen[old]
            if not was_late:
                self.floor = old_cursor


class SqlReader:
    """The events in the tables of a database."""

    def __init__(self, sink: Sink, source: SqlSource, secrets: SinkSecrets) -> None:
        self._source = source
        self._extractor = Extractor(sink)
        self.skipped = self._extractor.skipped
        self._database = SqlDatabase(source, secrets)
        self._worker = Worker(3 * source.timeout_s + 5)
        self._tables: dict[str, _Table] = {}
        self._keys: dict[Identity, None] = {}

    async def start(self) -> None:
        """Notes the last rows of each table."""
        await self._worker.run(self._start)

    async def read_new(self) -> list[StoredEvent]:
        """The events of new rows: a page of them, or those that were committed late."""
        events: list[StoredEvent] = []
        for where, content in await self._worker.run(self._read_new):
            events += self._extractor.events_of(content, where)
        return events

    async def close(self) -> None:
        """Closes the connections."""
        self._worker.stop()
        self._database.close()

    def _start(self) -> None:
        for name in self._database.table_names(are_required=True):
            table = self._tables[name] = self._new_table(name)
            rows = self._database.last_cursors(name, self._source.window + 1)
            for row in rows:
                table.note(self._identity(table, row), row.cursor, self._source.window, is_late=False)
                self._is_known_key(row)

    def _new_table(self, name: str) -> _Table:
        return _Table(has_key=bool(self._source.key) or self._database.is_unique(name))

    def _read_new(self) -> list[tuple[str, Any]]:
        """Records and where they lie; empty once nothing is new anywhere."""
        names = self._database.table_names()
        for gone in self._tables.keys() - names:
            del self._tables[gone]
        found: list[tuple[str, Any]] = []
        for name in names:
            try:
                table = self._tables.get(name) or self._new_table(name)
                self._tables[name] = table
                found += self._forward(name, table)
                if not found or table.unswept > self._source.window // 2:
                    found += self._late(name, table)
            except SinkError:
                if name in self._database.table_names():
                    raise
                self._tables.pop(name, None)  # it was rotated away while it was read
            if len(found) >= _PAGE_ROWS:
                break
        return found

    def _forward(self, name: str, table: _Table) -> list[tuple[str, Any]]:
        """The next rows above the highest cursor, and further ones with the same."""
        rows = self._database.page(name, table.high, _PAGE_ROWS, table.ties)
        again: Counter[Identity] = Counter()
        found = []
        for row in rows:
            identity = self._identity(table, row)
            again[identity] += 1
            if again[identity] <= table.seen[identity]:
                continue
            table.note(identity, row.cursor, self._source.window, is_late=False)
            found += self._new_record(name, row)
        return found

    def _late(self, name: str, table: _Table) -> list[tuple[str, Any]]:
        """Rows that were not there when what is above them was read; and what is gone is forgotten."""
        table.unswept = 0
        if table.high is None:
            return []
        present: Counter[Identity] = Counter()
        missed: list[Row] = []
        for row in self._database.between(name, table.floor, table.high, has_content=not table.has_key):
            identity = self._identity(table, row)
            present[identity] += 1
            if present[identity] > table.seen[identity]:
                missed.append(row)
        if not present:  # emptied, or begun anew: numbers may be used again
            self._tables[name] = self._new_table(name)
            return self._forward(name, self._tables[name])
        table.seen &= present
        if table.has_key:
            missed = self._with_content(name, table, missed)
        for row in missed:
            table.note(self._identity(table, row), row.cursor, self._source.window, is_late=True)
        return [item for row in missed for item in self._new_record(name, row)]

    def _with_content(self, name: str, table: _Table, rows: list[Row]) -> list[Row]:
        """The same rows, read with their content; at most a page of them."""
        wanted = {self._identity(table, row): row.cursor for row in rows[:_PAGE_ROWS]}
        cursors = [*wanted.values()]
        found = []
        for first in range(0, len(cursors), _CHUNK):
            found += self._database.rows_at(name, cursors[first : first + _CHUNK])
        return [row for row in found if self._identity(table, row) in wanted]

    def _identity(self, table: _Table, row: Row) -> Identity:
        """What tells a row from others: its cursor and key, or its cursor and content."""
        if table.has_key:
            return row.cursor, *row.key
        content = row.content if isinstance(row.content, bytes) else str(row.content).encode("utf-8", "surrogatepass")
        return row.cursor, hashlib.blake2b(content, digest_size=8).digest()

    def _is_known_key(self, row: Row) -> bool:
        """Whether a row with this key was read before, in whatever table; it is known from now on."""
        if not row.key:
            return False
        is_known = row.key in self._keys
        self._keys[row.key] = None
        if len(self._keys) > _MAX_KEYS:
            del self._keys[next(iter(self._keys))]
        return is_known

    def _new_record(self, name: str, row: Row) -> list[tuple[str, Any]]:
        if self._is_known_key(row):
            return []
        where = f"{name or 'query'} {self._source.cursor}={row.cursor}"
        content = row.content
        if isinstance(content, memoryview | bytearray):
            content = bytes(content)
        if content is None:
            self.skipped.add(where, f"{self._source.column} is null")
            return []
        if not isinstance(content, str | bytes):
            raise SinkError(
                f"the driver gives the column {self._source.column} as {type(content).__name__}, in which numbers may "
                f"have changed; give a `query` that casts it to text"
            )
        return [(where, content)]
