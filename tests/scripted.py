"""A check against a scripted server: each connection is a function of the test, the wire is the real one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, TypeAlias

from conformance import settings
from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.profile import load
from conformance.run import execute, prepare
from tests.sockets import OK, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import Verdict
    from tests.sockets import Peer, Received, Script

Move: TypeAlias = "Callable[[Peer, Received], bytes | None]"
"""What a server says to the head of a request; None if it answers fairly. GoneError hangs up."""

BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
CRASHED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"
DEADLINE_S = "2"
PROFILE = "segmentstream"


def last(answer: bytes) -> bytes:
    """An answer that is the last of its connection, and says so."""
    return answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def fair(peer: Peer, head: Received) -> bytes:
    """The right answer: what is no JSON, and what has no key, is refused."""
    if head.values("expect"):
        peer.say(b"HTTP/1.1 100 Continue\r\n\r\n")
    found = peer.rest(head)
    if found.method == "HEAD":
        return b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 3\r\n\r\n"
    if not found.values("authorization"):
        return UNAUTHORIZED
    try:
        json.loads(found.body)
    except ValueError:
        return BAD
    return OK


def moving(move: Move, nonsense: bytes = last(BAD)) -> Script:
    """Answers each request by a move, or fairly, and what is no HTTP at all with `nonsense`.

    Closes after an answer that says so.
    """

    def script(peer: Peer) -> None:
        while True:
            head = _head(peer)
            if head is None:
                peer.say(nonsense)
                return
            answer = move(peer, head) or fair(peer, head)
            peer.say(answer)
            if b"Connection: close" in answer or head.values("connection") == ["close"]:
                return

    return script


def _head(peer: Peer) -> Received | None:
    """The head of a request; None if it is none."""
    try:
        head = peer.head()
    except ValueError:
        return None
    return head if head.method.isalpha() else None


def usual(_peer: Peer, _head: Received) -> None:
    """No move: everything is answered fairly."""


def is_by_hand(head: Received) -> bool:
    """Whether a request is one of those that are written byte by byte."""
    return not head.values("accept")


def status(line: str) -> bytes:
    """An answer without a body, the last of its connection."""
    return last(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode())


def verdict(check: str, move: Move, nonsense: bytes = last(BAD)) -> Verdict:
    """What one check comes to on a server."""
    with serving(moving(move, nonsense)) as server:
        values = {"write_key": "Scripted-Key", "select": check, "deadline": DEADLINE_S}
        plan = prepare(settings.resolve(values), server.url, Contract(load(PROFILE)), CHECKS)
        (found,) = asyncio.run(execute(plan, lambda *_: None)).verdicts
    return found
