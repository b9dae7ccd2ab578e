"""A small server for customer events: an ASGI application in one file, without a framework."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
from typing import Any

LIMIT = 64 * 1024
WRITE_KEY = os.environ.get("EVENTS_WRITE_KEY", "a-key-for-tests")


class Refusal(Exception):
    """A request that is not taken, with the status that says why."""

    def __init__(self, status: int, reason: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(reason)
        self.status, self.headers = status, list(headers)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Takes events at POST /track, and drops them: a real server would store them."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    try:
        admit(scope)
        take(await read(receive))
        status, body, headers = 204, b"", []
    except Refusal as refusal:
        status, body = refusal.status, json.dumps({"error": str(refusal)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers += refusal.headers
    if {b"content-length", b"transfer-encoding"} <= dict(scope["headers"]).keys():
        headers.append((b"connection", b"close"))  # where such a request ends is doubtful
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def admit(scope: dict[str, Any]) -> None:
    """Refuses what is wrong before the body is read."""
    headers = dict(scope["headers"])
    if scope["path"] != "/track":
        raise Refusal(404, "nothing is here")
    if scope["method"] != "POST":
        raise Refusal(405, "events are posted", (b"allow", b"POST"))
    if not is_known(headers.get(b"authorization", b"")):
        raise Refusal(401, "unknown write key", (b"www-authenticate", b"Basic"))
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Refusal(415, "send the body as it is")


def is_known(authorization: bytes) -> bool:
    """Whether the write key is the user name of Basic credentials."""
    scheme, _, token = authorization.partition(b" ")
    try:
        user, colon, _ = base64.b64decode(token.strip(), validate=True).partition(b":")
    except binascii.Error:
        return False
    return scheme.lower() == b"basic" and colon == b":" and hmac.compare_digest(user, WRITE_KEY.encode())


async def read(receive: Any) -> bytes:
    """The body, read to its end, so that the answer to one that is too large arrives."""
    body, has_more = bytearray(), True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the body is not whole")
        body += message.get("body", b"")[: LIMIT + 1 - len(body)]
        has_more = message.get("more_body", False)
    if len(body) > LIMIT:
        raise Refusal(400, "an event may have 64 KB")
    return bytes(body)


def take(body: bytes) -> None:
    """Refuses what is not an event."""
    try:
        message = json.loads(body.decode(), parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "not JSON") from None
    event = message.get("event") if isinstance(message, dict) else None
    if not isinstance(event, dict):
        raise Refusal(400, "event is missing")
    user = event.get("user")
    if not isinstance(user, dict) or not (user.get("userId") or user.get("anonymousId")):
        raise Refusal(400, "userId or anonymousId is missing")


def refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(name)
