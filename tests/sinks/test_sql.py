"""Databases as sinks: each row once, whatever the store does meanwhile."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
from typing import TYPE_CHECKING

import pytest

from conformance.core.errors import UsageError
from conformance.sinks import SinkError
from tests.support.sink_files import reading, texts

if TYPE_CHECKING:
    from pathlib import Path

ODD = '{"a":9007199254740993,"b":1e400,"c":-0,"d":0.10,"e":"\\u0000 \\ud800 \\u20ac"}'


def database(tmp_path: Path, *statements: str) -> sqlite3.Connection:
    """A database in a file, in which some statements ran."""
    connection = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    for statement in ("PRAGMA synchronous = OFF", *statements):
        connection.execute(statement)
    return connection


def sink(tmp_path: Path, more: str = "table: events", cursor: str = "id") -> str:
    """A sink on that database."""
    return f"kind: sql\nurl: sqlite:///{tmp_path}/store.db\ncursor: {cursor}\ncolumn: payload\n{more}\n"


TABLE = "CREATE TABLE events (id INTEGER PRIMARY KEY, payload)"


def test_a_row_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Numbers keep their text, and strings their code points; what was there before is not read."""

    async def run() -> None:
        store = database(tmp_path, TABLE, "INSERT INTO events (payload) VALUES ('{}')")
        async with reading(sink(tmp_path)) as reader:
            assert await texts(reader, 0) == []
            store.execute("INSERT INTO events (payload) VALUES (?)", [ODD])
            store.execute("INSERT INTO events (payload) VALUES (?)", [ODD.encode()])
            assert await texts(reader, 2) == [ODD, ODD]
            assert await texts(reader, 0) == []

    asyncio.run(run())


def test_a_row_that_is_committed_late_is_read_once(tmp_path: Path) -> None:
    """A cursor that is lower than the highest one is found, as long as it is one of the last."""

    async def run() -> None:
        store = database(tmp_path, TABLE, "INSERT INTO events VALUES (5, '{}')")
        async with reading(sink(tmp_path)) as reader:
            for number in (10, 7, 8, 6, 11, 2):
                store.execute("INSERT INTO events VALUES (?, ?)", [number, f'{{"n":{number}}}'])
                assert await texts(reader, 1) == [f'{{"n":{number}}}']
            assert await texts(reader, 0) == []

    asyncio.run(run())


def test_numbers_that_are_used_again_are_other_rows(tmp_path: Path) -> None:
    """A table that is emptied begins with 1 again, and one that is created anew, too."""

    async def run() -> None:
        store = database(tmp_path, TABLE)
        async with reading(sink(tmp_path)) as reader:
            for clear in ("DELETE FROM events", "DROP TABLE events", "SELECT 1"):
                store.execute("INSERT INTO events VALUES (1, '{\"n\":1}'), (2, '{\"n\":2}')")
                assert await texts(reader, 2) == ['{"n":1}', '{"n":2}']
                store.execute(clear)
                if clear.startswith("DROP"):
                    store.execute(TABLE)
                elif clear.startswith("SELECT"):
                    break
                assert await texts(reader, 0) == []

    asyncio.run(run())


def test_equal_times_are_no_equal_rows(tmp_path: Path) -> None:
    """Without a key, rows are told apart by time and content; equal ones are counted."""

    async def run() -> None:
        store = database(tmp_path, "CREATE TABLE events (at TEXT, payload TEXT)")
        async with reading(sink(tmp_path, cursor="at")) as reader:
            for payload in ("{}", '{"n":1}', "{}"):
                store.execute("INSERT INTO events VALUES ('2026-01-01', ?)", [payload])
                assert await texts(reader, 1) == [payload]
            assert await texts(reader, 0) == []

    asyncio.run(run())


def test_a_row_that_is_copied_to_another_table_is_no_second_one(tmp_path: Path) -> None:
    """Tables rotate: a new one is read from its start, and a key tells what was copied to it."""

    async def run() -> None:
        create = "CREATE TABLE {} (id INTEGER PRIMARY KEY, uuid TEXT, payload TEXT)"
        store = database(tmp_path, create.format("jobs_1"))
        async with reading(sink(tmp_path, "table: jobs_*\nkey: [uuid]")) as reader:
            store.execute("INSERT INTO jobs_1 VALUES (1, 'a', '{\"n\":1}')")
            assert await texts(reader, 1) == ['{"n":1}']
            store.execute(create.format("jobs_2"))
            store.execute("INSERT INTO jobs_2 SELECT 40, uuid, payload FROM jobs_1")
            store.execute("INSERT INTO jobs_2 VALUES (41, 'b', '{\"n\":2}')")
            store.execute("DROP TABLE jobs_1")
            assert await texts(reader, 1) == ['{"n":2}']

    asyncio.run(run())


def test_many_rows_come_in_steps(tmp_path: Path) -> None:
    """A read is bounded; more rows than the window are each read once, ties of the cursor included."""

    async def run() -> None:
        store = database(tmp_path, "CREATE TABLE events (at INTEGER, payload TEXT)")
        async with reading(sink(tmp_path, "table: events\nwindow: 500", cursor="at")) as reader:
            store.execute("BEGIN")
            store.executemany(
                "INSERT INTO events VALUES (?, ?)", [(number // 1200, f'{{"n":{number}}}') for number in range(2500)]
            )
            store.execute("COMMIT")
            found = await texts(reader, 2500)
            assert sorted(found) == sorted(f'{{"n":{number}}}' for number in range(2500))

    asyncio.run(run())


def test_a_query_decodings_and_nested_events(tmp_path: Path) -> None:
    """A row may hold a batch, as base64 in bytes, below a text that is JSON again."""

    async def run() -> None:
        store = database(tmp_path, "CREATE TABLE raw (n INTEGER PRIMARY KEY, body BLOB, message_id TEXT)")
        query = "query: SELECT n AS id, body AS payload FROM raw WHERE n > 0\ndecode: [base64]\nevents: /body/batch"
        async with reading(sink(tmp_path, query)) as reader:
            content = b'{"body": "{\\"batch\\": [{\\"n\\": 1.0}, {\\"n\\": 2}]}"}'
            store.execute("INSERT INTO raw VALUES (1, ?, 'x')", [base64.b64encode(content)])
            assert await texts(reader, 2) == ['{"n":1.0}', '{"n":2}']
            store.execute("INSERT INTO raw VALUES (2, ?, 'x')", [base64.b64encode(b'{"heartbeat": 1}')])
            assert await texts(reader, 0) == []
            assert reader.skipped.count == 1
            assert "the record has the keys heartbeat" in reader.skipped.examples[0]

    asyncio.run(run())


@pytest.mark.parametrize("more", ["table: evnets", "table: events\nkey: [nothing]"])
def test_trouble_of_the_database_is_a_sink_error(tmp_path: Path, more: str) -> None:
    """A table or column that is not there says nothing about the target."""
    database(tmp_path, TABLE)

    async def run() -> None:
        async with reading(sink(tmp_path, more)):
            pass

    with pytest.raises(SinkError, match=r"events|nothing"):
        asyncio.run(run())


def test_a_password_is_in_no_message() -> None:
    """It comes from the environment; what a driver says about the URL is cleaned."""
    text = "kind: sql\nurl: postgresql://u:${PW}@127.0.0.1:1/x\ntable: t\ncursor: id\ncolumn: payload\n"

    async def run() -> None:
        async with reading(text, {"PW": "hunter2secret"}):
            pass

    with pytest.raises(SinkError) as trouble:
        asyncio.run(run())
    assert "hunter2secret" not in str(trouble.value)
    with pytest.raises(UsageError, match="environment variable PW"):
        asyncio.run(reading(text).__aenter__())
    with pytest.raises(UsageError, match=r"sink.yaml:2: url: a password stands in no file"):
        asyncio.run(reading(text.replace("${PW}", "hunter2")).__aenter__())
