"""Replies, with bodies as the contract describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.contract import schemas
from conformance.profile.body_format import BodyFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.core.model import Json
    from conformance.profile.facts import ResponseBody
    from conformance.refserver.request import ReceivedRequest

_REASON_MARK = "x-reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReply:
    """An answer of the server: a status, headers and a body."""

    status: int
    media_type: str | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> ServerReply:
        """The same with more headers; an underscore in a name becomes a hyphen."""
        further = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **further})


NO_REPLY = ServerReply(status=0)
"""No answer: the connection stays open and silent."""


def build_reply(
    status: int, shape: ResponseBody | None, *reasons: str, headers: Mapping[str, str] | None = None
) -> ServerReply:
    """A reply with a body of the given shape: JSON from the examples of its schema, or the first reason as text.

    A schema marks with `x-reason` where a reason goes; a list of objects with such a mark has one for each reason.
    """
    headers = headers or {}
    if status == 204 or (shape is not None and shape.body_format is BodyFormat.EMPTY):
        return ServerReply(status=status, headers=headers)
    media_type = shape.media_type if shape is not None else None
    if shape is not None and shape.body_format is BodyFormat.JSON:
        schema = shape.schema or {"type": "object"}
        body = json.dumps(_with_reasons(schema, schemas.full_sample(schema), reasons)).encode()
        return ServerReply(status=status, media_type=media_type or "application/json", body=body, headers=headers)
    return ServerReply(status=status, media_type=media_type or "text/plain", body=reasons[0].encode(), headers=headers)


def _with_reasons(schema: Any, value: Json, reasons: Sequence[str]) -> Json:  # noqa: ANN401 - a JSON Schema
    """A sample of a schema with the reasons where it has room for them."""
    schema = schema["anyOf"][0] if "anyOf" in schema else schema
    if schema.get(_REASON_MARK):
        return reasons[0]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: _with_reasons(properties.get(name, {}), item, reasons) for name, item in value.items()}
    if isinstance(value, list) and value and _REASON_MARK in json.dumps(schema):
        return [_with_reasons(schema["items"], value[0], (reason,)) for reason in reasons]
    return value


def options_reply(request: ReceivedRequest, methods: Iterable[str]) -> ServerReply:
    """The answer to OPTIONS: the methods of a path; to a CORS preflight, permission for any origin."""
    methods = ", ".join(("OPTIONS", *methods))
    plain_reply = ServerReply(status=204, headers={"Allow": methods})
    requested_headers = request.headers.get("access-control-request-headers", "")
    if "origin" not in request.headers or "access-control-request-method" not in request.headers:
        return plain_reply
    return plain_reply.with_headers(
        Access_Control_Allow_Methods=methods,
        Access_Control_Allow_Headers=requested_headers or "Authorization, Content-Type, Content-Encoding",
        Access_Control_Max_Age="600",
    )


def readable_by_pages(reply: ServerReply) -> ServerReply:
    """The reply as browsers show it to pages of any origin; unless it says itself what they may read."""
    if "Retry-After" in reply.headers and "Access-Control-Expose-Headers" not in reply.headers:
        reply = reply.with_headers(Access_Control_Expose_Headers="Retry-After")
    is_decided = "Access-Control-Allow-Origin" in reply.headers
    return reply if is_decided else reply.with_headers(Access_Control_Allow_Origin="*")
