"""A command as a sink."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from conformance.sinks import SinkError
from tests.support.sink_files import reading, texts

if TYPE_CHECKING:
    from pathlib import Path


def sink(script: str, more: str = "") -> str:
    """A sink that runs a script of Python."""
    return f"kind: command\nrun: ['{sys.executable}', '-c', '{script}', '{{cursor}}']\n{more}"


def test_lines_since_a_cursor(tmp_path: Path) -> None:
    """The program gets the number of lines that it has printed, and prints those that follow."""
    log = tmp_path / "log"
    log.write_text('{"old":1}\n')
    script = f'import sys; print(*open("{log}").read().splitlines()[int(sys.argv[1] or 0):], sep=chr(10))'

    async def run() -> None:
        async with reading(sink(script), os.environ) as reader:
            log.write_text('{"old":1}\n{"n":1.0}\n{"n":2}\n')
            events = [*await reader.read_new(), *await reader.read_new()]
            assert [event.record for event in events] == ["line 2 of the command", "line 3 of the command"]

    asyncio.run(run())


def test_a_cursor_of_its_own() -> None:
    """What it prints as `#cursor` is what it gets next."""
    script = 'import os; n = int(os.environ["SINK_CURSOR"] or 0) + 1; print("{}", "#cursor " + str(n), sep=chr(10))'

    async def run() -> None:
        async with reading(sink(script), os.environ) as reader:
            assert [event.position for event in [*await reader.read_new(), *await reader.read_new()]] == [0, 1]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('import sys; sys.exit("it went wrong with $TOKEN")', "exit code 1"),
        ("import time; time.sleep(60)", "did not end"),
    ],
)
def test_trouble_of_the_command(script: str, words: str) -> None:
    """A failure and a program that hangs are errors of the sink; it is killed."""

    async def run() -> None:
        async with reading(sink(script, "timeout: 0.5"), os.environ) as reader:
            await texts(reader, 1)

    with pytest.raises(SinkError, match=words):
        asyncio.run(run())
