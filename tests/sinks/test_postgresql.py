"""PostgreSQL as a sink: JSON as it was written, rows that are committed late, and nothing written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from conformance.sinks import SinkError
from tests.support.postgresql import postgresql
from tests.support.sink_files import reading, texts

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server's URL."""
    with postgresql() as url:
        yield url


def sink(url: str, more: str) -> str:
    """A sink on a server."""
    return f"kind: sql\nurl: {url}\ncursor: id\ncolumn: payload\n{more}\n"


@pytest.mark.parametrize("kind", ["json", "jsonb", "text", "bytea"])
def test_numbers_keep_their_digits(server: str, kind: str) -> None:
    """In each type of column: no driver turns them into doubles."""
    written = '{"a": 9007199254740993, "b": 1.0, "c": 0.10000000000000000000001}'

    async def run() -> None:
        with psycopg.connect(server, autocommit=True) as store:
            store.execute(f"CREATE TABLE as_{kind} (id bigserial PRIMARY KEY, payload {kind})".encode())
            async with reading(sink(server, f"table: public.as_{kind}")) as reader:
                store.execute(
                    f"INSERT INTO as_{kind} (payload) VALUES (%s)".encode(),  # noqa: S608 - a name of this test
                    [written.encode() if kind == "bytea" else written],
                )
                assert await texts(reader, 1) == [written.replace(" ", "")]

    asyncio.run(run())


def test_a_transaction_that_ends_late(server: str) -> None:
    """Its rows have lower numbers than others that were read before, in a table of a pattern."""

    async def run() -> None:
        with psycopg.connect(server) as late, psycopg.connect(server, autocommit=True) as store:
            store.execute("CREATE TABLE jobs_1 (id bigserial PRIMARY KEY, payload jsonb)")
            async with reading(sink(server, "table: jobs_*")) as reader:
                late.execute("INSERT INTO jobs_1 (payload) VALUES ('{\"n\": 1}')")
                store.execute("INSERT INTO jobs_1 (payload) VALUES ('{\"n\": 2}')")
                assert await texts(reader, 1) == ['{"n":2}']
                late.commit()
                assert await texts(reader, 1) == ['{"n":1}']
                store.execute("DROP TABLE jobs_1")
                assert await texts(reader, 0) == []

    asyncio.run(run())


def test_a_query_writes_nothing(server: str) -> None:
    """A function that writes is refused by the server, and so is a lock."""

    async def run(query: str) -> None:
        async with reading(sink(server, f"query: {query}")):
            pass

    with psycopg.connect(server, autocommit=True) as store:
        store.execute("CREATE TABLE kept (id bigserial PRIMARY KEY, payload text)")
        for query in ("SELECT nextval('kept_id_seq') AS id, '' AS payload", "SELECT id, payload FROM kept FOR UPDATE"):
            with pytest.raises(SinkError, match="read-only"):
                asyncio.run(run(query))
