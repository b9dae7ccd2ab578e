"""Reads files and objects by a pattern: what is appended, and what is new; rotation and half a line are no loss."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.sinks.extraction import Extractor, NoEvents, gunzip
from conformance.sinks.file_places import LocalFiles, RemoteFiles
from conformance.sinks.lines import GZIP_MAGIC, LineSplitter
from conformance.sinks.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.sinks.file_places import FilePlace, FoundFile
    from conformance.sinks.secrets import SinkSecrets
    from conformance.sinks.sink import FilesSource, Sink
    from conformance.sinks.stored_event import StoredEvent

_PART_BYTES = 256 * 1024
_HEAD_BYTES = 256
_PER_READ_BYTES = 8 * 1024 * 1024
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://")


@dataclass(slots=True)
class _File:
    """How far a file was read; `version` is that of an object, which is replaced as a whole."""

    offset: int = 0
    version: str = ""
    head: bytes = b""
    lines: LineSplitter = field(default_factory=LineSplitter)


class FilesReader:
    """The events in files, by the lines or by the whole."""

    def __init__(self, sink: Sink, source: FilesSource, secrets: SinkSecrets) -> None:
        self._source = source
        path = secrets.expand(source.path)
        options = {name: secrets.expand(value, is_secret=True) for name, value in source.options}
        is_remote = _REMOTE.match(path) is not None
        self._place: FilePlace = RemoteFiles(path, options, secrets) if is_remote else LocalFiles(path)
        self._extractor = Extractor(sink)
        self.skipped = self._extractor.skipped
        self._worker = Worker(source.timeout_s)
        self._files: dict[str, _File] = {}

    async def start(self) -> None:
        """Notes how long each file is: what follows is ours."""
        await self._worker.run(self._start)

    async def read_new(self) -> list[StoredEvent]:
        """The events in what was written since the last call, up to some megabytes of it."""
        events: list[StoredEvent] = []
        for record, content in await self._worker.run(lambda: [*self._read_new()]):
            events += self._extractor.events_of(content, record)
        return events

    async def close(self) -> None:
        """Ends the thread that reads."""
        self._worker.stop()
        self._place.close()

    def _start(self) -> None:
        for found in self._place.find():
            # What follows a line that is half written when we begin belongs to that line: it is read from its start.
            file = self._files[found.identity] = _File(version=found.version)
            file.offset = found.size if self._source.is_whole else self._place.start_of_last_line(found)
            file.head = self._place.read(found, 0, _HEAD_BYTES)
            if file.head.startswith(GZIP_MAGIC) and not self._source.is_whole:
                self._skip_compressed(file, found)

    def _skip_compressed(self, file: _File, found: FoundFile) -> None:
        """Reads a compressed file up to its present end, for what follows depends on it."""
        file.offset = 0
        while content := self._place.read(found, file.offset, _PART_BYTES):
            file.offset += len(content)
            file.lines.feed(content)

    def _read_new(self) -> Iterator[tuple[str, bytes]]:
        size, present = 0, set()
        found_files = self._place.find()
        for found in found_files:
            present.add(found.identity)
            file = self._files.setdefault(found.identity, _File(version=found.version))
            if self._is_anew(file, found):
                file = self._files[found.identity] = _File(version=found.version)
            while found.size > file.offset and size < _PER_READ_BYTES and not file.lines.is_broken:
                before = file.offset
                yield from self._read_whole(file, found) if self._source.is_whole else self._read_part(file, found)
                size += file.offset - before
                if file.offset == before:
                    break
        for gone in self._files.keys() - present:
            file = self._files.pop(gone)
            yield from ((f"{gone}, last line", line) for line in file.lines.finish())

    def _is_anew(self, file: _File, found: FoundFile) -> bool:
        """Whether a file was cut, or an object replaced, to be written anew; one that only grew goes on."""
        if found.size < file.offset:
            return True
        if found.version == file.version:
            return False
        file.version = found.version
        return not file.head or self._place.read(found, 0, len(file.head)) != file.head

    def _read_part(self, file: _File, found: FoundFile) -> Iterator[tuple[str, bytes]]:
        """The whole lines in the next part of a file."""
        name = found.name
        content = self._place.read(found, file.offset, _PART_BYTES)
        file.head = file.head or content[:_HEAD_BYTES]
        file.offset += len(content)
        first = file.lines.count + 1
        lines = file.lines.feed(content)
        if self._place.is_final and content and file.offset >= found.size:
            lines += file.lines.finish()
        if file.lines.is_broken:
            self.skipped.add(name, "it is damaged gzip, or has a line that is too long")
        yield from (
            (f"{name}, line {n}", line) for n, line in zip(itertools.count(first), lines, strict=False) if line.strip()
        )

    def _read_whole(self, file: _File, found: FoundFile) -> Iterator[tuple[str, bytes]]:
        """A file that is one value; it is read again while it is not whole yet."""
        name, size = found.name, found.size
        content = self._place.read(found, 0, size)
        try:
            content = gunzip(content) if content.startswith(GZIP_MAGIC) else content
        except NoEvents:
            return
        if content.rstrip()[-1:] in {b"}", b"]"}:
            file.offset, file.head = size, content[:_HEAD_BYTES]
            yield name, content
