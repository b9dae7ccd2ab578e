"""HTTP on one connection: uvicorn's protocol over h11, where HTTP asks for a little more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from conformance.refserver.application import CONNECTION_KEY
from conformance.refserver.authentication import ConnectionState

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle
    from uvicorn.server import ServerState


class HttpProtocol(H11Protocol):
    """Answers what was whole when the client ended its side, and remembers each connection's requests."""

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
        """Whether a request that came whole is still to be answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio reads the value, uvicorn gives none
        """The client ended its side. What is whole is answered first; what is not never will be."""
        self._client_has_ended = True
        return self._has_pending_reply

    def on_response_complete(self) -> None:
        """Closes the connection after the last answer to a client that has ended its side."""
        super().on_response_complete()
        if self._client_has_ended and not self._has_pending_reply and not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Says that a request is not HTTP; if that comes after an answer to it, just hangs up."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()
