"""The reference server as an ASGI application."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

from conformance.profile.facts import LimitKind
from conformance.refserver.body_size import max_bytes
from conformance.refserver.replies import NO_REPLY, ServerReply
from conformance.refserver.request import CONNECTION_KEY, ConnectionState, ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from conformance.contract import Contract
    from conformance.refserver.responder import Responder

Scope: TypeAlias = "Mapping[str, Any]"
Receive: TypeAlias = "Callable[[], Awaitable[Mapping[str, Any]]]"
Send: TypeAlias = "Callable[[Mapping[str, Any]], Awaitable[None]]"
Application: TypeAlias = "Callable[[Scope, Receive, Send], Awaitable[None]]"

_READ_AHEAD_BYTES = 1_048_576
_NO_CONTENT = 204


class ClientDisconnected(Exception):
    """The client disconnected before its request was complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpBehavior:
    """How a server uses HTTP, whatever it answers.

    `delay_s`: seconds to wait before each answer, and `extra_delay_s` what is added for a request.
    `is_chunked`: answers in chunks, without a Content-Length.
    `closes_after_reply`: closes the connection after each answer, and announces it.
    `replies_before_reading`: answers a body above its limit before reading it, then closes the connection.
    `lowercases_headers`: writes header names in lower case.
    """

    delay_s: float = 0.0
    extra_delay_s: Callable[[ReceivedRequest], float] | None = None
    is_chunked: bool = False
    closes_after_reply: bool = False
    replies_before_reading: bool = False
    lowercases_headers: bool = False


DEFAULT_BEHAVIOR = HttpBehavior()


def create_application(responder: Responder, behavior: HttpBehavior = DEFAULT_BEHAVIOR) -> Application:
    """An ASGI application that answers every path."""
    max_read_bytes = _max_read_bytes(responder.contract)

    async def handle_request(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        content_length = int(headers.get("content-length") or 0)
        max_bytes = responder.max_body_bytes(scope["method"], _path_of(scope))
        replies_early = behavior.replies_before_reading and content_length > max_bytes
        try:
            body = bytes(max_bytes + 1) if replies_early else await _read_body(receive, max_read_bytes)
        except ClientDisconnected:
            return
        connection = scope["state"].get(CONNECTION_KEY) or ConnectionState()
        request = _received_request(scope, headers, body, connection)
        responder.in_flight += 1
        try:
            delay_s = behavior.delay_s + (behavior.extra_delay_s(request) if behavior.extra_delay_s else 0.0)
            if delay_s:
                await asyncio.sleep(delay_s)
            response = responder.handle(request)
        finally:
            responder.in_flight -= 1
        if response is NO_REPLY:
            await _wait_for_disconnect(receive)
            return
        connection.record_response(response.status)
        is_ambiguous = {"content-length", "transfer-encoding"} <= headers.keys()
        is_last = behavior.closes_after_reply or replies_early or is_ambiguous
        await _send_reply(send, response, behavior, is_last=is_last)

    return handle_request


async def _wait_for_disconnect(receive: Receive) -> None:
    """Waits until the client gives up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _received_request(
    scope: Scope, headers: Mapping[str, str], body: bytes, connection: ConnectionState
) -> ReceivedRequest:
    return ReceivedRequest(
        method=scope["method"],
        path=_path_of(scope),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=headers,
        body=body,
        version=scope["http_version"],
        connection=connection,
    )


def _path_of(scope: Scope) -> str:
    """The path of a target, also of one in the absolute form that is sent to proxies."""
    path: str = scope["path"]
    is_absolute = not path.startswith("/") and "://" in path
    return "/" + path.partition("://")[2].partition("/")[2] if is_absolute else path


def _max_read_bytes(contract: Contract) -> int:
    """How many bytes of a body are read: more than any limit allows."""
    limits = [contract.size_limit(kind) for kind in LimitKind if contract.has_fact(f"limits.{kind}")]
    return max(map(max_bytes, limits), default=0) + _READ_AHEAD_BYTES


async def _read_body(receive: Receive, max_bytes: int) -> bytes:
    """The body, up to a little more than `max_bytes`. Raises ClientDisconnected."""
    body = bytearray()
    is_more = True
    while is_more and len(body) <= max_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        body += message["body"]
        is_more = message["more_body"]
    return bytes(body)


async def _send_reply(send: Send, response: ServerReply, behavior: HttpBehavior, *, is_last: bool) -> None:
    """Sends a reply without its empty headers; uvicorn omits the body of a HEAD."""
    headers = dict(response.headers)
    if response.media_type:
        headers["Content-Type"] = response.media_type
    if response.status != _NO_CONTENT and not behavior.is_chunked:
        headers["Content-Length"] = str(len(response.body))
    if is_last:
        headers["Connection"] = "close"
    encoded_headers = [
        ((name.lower() if behavior.lowercases_headers else name).encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
        if value
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})
