"""`conformance sink`: a template of a sink file, and whether a sink can be read."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.core.text import did_you_mean, escape_controls, join_first, shorten
from conformance.sinks import load, open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.sinks import Sink, StoredEvent

_MAX_KEYS = 12
_UNREADABLE = 3


def run_sink(options: Mapping[str, Any]) -> int:
    """Prints a template, or reads a sink until the first event comes."""
    if options["action"] == "init":
        return _print_template(options["name"])
    return asyncio.run(_check(load(Path(options["name"])), options["wait"]))


def _print_template(name: str) -> int:
    """Prints a template. Raises UsageError if there is none of this name."""
    known = resources.sink_templates()
    if name not in known:
        raise UsageError(f"sink init {shorten(name)}: no such template{did_you_mean(name, known)}")
    sys.stdout.write(known[name])
    return 0


async def _check(sink: Sink, wait_s: float) -> int:
    """Reads a sink until an event comes, and says what is in it: 0 if one came, else 3."""
    reader = open_reader(sink, os.environ)
    try:
        await reader.start()
        _say(f"{sink.file} can be read. Send an event to the server now; waiting for {wait_s:g} s")
        events = await _first_events(reader.read_new, wait_s, sink.settle.poll_s)
    finally:
        await reader.close()
    for example in reader.skipped.examples:
        _say(f"a record without events: {example}")
    for event in events[:1]:
        keys = join_first(map(shorten, event.event), _MAX_KEYS)
        _say(f"the first of {len(events):,} new events: {event.record}, with the keys {keys}")
    if not events:
        more = "; see `events` and `decode` in the file" if reader.skipped.count else ""
        _say(f"no event came: {reader.skipped.count:,} new records hold none{more}")
    return 0 if events else _UNREADABLE


async def _first_events(read: Callable[[], Any], wait_s: float, poll_s: float) -> list[StoredEvent]:
    """The first events that come, if some do in time."""
    end_s = time.monotonic() + wait_s
    while True:
        events: list[StoredEvent] = await read()
        if events or time.monotonic() >= end_s:
            return events
        await asyncio.sleep(min(poll_s, wait_s))


def _say(message: str) -> None:
    sys.stdout.write(f"{escape_controls(message)}\n")
    sys.stdout.flush()


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"sink": run_sink}
