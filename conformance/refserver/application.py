"""The reference server as an ASGI application: requests in, replies out, in one manner or another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

from conformance.profile.facts import Ceiling
from conformance.refserver.admission import Incoming, Session
from conformance.refserver.replies import SILENCE, Reply
from conformance.refserver.weighing import most_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from conformance.contract import Contract
    from conformance.refserver.answering import Answering

Scope: TypeAlias = "Mapping[str, Any]"
Receive: TypeAlias = "Callable[[], Awaitable[Mapping[str, Any]]]"
Send: TypeAlias = "Callable[[Mapping[str, Any]], Awaitable[None]]"
Application: TypeAlias = "Callable[[Scope, Receive, Send], Awaitable[None]]"

SESSION = "session"
"""Where the protocol keeps what it remembers of a connection."""
_ROOM_BYTES = 1_048_576
_NO_CONTENT = 204


class Gone(Exception):
    """The client went before its request was whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a server speaks HTTP. `delay_s` passes before each answer.

    A chunked one states no length; a closing one closes after each answer, and says so; an eager one answers
    what is too large before it has read it, then closes; names of headers are in lower case where `is_lower`.
    """

    delay_s: float = 0.0
    is_chunked: bool = False
    is_closing: bool = False
    is_eager: bool = False
    is_lower: bool = False


PLAIN = Manner()


def application(answering: Answering, manner: Manner = PLAIN) -> Application:
    """An ASGI application that answers every path."""
    cap = _cap(answering.contract)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        announced = int(headers.get("content-length") or 0)
        most = answering.most_bytes(scope["method"], scope["path"])
        is_hurried = manner.is_eager and announced > most
        try:
            body = bytes(most + 1) if is_hurried else await _body(receive, cap)
        except Gone:
            return
        session = scope["state"].get(SESSION) or Session()
        incoming = _incoming(scope, headers, body, session)
        answering.in_flight += 1
        try:
            if manner.delay_s:
                await asyncio.sleep(manner.delay_s)
            found = answering.reply(incoming)
        finally:
            answering.in_flight -= 1
        if found is SILENCE:
            await _until_gone(receive)
            return
        session.note(found.status)
        is_doubtful = {"content-length", "transfer-encoding"} <= headers.keys()
        await _send(send, found, manner, is_last=manner.is_closing or is_hurried or is_doubtful)

    return answer


async def _until_gone(receive: Receive) -> None:
    """Waits until the client has enough of waiting."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _incoming(scope: Scope, headers: Mapping[str, str], body: bytes, session: Session) -> Incoming:
    path: str = scope["path"]
    if not path.startswith("/") and "://" in path:  # the absolute form, as it is sent to proxies
        path = "/" + path.partition("://")[2].partition("/")[2]
    return Incoming(
        method=scope["method"],
        path=path,
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=headers,
        body=body,
        version=scope["http_version"],
        session=session,
    )


def _cap(contract: Contract) -> int:
    """How much of a body is read at all, in bytes: anything larger is too large for every limit."""
    stated = [ceiling for ceiling in Ceiling if contract.states(f"limits.{ceiling}")]
    return max((most_bytes(contract.limit(ceiling)) for ceiling in stated), default=0) + _ROOM_BYTES


async def _body(receive: Receive, cap: int) -> bytes:
    """The body, or as much of it as fits under the cap. Raises Gone if it never ends."""
    body = bytearray()
    is_more = True
    while is_more and len(body) <= cap:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message["body"]
        is_more = message["more_body"]
    return bytes(body)


async def _send(send: Send, found: Reply, manner: Manner, *, is_last: bool) -> None:
    """Sends a reply in a manner, without headers that are empty; uvicorn leaves the body of a HEAD away."""
    headers = dict(found.headers)
    if found.media_type:
        headers["Content-Type"] = found.media_type
    if found.status != _NO_CONTENT and not manner.is_chunked:
        headers["Content-Length"] = str(len(found.body))
    if is_last:
        headers["Connection"] = "close"
    written = [
        ((name.lower() if manner.is_lower else name).encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
        if value
    ]
    await send({"type": "http.response.start", "status": found.status, "headers": written})
    await send({"type": "http.response.body", "body": found.body, "more_body": False})
