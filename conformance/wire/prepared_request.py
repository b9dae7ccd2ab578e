"""A request that is ready to be sent over `Connections`."""

from __future__ import annotations

from typing import Protocol


class PreparedRequest(Protocol):
    """What `Connections` needs of a request."""

    @property
    def data(self) -> bytes:
        """The bytes to send."""

    @property
    def method(self) -> str:
        """Its method; the end of the answer depends on it."""

    @property
    def events(self) -> int:
        """The most events that it can contain."""
