"""Forwards requests of others to a target, byte for byte, as a proxy does."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.core.model import Request
    from conformance.wire.target import TargetAddress

MAX_ANSWER_BYTES = 8 * 1024 * 1024
_HOP_HEADERS = frozenset({"connection", "content-length", "host", "transfer-encoding", "keep-alive", "expect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardedAnswer:
    """What a target answered; the status is 0 if it did not, and `failure` says why."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    failure: str = ""


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to the address that was looked up once, encrypted where the target's scheme says so."""

    def __init__(self, target: TargetAddress, timeout_s: float) -> None:
        super().__init__(target.authority, timeout=timeout_s)
        self._target = target

    def connect(self) -> None:
        """Connects. Raises OSError."""
        target = self._target
        if not target.addresses:
            raise OSError(target.resolution_error or "the target's name has no address")
        self.sock = socket.create_connection((target.addresses[0], target.port), self.timeout)
        if target.tls is not None:
            self.sock = target.tls.wrap_socket(self.sock, server_hostname=target.host)


def forward(target: TargetAddress, request: Request, *, timeout_s: float) -> ForwardedAnswer:
    """Sends a request below the target's base URL, with the target's own headers, and reads the answer."""
    connection = _PinnedConnection(target, timeout_s)
    own = {name.lower() for name, _ in target.headers}
    try:
        connection.putrequest(
            request.method, target.prefix + request.path, skip_host="host" in own, skip_accept_encoding=True
        )
        kept = [(name, value) for name, value in request.headers if name.lower() not in _HOP_HEADERS | own]
        for name, value in (*kept, *target.headers, ("Content-Length", str(len(request.body)))):
            connection.putheader(name, value)
        connection.endheaders(request.body)
        answer = connection.getresponse()
        return ForwardedAnswer(
            status=answer.status,
            headers=tuple((name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_HEADERS),
            body=answer.read(MAX_ANSWER_BYTES),
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        return ForwardedAnswer(status=0, failure=f"{type(error).__name__}: {error}")
    finally:
        connection.close()
