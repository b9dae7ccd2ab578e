"""A reply: a status, headers and a body, made from what a contract says of bodies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.contract import schemas
from conformance.profile.facts import BodyClass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.profile.facts import BodyShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, headers and a body."""

    status: int
    media_type: str | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def headed(self, **headers: str) -> Reply:
        """The same with further headers; an underscore in a name stands for a hyphen."""
        further = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **further})


SILENCE = Reply(status=0)
"""No answer at all: what a server gives that hangs."""


def reply(status: int, shape: BodyShape | None, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply whose body has a shape: JSON with the schema's own examples, or the text."""
    headers = headers or {}
    if status == 204 or (shape is not None and shape.body_class is BodyClass.EMPTY):
        return Reply(status=status, headers=headers)
    media_type = shape.media_type if shape is not None else None
    if shape is not None and shape.body_class is BodyClass.JSON:
        body = json.dumps(schemas.sample(shape.schema or {"type": "object"})).encode()
        return Reply(status=status, media_type=media_type or "application/json", body=body, headers=headers)
    return Reply(status=status, media_type=media_type or "text/plain", body=text.encode(), headers=headers)
