"""From a record of a sink to the events in it: decoded, parsed without loss, and found by a pointer."""

from __future__ import annotations

import base64
import binascii
import time
import zlib
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.foreign_json import Unreadable
from conformance.core.text import join_first, shorten
from conformance.core.written_json import read_written_json
from conformance.sinks.sink import Decoding
from conformance.sinks.stored_event import Skipped, StoredEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.written_json import WrittenJson, WrittenObject
    from conformance.sinks.sink import Sink

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""The most bytes of one record, decompressed."""
_EACH = "*"
_MAX_KEYS_SHOWN = 12


class NoEvents(Exception):
    """A record holds no event that can be read; the text says why."""


class Extractor:
    """Makes events of records, numbers them, and counts the records that have none."""

    def __init__(self, sink: Sink) -> None:
        self._decode = sink.decode
        self._pointers = [pointers.split(pointer) for pointer in sink.events]
        self._position = 0
        self.skipped = Skipped()

    def events_of(self, content: str | bytes, record: str) -> list[StoredEvent]:
        """The events in a record; `record` says where it lies. None of a record that can't be read: it is counted."""
        seen_s = time.monotonic()
        try:
            values = self._find(read_record(content, self._decode))
        except NoEvents as problem:
            self.skipped.add(record, str(problem))
            return []
        events = []
        for number, value in enumerate(values, 1):
            where = f"{record}, event {number}" if len(values) > 1 else record
            events.append(StoredEvent(event=value, position=self._position, seen_s=seen_s, record=where))
            self._position += 1
        return events

    def _find(self, record: WrittenJson) -> list[WrittenObject]:
        for keys in self._pointers:
            found = [*_flat(record, keys)]
            if found:
                return [_require_object(value) for value in found]
        shown = " or ".join(repr("".join(f"/{key}" for key in keys)) for keys in self._pointers)
        raise NoEvents(f"nothing is at {shown}; {_describe(record)}")


def read_record(content: str | bytes, decode: tuple[Decoding, ...] = ()) -> WrittenJson:
    """The JSON value of a record. Raises NoEvents for what is none."""
    for step in decode:
        content = _decoded(content.encode() if isinstance(content, str) else content, step)
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoEvents(f"it is not UTF-8 at byte {error.start:,}") from None
    value = read_written_json(text)
    if isinstance(value, Unreadable):
        raise NoEvents(str(value))
    return value


def gunzip(content: bytes, limit: int = MAX_RECORD_BYTES) -> bytes:
    """What is compressed, all members of it. Raises NoEvents for what is no gzip, cut off, or larger than `limit`."""
    pieces, size = [], 0
    while content:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            piece = unpacker.decompress(content, limit - size + 1)
        except zlib.error as error:
            raise NoEvents(f"it is no gzip ({error})") from None
        size += len(piece)
        if size > limit:
            raise NoEvents(f"it has more than {limit:,} bytes once decompressed")
        if not unpacker.eof:
            raise NoEvents("it is gzip that was cut off")
        pieces.append(piece)
        content = unpacker.unused_data.lstrip(b"\0")
    return b"".join(pieces)


def inflate(content: bytes, limit: int = MAX_RECORD_BYTES) -> bytes:
    """What is compressed by deflate, in a zlib stream or bare. Raises NoEvents, as `gunzip`."""
    for wbits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        unpacker = zlib.decompressobj(wbits=wbits)
        try:
            piece = unpacker.decompress(content, limit + 1)
        except zlib.error:
            continue
        if len(piece) > limit or not unpacker.eof:
            raise NoEvents("it is cut off, or too large once decompressed")
        return piece
    raise NoEvents("it is no deflate")


def _decoded(content: bytes, step: Decoding) -> bytes:
    if step is Decoding.GZIP:
        return gunzip(content)
    compact = b"".join(content.split())
    try:
        if step is Decoding.HEX:
            return bytes.fromhex(compact.decode("ascii").removeprefix("\\x"))
        standard = compact.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except (ValueError, binascii.Error) as error:
        raise NoEvents(f"it is no {step} ({error})") from None


def _flat(value: WrittenJson, keys: list[str]) -> Iterator[WrittenJson]:
    """The values at a pointer, those of a list one by one; a text on the way is read as JSON."""
    if isinstance(value, str):
        inner = read_written_json(value)
        value = inner if isinstance(inner, dict | list) else value
    if isinstance(value, list):
        rest = keys[1:] if keys and keys[0] == _EACH else keys
        if keys and keys[0].isdecimal():
            items, rest = value[int(keys[0]) :][:1], keys[1:]
        else:
            items = value
        for item in items:
            yield from _flat(item, rest)
    elif not keys:
        yield value
    elif isinstance(value, dict):
        chosen = [*value.values()] if keys[0] == _EACH else [value[keys[0]]] if keys[0] in value else []
        for item in chosen:
            yield from _flat(item, keys[1:])


def _require_object(value: WrittenJson) -> WrittenObject:
    if not isinstance(value, dict):
        raise NoEvents(f"an event must be an object; {_describe(value)}")
    return value


def _describe(value: WrittenJson) -> str:
    """What a value is, for people: its keys, if it has some; never its content."""
    if isinstance(value, dict):
        return f"the record has the keys {join_first(map(shorten, value), _MAX_KEYS_SHOWN)}" if value else "it is {}"
    if isinstance(value, list):
        inner = _describe(value[0]) if value else ""
        return f"the record is a list of {len(value):,}{f', of which the first: {inner}' if inner else ''}"
    kind = "null" if value is None else "a text" if isinstance(value, str) else "a number, true or false"
    return f"there is {kind}"
