"""Files as sinks: lines as they are written, rotation, gzip, and files that are one value."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

from tests.support.sink_files import reading, texts

if TYPE_CHECKING:
    from pathlib import Path


def append(path: Path, content: bytes) -> None:
    """Writes at the end of a file."""
    with path.open("ab") as file:
        file.write(content)


def test_lines_are_read_once_they_are_whole(tmp_path: Path) -> None:
    """Half a line waits; what was written before the start is not read, but the line that was half written then is."""

    async def run() -> None:
        log = tmp_path / "a.log"
        append(log, b'{"old":1}\n{"n"')
        async with reading(f"kind: files\npath: {tmp_path}/*.log\n") as reader:
            append(log, b':1}\n{"n":')
            assert await texts(reader, 1) == ['{"n":1}']
            append(log, b"2}\n\n")
            append(tmp_path / "b.log", b'{"n":3}\n')
            assert await texts(reader, 2) == ['{"n":2}', '{"n":3}']
            assert await texts(reader, 0) == []

    asyncio.run(run())


def test_rotation_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A file that is renamed is read to its end, one that takes its name from the start, and one that is cut, too."""

    async def run() -> None:
        log = tmp_path / "a.log"
        append(log, b"")
        async with reading(f"kind: files\npath: {tmp_path}/*.log\n") as reader:
            append(log, b'{"n":1}\n')
            assert await texts(reader, 1) == ['{"n":1}']
            append(log, b'{"n":2}\n{"n":3}')
            log.rename(tmp_path / "a.log.1")
            append(log, b'{"n":4}\n')
            found = await texts(reader, 2)
            found += await texts(reader, 3 - len(found)) if len(found) < 3 else []
            assert sorted(found) == ['{"n":2}', '{"n":3}', '{"n":4}']
            log.write_bytes(b"")
            assert await texts(reader, 0) == []
            append(log, b'{"n":5}\n')
            assert await texts(reader, 1) == ['{"n":5}']

    asyncio.run(run())


def test_gzip_is_read_as_far_as_it_was_written(tmp_path: Path) -> None:
    """Members are appended one by one, and one may be cut anywhere meanwhile."""

    async def run() -> None:
        log = tmp_path / "a.gz"
        append(log, gzip.compress(b'{"old":1}\n'))
        async with reading(f"kind: files\npath: {log}\n") as reader:
            member = gzip.compress(b'{"n":1}\n')
            append(log, member[:12])
            assert await texts(reader, 0) == []
            append(log, member[12:] + gzip.compress(b'{"n":2}\n'))
            assert await texts(reader, 2) == ['{"n":1}', '{"n":2}']

    asyncio.run(run())


def test_files_that_are_one_value_each(tmp_path: Path) -> None:
    """They may have many lines, and be compressed."""

    async def run() -> None:
        async with reading(f"kind: files\npath: {tmp_path}/**/*.json*\nwhole: true\nevents: /data\n") as reader:
            (tmp_path / "d").mkdir()
            (tmp_path / "d" / "a.json").write_bytes(b'{"data":\n[{"n":1},\n{"n":2}]}\n')
            (tmp_path / "b.json.gz").write_bytes(gzip.compress(b'{"data": {"n": 3}}'))
            assert sorted(await texts(reader, 3)) == ['{"n":1}', '{"n":2}', '{"n":3}']
            assert await texts(reader, 0) == []

    asyncio.run(run())


def test_objects_are_read_through_fsspec() -> None:
    """An object's last line needs no end; an object that grows goes on, one that is replaced begins anew."""
    import fsspec  # noqa: PLC0415 - the extra

    async def run() -> None:
        place = fsspec.filesystem("memory")
        place.pipe_file("/sink/old.jsonl", b'{"old":1}\n')
        async with reading("kind: s3\npath: memory://sink/*.jsonl\n") as reader:
            place.pipe_file("/sink/a.jsonl", b'{"n":1}\n{"n":2}')
            assert await texts(reader, 2) == ['{"n":1}', '{"n":2}']
            assert await texts(reader, 0) == []
            place.pipe_file("/sink/a.jsonl", b'{"n":1}\n{"n":2}\n{"n":3}\n')
            assert await texts(reader, 1) == ['{"n":3}']

    asyncio.run(run())
