"""A check against a scripted server: each connection is a function of the test, the wire is the real one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, TypeAlias

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.profile import load
from conformance.run.execution import execute
from conformance.run.plan import build_plan
from conformance.settings import table
from tests.support.scripted_server import OK, scripted_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Verdict
    from tests.support.scripted_server import ClientConnection, ConnectionScript, ReceivedRequest

Responder: TypeAlias = "Callable[[ClientConnection, ReceivedRequest], bytes | None]"
"""What a server says to the head of a request; None if it answers fairly. GoneError hangs up."""

BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
CRASHED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"
DEADLINE_S = "2"
PROFILE = "segmentstream"


def closing_connection(answer: bytes) -> bytes:
    """An answer that is the last of its connection, and says so."""
    return answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def answer_correctly(peer: ClientConnection, head: ReceivedRequest) -> bytes:
    """The right answer: what is no JSON, and what has no key, is refused."""
    if head.values("expect"):
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    request = peer.read_body(head)
    if request.method == "HEAD":
        return b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 3\r\n\r\n"
    if not request.values("authorization"):
        return UNAUTHORIZED
    try:
        json.loads(request.body)
    except ValueError:
        return BAD
    return OK


def respond_with(responder: Responder, answer_to_garbage: bytes = closing_connection(BAD)) -> ConnectionScript:
    """Answers each request by a move, or fairly, and what is no HTTP at all with `nonsense`.

    Closes after an answer that says so.
    """

    def script(peer: ClientConnection) -> None:
        while True:
            head = _read_head(peer)
            if head is None:
                peer.send(answer_to_garbage)
                return
            answer = responder(peer, head) or answer_correctly(peer, head)
            peer.send(answer)
            if b"Connection: close" in answer or head.values("connection") == ["close"]:
                return

    return script


def _read_head(peer: ClientConnection) -> ReceivedRequest | None:
    """The head of a request; None if it is none."""
    try:
        head = peer.read_head()
    except ValueError:
        return None
    return head if head.method.isalpha() else None


def no_override(_peer: ClientConnection, _head: ReceivedRequest) -> None:
    """No move: everything is answered fairly."""


def is_raw_request(head: ReceivedRequest) -> bool:
    """Whether a request is one of those that are written byte by byte."""
    return not head.values("accept")


def empty_closing_answer(line: str) -> bytes:
    """An answer without a body, the last of its connection."""
    return closing_connection(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode())


def run_check(check: str, responder: Responder, answer_to_garbage: bytes = closing_connection(BAD)) -> Verdict:
    """What one check comes to on a server."""
    with scripted_server(respond_with(responder, answer_to_garbage)) as server:
        values = {"write_key": "Scripted-Key", "select": check, "deadline": DEADLINE_S}
        plan = build_plan(table.resolve(values), server.url, Contract(load(PROFILE)), CHECKS)
        (result,) = asyncio.run(execute(plan, lambda *_: None)).verdicts
    return result
