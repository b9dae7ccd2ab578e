"""Prepared requests, the clients that send them, and the choice of the next one."""

from __future__ import annotations

import base64
import heapq
import random
import re
import zlib
from typing import Any

_ID = re.compile(rb"conformance-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_USER = b"conformance-user-"
_ID_LENGTH, JOURNEY = 48, 12
"""The length of an id, and how many calls a client makes for one user."""


class Item:
    """A prepared request, with the places of ids and users in its body."""

    def __init__(self, number: int, data: dict[str, Any]) -> None:
        self.number = number
        self.name, self.rule, self.kind = data["name"], data["rule"], data["kind"]
        self.events, self.weight, self.retry = data["events"], data["weight"], frozenset(data["retry"])
        self.type, self.is_gzipped = data["type"], data["gzip"]
        self.method, self.path = data["head"].split(" ", 2)[:2]
        self.body: bytes = base64.b64decode(data["body"])
        self.head: bytes = data["head"].encode("latin-1")
        self.plain_head = self.head + b"\r\nContent-Length: %d\r\n\r\n" % len(self.body)
        self.ids = [match.start() for match in _ID.finditer(self.body)]
        self.users = [match.start() + len(_USER) for match in re.finditer(_USER + rb"0{8}", self.body)]

    def render(self, stem: bytes, number: int, user: bytes) -> bytes:
        """The bytes of the request, with ids of its own."""
        if not self.ids and not self.users:
            body = self.body
        else:
            changed = bytearray(self.body)
            end = b"-%012x" % number
            for index, start in enumerate(self.ids):
                changed[start : start + _ID_LENGTH] = stem + b"%04x" % (index & 0xFFFF) + end
            for start in self.users:
                changed[start : start + 8] = user
            body = bytes(changed)
        if not self.is_gzipped:
            whole: bytes = self.plain_head + body
            return whole
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        body = packer.compress(body) + packer.flush()
        packed: bytes = self.head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        return packed


class Client:
    """One client of the target, as a process with an SDK: its connections, and the user that it speaks of."""

    __slots__ = ("calls", "idle", "user")

    def __init__(self) -> None:
        self.idle: list[tuple[Any, int, float]] = []
        self.calls = 0
        self.user = b"%08x" % random.getrandbits(32)

    def next_user(self) -> tuple[bytes, bool]:
        """The user of the next call, and whether it is the first of this user."""
        self.calls += 1
        if self.calls % JOURNEY == 1:
            self.user = b"%08x" % random.getrandbits(32)
            return self.user, True
        return self.user, False


class Picker:
    """Chooses items so that any stretch of a load has its shares: the one that lags behind its weight most is next."""

    def __init__(self, items: list[Item]) -> None:
        total = sum(item.weight for item in items)
        self._items = items
        start = random.random()  # noqa: S311 - so that workers do not send alike
        self._heap = [(start * total / item.weight, index, total / item.weight)
                      for index, item in enumerate(items) if item.weight > 0]  # fmt: skip
        random.shuffle(self._heap)
        self._heap = [(random.random() * step, index, step) for _, index, step in self._heap]  # noqa: S311 - likewise
        heapq.heapify(self._heap)

    def next(self) -> Item:
        """The next item."""
        at, index, step = self._heap[0]
        heapq.heapreplace(self._heap, (at + step, index, step))
        return self._items[index]
