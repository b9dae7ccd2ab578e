"""The reference server on the network: uvicorn, in a thread."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import uvicorn

from conformance.errors import CannotJudge
from conformance.refserver.answering import Answering
from conformance.refserver.application import Manner, application
from conformance.refserver.protocol import Protocol

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.application import Application

_LOOPBACK = "127.0.0.1"
_PATIENCE_S = 10.0


class Server:
    """A reference server on a loopback port, as a context manager; `url` is its address.

    Port 0 takes a free one. Raises CannotJudge if the port is taken or the server does not start.
    """

    def __init__(
        self,
        contract: Contract,
        write_key: str,
        bearer: str | None = None,
        *,
        port: int = 0,
        delay_s: float = 0.0,
    ) -> None:
        self._socket = listen(port)
        self.url = f"http://{_LOOPBACK}:{self._socket.getsockname()[1]}"
        app = application(Answering(contract, write_key, bearer), Manner(delay_s=delay_s))
        self._server = uvicorn.Server(configuration(app))
        self._thread = threading.Thread(target=self._serve, name="reference server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        end_s = time.monotonic() + _PATIENCE_S
        while not self._server.started:
            if time.monotonic() > end_s or not self._thread.is_alive():
                raise CannotJudge("the reference server did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_PATIENCE_S)
        self._socket.close()

    def wait(self) -> None:
        """Waits until the server ends."""
        self._thread.join()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def configuration(app: Application, protocol: type[Protocol] = Protocol) -> uvicorn.Config:
    """How uvicorn runs an application: quietly, and with a protocol of ours."""
    return uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="off", http=protocol, ws="none"
    )


def listen(port: int) -> socket.socket:
    """A listening socket. Naming TCP lets asyncio switch off Nagle's delay of 40 ms on what it accepts."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise CannotJudge(f"no server can listen on {_LOOPBACK} port {port}: {error.strerror}") from None
    return listener
