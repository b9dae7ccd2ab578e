"""HTTP on one connection: uvicorn's h11 protocol, with half-closed connections handled as HTTP requires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from conformance.refserver.request import CONNECTION_KEY, ConnectionState

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle
    from uvicorn.server import ServerState


class HttpProtocol(H11Protocol):
    """Also answers complete requests of a client that has closed its side; counts answers per connection."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.connection_state = ConnectionState()
        super().__init__(config, server_state, {**app_state, CONNECTION_KEY: self.connection_state}, _loop)
        self._client_has_ended = False

    @property
    def _has_pending_reply(self) -> bool:
        """Whether a complete request has no answer yet."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio reads the value, uvicorn gives none
        """The client closed its side: a complete request is still answered, an incomplete one is not."""
        self._client_has_ended = True
        return self._has_pending_reply

    def on_response_complete(self) -> None:
        """Closes the connection after the last answer to a client that has closed its side."""
        super().on_response_complete()
        if self._client_has_ended and not self._has_pending_reply and not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answers 400 to what is not HTTP; if it was already answered, only closes the connection."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()
