"""Sinks for tests: files of them, and readers whose events are collected."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from conformance.core.written_json import write_json
from conformance.sinks import open_reader, parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from conformance.sinks import SinkReader


@contextlib.asynccontextmanager
async def reading(text: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[SinkReader]:
    """A reader of a sink, started."""
    reader = open_reader(parse(text, "sink.yaml"), environment or {})
    try:
        await reader.start()
        yield reader
    finally:
        await reader.close()


async def texts(reader: SinkReader, count: int) -> list[str]:
    """The next events as JSON, in the order of reading: until there are `count`, or nothing more comes."""
    found: list[str] = []
    for _ in range(200):
        events = await reader.read_new()
        found += [write_json(event.event) for event in events]
        if not events and len(found) >= count:
            break
        await asyncio.sleep(0 if events else 0.01)
    return found
