"""Where the reference server keeps accepted events: a table in SQLite, or in another database by its URL.

SQLite needs nothing else; PostgreSQL needs the extra `sinks`.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.written_json import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.core.written_json import WrittenObject

SQLITE_PREFIX = "sqlite:///"
TABLE = "events"
"""The table: `id` grows by one with each event, `payload` is the event as JSON."""
_CREATE_SQLITE = f"CREATE TABLE IF NOT EXISTS {TABLE} (id INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT NOT NULL)"
_CREATE_OTHER = f"CREATE TABLE IF NOT EXISTS {TABLE} (id BIGSERIAL PRIMARY KEY, payload TEXT NOT NULL)"
_BUSY_S = 5.0


class Store(Protocol):
    """Keeps events for good: what was added is there after the process was killed."""

    def add(self, events: Sequence[WrittenObject]) -> None:
        """Adds events in their order, all or none. Raises an exception of the database."""


def open_store(url: str) -> Store:
    """The store at a URL: `sqlite:///FILE`, or `postgresql://...`. Raises UsageError or InconclusiveError."""
    if url.startswith(SQLITE_PREFIX):
        return SqliteStore(url.removeprefix(SQLITE_PREFIX))
    if not url.startswith("postgresql"):
        raise UsageError("--store: expected sqlite:///FILE or postgresql://USER@HOST/DATABASE")
    return SqlStore(url)


class SqliteStore:
    """A file of SQLite. Commits don't wait for the disk: they outlast the process, not a loss of power."""

    def __init__(self, path: str) -> None:
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=_BUSY_S)
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.execute(_CREATE_SQLITE)
        except sqlite3.Error as error:
            raise InconclusiveError(f"--store: {path} can't be opened: {error}") from None

    def add(self, events: Sequence[WrittenObject]) -> None:
        """Adds events in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            f"INSERT INTO {TABLE} (payload) VALUES (?)",  # noqa: S608 - our own name
            [(write_json(event),) for event in events],
        )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()


class SqlStore:
    """A database by its URL, through SQLAlchemy."""

    def __init__(self, url: str) -> None:
        try:
            import sqlalchemy
        except ImportError:
            raise UsageError("--store: this database needs `pip install 'ingest-conformance[sinks]'`") from None
        self._insert: Any = sqlalchemy.text(f"INSERT INTO {TABLE} (payload) VALUES (:payload)")  # noqa: S608
        try:
            self._engine = sqlalchemy.create_engine(url)
            with self._engine.begin() as connection:
                connection.execute(sqlalchemy.text(_CREATE_OTHER))
        except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
            raise InconclusiveError(f"--store: the database can't be opened: {type(error).__name__}") from None

    def add(self, events: Sequence[WrittenObject]) -> None:
        """Adds events in one transaction."""
        if not events:
            return
        with self._engine.begin() as connection:
            connection.execute(self._insert, [{"payload": write_json(event)} for event in events])
