"""A webhook as a sink: real requests to our receiver."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, cast

import httpx

from tests.support.sink_files import reading, texts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.sinks.http_reader import HttpReader

SINK = "kind: http\nlisten: 127.0.0.1:0\npath: /hook\nsecret: ${HOOK}\nsecret_header: X-Secret\nevents: [/batch, '']\n"
SECRET = {"HOOK": "webhook-secret"}
HEADERS = {"X-Secret": "webhook-secret"}


async def chunks() -> AsyncIterator[bytes]:
    """A body in two chunks."""
    yield b'{"batch": [{"n": 1},'
    yield b' {"n": 2.0}]}'


def test_events_come_in_every_form() -> None:
    """One, a batch in chunks, gzip and lines are read once each, in their order."""

    async def run() -> None:
        async with reading(SINK, SECRET) as reader, httpx.AsyncClient(headers=HEADERS) as client:
            url = f"http://127.0.0.1:{cast('HttpReader', reader).port}/hook"
            lines = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
            answers = [
                await client.post(url, content=b'{"n": 0}'),
                await client.post(url, content=chunks()),
                await client.post(url, content=gzip.compress(b'{"n": 3}\n\n{"n": 1e400}\n'), headers=lines),
                await client.post(url, content=b""),
            ]
            assert [answer.status_code for answer in answers] == [200] * 4
            assert await texts(reader, 5) == ['{"n":0}', '{"n":1}', '{"n":2.0}', '{"n":3}', '{"n":1e400}']

    asyncio.run(run())


def test_requests_without_the_secret_are_refused() -> None:
    """Neither they nor those to other paths, in odd codings or damaged leave anything to read."""

    async def run() -> None:
        async with reading(SINK, SECRET) as reader, httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{cast('HttpReader', reader).port}/hook"
            broken, odd = {**HEADERS, "Content-Encoding": "gzip"}, {**HEADERS, "Content-Encoding": "br"}
            answers = [
                await client.post(url, content=b"{}"),
                await client.post(f"{url}/x", content=b"{}", headers=HEADERS),
                await client.post(url, content=b"{}", headers=broken),
                await client.post(url, content=b"{}", headers=odd),
            ]
            assert [answer.status_code for answer in answers] == [401, 404, 400, 415]
            assert await texts(reader, 0) == []

    asyncio.run(run())
