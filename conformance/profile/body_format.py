"""The formats that bodies of answers have."""

from __future__ import annotations

import enum


class BodyFormat(enum.StrEnum):
    """The format of a body."""

    EMPTY = "empty"
    MESSAGE = "message"
    TEXT = "text"
    JSON = "json"
