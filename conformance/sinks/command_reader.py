"""Runs a program that prints what is new: a JSON value in each line, since a cursor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from conformance.core.text import shorten
from conformance.sinks.extraction import Extractor
from conformance.sinks.lines import LineSplitter
from conformance.sinks.stored_event import SinkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.sinks.secrets import SinkSecrets
    from conformance.sinks.sink import CommandSource, Sink
    from conformance.sinks.stored_event import StoredEvent

MAX_OUTPUT_BYTES = 32 * 1024 * 1024
"""Of one call; a program with more prints the rest in the next one, since its last `#cursor`."""
_CURSOR = b"#cursor "
_CHUNK = 64 * 1024
_MAX_TROUBLE = 400


class CommandReader:
    """The events that a program prints. It is killed, with what it has started, when its time is up."""

    def __init__(self, sink: Sink, source: CommandSource, secrets: SinkSecrets, environment: Mapping[str, str]) -> None:
        self._source, self._secrets = source, secrets
        self._arguments = [secrets.expand(part, is_secret=True) for part in source.run]
        self._environment = dict(environment)
        self._extractor = Extractor(sink)
        self.skipped = self._extractor.skipped
        self._cursor, self._lines = "", 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Runs it once: what it prints is there already."""
        while await self._lines_of_one_call():
            if not self._cursor or self._cursor.isdecimal():
                break

    async def read_new(self) -> list[StoredEvent]:
        """The events that the next call prints."""
        events: list[StoredEvent] = []
        first = self._lines + 1
        for number, line in enumerate(await self._lines_of_one_call(), first):
            events += self._extractor.events_of(line, f"line {number:,} of the command")
        return events

    async def close(self) -> None:
        """Kills the program if it runs."""
        await self._kill()

    async def _lines_of_one_call(self) -> list[bytes]:
        """What the program prints in one call, without empty lines; the cursor is that of afterwards."""
        cursor = self._cursor or (str(self._lines) if self._lines else "")
        arguments = [part.replace("{cursor}", cursor) for part in self._arguments]
        try:
            self._process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**self._environment, "SINK_CURSOR": cursor},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise SinkError(self._secrets.clean(f"the command can't be started: {error}")) from None
        try:
            output = await asyncio.wait_for(self._output(self._process), self._source.timeout_s)
        except TimeoutError:
            raise SinkError(f"the command did not end within {self._source.timeout_s:g} s") from None
        finally:
            await self._kill()
        return self._read(output)

    def _read(self, output: bytes) -> list[bytes]:
        splitter = LineSplitter()
        lines = []
        for line in (*splitter.feed(output), *splitter.finish()):
            if line.startswith(_CURSOR):
                self._cursor = line.removeprefix(_CURSOR).decode("utf-8", "replace").strip()
            elif line.strip():
                lines.append(line)
        self._lines += len(lines)
        return lines

    async def _output(self, process: asyncio.subprocess.Process) -> bytes:
        """All that it prints. Raises SinkError if it fails, or prints too much."""
        trouble = asyncio.create_task(_read_bounded(process.stderr, _MAX_TROUBLE * 4, is_cut=True))
        try:
            output = await _read_bounded(process.stdout, MAX_OUTPUT_BYTES)
            said = await trouble
            code = await process.wait()
        finally:
            trouble.cancel()
        if code:
            words = shorten(self._secrets.clean(said.decode("utf-8", "replace")), _MAX_TROUBLE)
            raise SinkError(f"the command ended with exit code {code}{f': {words}' if words else ''}")
        return output

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        await process.wait()


async def _read_bounded(stream: asyncio.StreamReader | None, limit: int, *, is_cut: bool = False) -> bytes:
    """All of a stream. Raises SinkError beyond a limit, unless what is more is thrown away."""
    content = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        if len(content) + len(chunk) <= limit:
            content += chunk
        elif not is_cut:
            raise SinkError(f"the command printed more than {limit:,} bytes in one call")
    return bytes(content)
