"""What httpcore reports of one attempt to send a request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.wire.sockets import NetworkStream


@dataclass(slots=True)
class ConnectionTrace:
    """Whether one attempt opened a connection and received the head of an answer, and the connection's first bytes.

    `idle_s` is how long a new connection waited for the first bytes of the request.
    """

    opened_connection: bool = False
    received_head: bool = False
    idle_s: float = 0.0
    _connected_s: float = 0.0
    _stream: NetworkStream | None = None

    @property
    def first_bytes(self) -> bytes:
        """The first bytes that the peer sent over a new connection."""
        return self._stream.first_bytes if self._stream else b""

    async def record(self, event: str, info: Mapping[str, Any]) -> None:
        """Receives an event of httpcore's trace extension."""
        if event == "connection.connect_tcp.started":
            self.opened_connection = True
        elif event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._connected_s = time.monotonic()
            self._stream = info["return_value"]
        elif event == "http11.send_request_headers.complete":
            self.idle_s = time.monotonic() - self._connected_s if self._connected_s else 0.0
        elif event == "http11.receive_response_headers.complete":
            self.received_head = True
