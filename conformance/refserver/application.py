"""The reference server as an ASGI application: requests in, replies out, in one manner or another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

from conformance.profile.facts import LimitKind
from conformance.refserver.authentication import ConnectionState, ReceivedRequest
from conformance.refserver.body_size import max_bytes
from conformance.refserver.replies import NO_REPLY, ServerReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from conformance.contract import Contract
    from conformance.refserver.responder import Responder

Scope: TypeAlias = "Mapping[str, Any]"
Receive: TypeAlias = "Callable[[], Awaitable[Mapping[str, Any]]]"
Send: TypeAlias = "Callable[[Mapping[str, Any]], Awaitable[None]]"
Application: TypeAlias = "Callable[[Scope, Receive, Send], Awaitable[None]]"

CONNECTION_KEY = "session"
"""Where the protocol keeps what it remembers of a connection."""
_READ_AHEAD_BYTES = 1_048_576
_NO_CONTENT = 204


class ClientDisconnected(Exception):
    """The client went before its request was whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How a server speaks HTTP. `delay_s` passes before each answer.

    A chunked one states no length; a closing one closes after each answer, and says so; an eager one answers
    what is too large before it has read it, then closes; names of headers are in lower case where `is_lower`.
    """

    delay_s: float = 0.0
    is_chunked: bool = False
    closes_after_reply: bool = False
    replies_before_reading: bool = False
    lowercases_headers: bool = False


DEFAULT_TIMING = Timing()


def create_application(responder: Responder, timing: Timing = DEFAULT_TIMING) -> Application:
    """An ASGI application that answers every path."""
    max_read_bytes = _max_read_bytes(responder.contract)

    async def handle_request(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        content_length = int(headers.get("content-length") or 0)
        max_bytes = responder.max_body_bytes(scope["method"], scope["path"])
        replies_early = timing.replies_before_reading and content_length > max_bytes
        try:
            body = bytes(max_bytes + 1) if replies_early else await _read_body(receive, max_read_bytes)
        except ClientDisconnected:
            return
        connection = scope["state"].get(CONNECTION_KEY) or ConnectionState()
        request = _received_request(scope, headers, body, connection)
        responder.in_flight += 1
        try:
            if timing.delay_s:
                await asyncio.sleep(timing.delay_s)
            response = responder.handle(request)
        finally:
            responder.in_flight -= 1
        if response is NO_REPLY:
            await _wait_for_disconnect(receive)
            return
        connection.record_response(response.status)
        is_ambiguous = {"content-length", "transfer-encoding"} <= headers.keys()
        await _send_reply(send, response, timing, is_last=timing.closes_after_reply or replies_early or is_ambiguous)

    return handle_request


async def _wait_for_disconnect(receive: Receive) -> None:
    """Waits until the client has enough of waiting."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _received_request(
    scope: Scope, headers: Mapping[str, str], body: bytes, connection: ConnectionState
) -> ReceivedRequest:
    path: str = scope["path"]
    if not path.startswith("/") and "://" in path:  # the absolute form, as it is sent to proxies
        path = "/" + path.partition("://")[2].partition("/")[2]
    return ReceivedRequest(
        method=scope["method"],
        path=path,
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=headers,
        body=body,
        version=scope["http_version"],
        connection=connection,
    )


def _max_read_bytes(contract: Contract) -> int:
    """How much of a body is read at all, in bytes: anything larger is too large for every limit."""
    limit_kinds = [ceiling for ceiling in LimitKind if contract.has_fact(f"limits.{ceiling}")]
    return max((max_bytes(contract.size_limit(ceiling)) for ceiling in limit_kinds), default=0) + _READ_AHEAD_BYTES


async def _read_body(receive: Receive, max_bytes: int) -> bytes:
    """The body, or as much of it as fits under the cap. Raises Gone if it never ends."""
    body = bytearray()
    is_more = True
    while is_more and len(body) <= max_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        body += message["body"]
        is_more = message["more_body"]
    return bytes(body)


async def _send_reply(send: Send, response: ServerReply, timing: Timing, *, is_last: bool) -> None:
    """Sends a reply in a manner, without headers that are empty; uvicorn leaves the body of a HEAD away."""
    headers = dict(response.headers)
    if response.media_type:
        headers["Content-Type"] = response.media_type
    if response.status != _NO_CONTENT and not timing.is_chunked:
        headers["Content-Length"] = str(len(response.body))
    if is_last:
        headers["Connection"] = "close"
    encoded_headers = [
        ((name.lower() if timing.lowercases_headers else name).encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
        if value
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})
