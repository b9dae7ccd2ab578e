"""Replies, with bodies as the contract describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.contract import schemas
from conformance.profile.facts import BodyFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.profile.facts import ResponseBody


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
    status: int, shape: ResponseBody | None, text: str, headers: Mapping[str, str] | None = None
) -> ServerReply:
    """A reply with a body of the given shape: JSON from the examples of its schema, or `text`."""
    headers = headers or {}
    if status == 204 or (shape is not None and shape.body_format is BodyFormat.EMPTY):
        return ServerReply(status=status, headers=headers)
    media_type = shape.media_type if shape is not None else None
    if shape is not None and shape.body_format is BodyFormat.JSON:
        body = json.dumps(schemas.full_sample(shape.schema or {"type": "object"})).encode()
        return ServerReply(status=status, media_type=media_type or "application/json", body=body, headers=headers)
    return ServerReply(status=status, media_type=media_type or "text/plain", body=text.encode(), headers=headers)
