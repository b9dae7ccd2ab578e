"""A database as a sink: read-only transactions, short ones, through SQLAlchemy."""

from __future__ import annotations

import fnmatch
import math
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from conformance.core.errors import UsageError
from conformance.core.text import did_you_mean
from conformance.sinks.stored_event import SinkError

try:
    import sqlalchemy as sa
    from sqlalchemy.exc import SQLAlchemyError
except ImportError:  # an extra
    raise UsageError("a sink of kind sql needs `pip install 'ingest-conformance[sinks]'`") from None

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.sinks.secrets import SinkSecrets
    from conformance.sinks.sink import SqlSource

MAX_PAGE_BYTES = 8 * 1024 * 1024
"""Of what a page holds nothing more is read beyond this; a row is read whole."""
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql",
            "mariadb": "mysql+pymysql", "clickhouse": "clickhousedb+connect"}  # fmt: skip
_READ_ONLY = {
    "postgresql": ("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = {ms}", "SET LOCAL lock_timeout = {ms}"),
    "mysql": ("SET TRANSACTION READ ONLY",),
    "sqlite": ("PRAGMA query_only = ON",),
}
"""What a transaction begins with, by dialect."""
_UNIQUE_BY_KEY = {"sqlite", "postgresql", "mysql"}
"""Dialects whose primary keys are unique; elsewhere they may only sort."""
_ROW_IDS = {"rowid", "_rowid_", "oid"}


class Row(NamedTuple):
    """A row: its cursor, its key, and its column of events, None where only keys were asked for."""

    cursor: Any
    key: tuple[Any, ...]
    content: Any


class SqlDatabase:
    """The tables of a database that hold events. All methods wait, and raise SinkError."""

    def __init__(self, source: SqlSource, secrets: SinkSecrets) -> None:
        self._source, self._secrets = source, secrets
        self._tables = secrets.expand(source.tables)
        self._is_cast = False
        url = secrets.expand(source.url, is_secret=True)
        try:
            self._engine = self._new_engine(sa.make_url(url))
        except (SQLAlchemyError, ImportError, TypeError, ValueError) as error:
            raise self._trouble(error) from None
        self._begins = [line.format(ms=round(source.timeout_s * 1000)) for line in _READ_ONLY.get(self.dialect, ())]

    @property
    def dialect(self) -> str:
        """The name of the dialect."""
        return str(self._engine.dialect.name)

    def table_names(self, *, are_required: bool = False) -> list[str]:
        """The tables (and views) that the sink names and that are there; of a query without tables, one empty name.

        With `are_required`, none is trouble, unless the server creates them later.
        """
        if not self._tables:
            return [""]
        schema, _, pattern = self._tables.rpartition(".")
        try:
            inspector = sa.inspect(self._engine)
            known = {*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)}
        except (SQLAlchemyError, OSError) as error:
            raise self._trouble(error) from None
        found = sorted((name for name in known if fnmatch.fnmatchcase(name, pattern)), key=lambda n: (len(n), n))
        if not found and are_required and not self._source.is_created_later:
            hint = did_you_mean(pattern, known) if known else "; there is no table"
            raise SinkError(f"no table is called {self._tables!r}{hint} (created_later: true if the server creates it)")
        return [f"{schema}.{name}" if schema else name for name in found]

    def is_unique(self, table: str) -> bool:
        """Whether the cursor alone tells the rows of a table apart, as far as the database says."""
        cursor = self._source.cursor
        if self._source.query or self.dialect not in _UNIQUE_BY_KEY:
            return False
        if self.dialect == "sqlite" and cursor.lower() in _ROW_IDS:
            return True
        schema, _, name = table.rpartition(".")
        try:
            inspector = sa.inspect(self._engine)
            keys = [inspector.get_pk_constraint(name, schema or None)["constrained_columns"]]
            keys += [item["column_names"] for item in inspector.get_unique_constraints(name, schema or None)]
        except (SQLAlchemyError, NotImplementedError):
            return False
        return [cursor] in keys

    def last_cursors(self, table: str, count: int) -> list[Row]:
        """The last rows of a table by their cursor, the lowest first; without content where there is a key."""
        has_content = not self._has_key(table)
        return self._texts(
            lambda: self._read(self._select(table, has_content=has_content, is_descending=True).limit(count))[::-1]
        )

    def page(self, table: str, since: Any, count: int, ties: int) -> list[Row]:  # noqa: ANN401 - a column's
        """The next rows: up to `ties` with the cursor `since`, which were read before, and `count` beyond these."""

        def read() -> list[Row]:
            query = self._select(table, has_content=True)
            if since is not None:
                query = query.where(sa.column(self._source.cursor) >= since)
            return self._read(query.limit(count + ties), MAX_PAGE_BYTES, uncounted=ties)

        return self._texts(read)

    def between(self, table: str, above: Any, up_to: Any, *, has_content: bool) -> list[Row]:  # noqa: ANN401 - likewise
        """The rows with cursors above one, if it is not None, and up to another."""
        cursor: Any = sa.column(self._source.cursor)
        query = self._select(table, has_content=has_content).where(cursor <= up_to)
        return self._read(query if above is None else query.where(cursor > above))

    def rows_at(self, table: str, cursors: list[Any]) -> list[Row]:
        """The rows with one of these cursors."""
        return self._read(self._select(table, has_content=True).where(sa.column(self._source.cursor).in_(cursors)))

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _has_key(self, table: str) -> bool:
        return bool(self._source.key) or self.is_unique(table)

    def _texts(self, read: Callable[[], list[Row]]) -> list[Row]:
        """What is read; once more, as text, if the driver has parsed the column: it would have changed numbers."""
        rows = read()
        if not self._is_cast and any(isinstance(row.content, dict | list) for row in rows):
            self._is_cast = True
            return read()
        return rows

    def _select(self, table: str, *, has_content: bool, is_descending: bool = False) -> Any:  # noqa: ANN401 - a query
        source = self._source
        cursor: Any = sa.column(source.cursor)
        columns = [cursor, *map(sa.column, source.key), *([sa.column(source.column)] if has_content else [])]
        if source.query:
            quoted = self._engine.dialect.identifier_preparer.quote(table) if table else ""
            text = sa.text(source.query.strip().rstrip(";").replace("{table}", quoted).replace(":", r"\:"))
            origin: Any = text.columns(*{item.name: item for item in columns}.values()).subquery("records")
        else:
            schema, _, name = table.rpartition(".")
            origin = sa.table(name, schema=schema or None)
        labelled = [item.label(f"c{number}") for number, item in enumerate(columns)]
        if has_content and self._is_cast:
            labelled[-1] = sa.cast(columns[-1], sa.String).label(labelled[-1].name)
        return sa.select(*labelled).select_from(origin).order_by(cursor.desc() if is_descending else cursor)

    def _read(self, query: Any, max_bytes: float = math.inf, uncounted: int = 0) -> list[Row]:  # noqa: ANN401 - as above
        """The rows of a query; the database is left alone before anything is made of them."""
        keys, rows, size = len(self._source.key), [], 0
        try:
            with self._engine.connect() as connection:
                for line in self._begins:
                    connection.exec_driver_sql(line)
                for values in connection.execution_options(yield_per=200).execute(query):
                    content = values[1 + keys] if len(values) > 1 + keys else None
                    rows.append(Row(values[0], tuple(values[1 : 1 + keys]), content))
                    size += len(content) if isinstance(content, str | bytes) and len(rows) > uncounted else 0
                    if size > max_bytes:
                        break
        except (SQLAlchemyError, OSError, ValueError) as error:
            raise self._trouble(error) from None
        return rows

    def _new_engine(self, url: sa.URL) -> sa.Engine:
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        options: dict[str, Any] = {"pool_size": 1, "max_overflow": 1, "pool_pre_ping": True}
        timeout = max(1, round(self._source.timeout_s))
        match url.get_backend_name():
            case "sqlite":
                if not url.database or url.database == ":memory:":
                    raise ValueError("a database in memory can't be read from outside")
                if not url.database.startswith("file:"):
                    url = sa.make_url(f"sqlite:///file:{quote(url.database)}?mode=ro&uri=true")
                options = {"connect_args": {"timeout": timeout}, "poolclass": sa.pool.NullPool}
            case "postgresql":
                options |= {"connect_args": {"connect_timeout": timeout}, "json_deserializer": _as_text}
            case "mysql":
                arguments = {"connect_timeout": timeout, "read_timeout": timeout}
                options |= {"connect_args": arguments, "json_deserializer": _as_text}
            case "duckdb":
                options = {"connect_args": {"read_only": True}, "poolclass": sa.pool.NullPool}
        engine = sa.create_engine(url, **options)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _keep_odd_bytes)
        return engine

    def _trouble(self, error: Exception) -> SinkError:
        """An error of a driver, without the statement and without what is secret."""
        cause = getattr(error, "orig", None) or error
        if isinstance(error, ImportError):
            return SinkError(f"the database's driver is not there ({error}): pip install 'ingest-conformance[sinks]'")
        return SinkError(self._secrets.clean(f"the database says: {type(cause).__name__}: {cause}"))


def _as_text(content: Any) -> str:  # noqa: ANN401 - a driver's
    """JSON as the database wrote it: drivers would lose digits."""
    return content.decode() if isinstance(content, bytes | bytearray) else str(content)


def _keep_odd_bytes(connection: Any, _: object) -> None:  # noqa: ANN401 - a driver's
    """Text that is no UTF-8 is no reason to stop: the bytes are kept, so that the record shows what is in it."""
    connection.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
