"""Servers in a thread, run by uvicorn."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from conformance.core.errors import InconclusiveError
from conformance.refserver.application import HttpBehavior, create_application
from conformance.refserver.authentication import NO_FURTHER_KEYS, FurtherKeys
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.responder import Responder
from conformance.refserver.storing import Keeper

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.application import Application
    from conformance.refserver.store import Store

_LOOPBACK = "127.0.0.1"
_START_STOP_TIMEOUT_S = 10.0
_SHUTDOWN_GRACE_S = 3
"""How many seconds running requests get when a server stops."""


class ThreadedServer:
    """A context manager that serves an application on a loopback port, in a thread; `url` is its base URL."""

    def __init__(self, config: uvicorn.Config, name: str, *, port: int = 0) -> None:
        self._name = name
        self._socket = listening_socket(port)
        self.url = f"http://{_LOOPBACK}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(config)
        self._is_graceful = config.lifespan != "off"
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    @classmethod
    def for_app(cls, app: Any) -> ThreadedServer:  # noqa: ANN401 - any ASGI application
        """Serves any ASGI application on a free port, with its lifespan and the logging of the process.

        Entering raises InconclusiveError if it does not start.
        """
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="auto", timeout_graceful_shutdown=_SHUTDOWN_GRACE_S
        )
        return cls(config, "the application under test")

    def __enter__(self) -> Self:
        self._thread.start()
        deadline_s = time.monotonic() + _START_STOP_TIMEOUT_S
        while not self._server.started:
            if time.monotonic() > deadline_s or not self._thread.is_alive():
                self.__exit__()
                raise InconclusiveError(f"{self._name} did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = not self._is_graceful
        self._thread.join(_START_STOP_TIMEOUT_S)
        self._socket.close()

    def wait(self) -> None:
        """Waits until the server stops."""
        self._thread.join()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


class Server(ThreadedServer):
    """A context manager that serves the reference server on a loopback port; `url` is its base URL.

    Port 0 takes a free one. `delay_s` is how many seconds pass before each answer; accepted events are kept in
    `store`, if there is one. Raises InconclusiveError
    if the port is taken or the server does not start.
    """

    def __init__(  # noqa: PLR0913 - as many as a server has
        self,
        contract: Contract,
        write_key: str,
        bearer: str | None = None,
        further_keys: FurtherKeys = NO_FURTHER_KEYS,
        *,
        port: int = 0,
        delay_s: float = 0.0,
        store: Store | None = None,
    ) -> None:
        responder = Responder(contract, write_key, bearer, further_keys)
        responder.keep = Keeper(store).keep if store else None
        asgi_app = create_application(responder, HttpBehavior(delay_s=delay_s))
        super().__init__(uvicorn_config(asgi_app), "the reference server", port=port)


def uvicorn_config(app: Application, protocol: type[HttpProtocol] = HttpProtocol) -> uvicorn.Config:
    """The settings of uvicorn: no logs, no lifespan, and our protocol class."""
    return uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", http=protocol, ws="none")


def listening_socket(port: int) -> socket.socket:
    """A listening socket. Raises InconclusiveError if the port is taken.

    Naming TCP lets asyncio switch off Nagle's delay of 40 ms on accepted connections.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise InconclusiveError(f"no server can listen on {_LOOPBACK} port {port}: {error.strerror}") from None
    return listener
