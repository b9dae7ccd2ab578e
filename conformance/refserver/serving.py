"""The reference server on the network: Starlette on uvicorn, in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from conformance.errors import CannotJudge
from conformance.profile.facts import Ceiling
from conformance.refserver.admission import Incoming
from conformance.refserver.answering import Answering

if TYPE_CHECKING:
    from starlette.requests import Request

    from conformance.contract import Contract

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LOOPBACK = "127.0.0.1"
_ROOM = 1_048_576
_PATIENCE_S = 10.0


def application(answering: Answering, delay_s: float = 0.0) -> Starlette:
    """An ASGI application that answers every path, each time after a delay in seconds."""
    cap = _cap(answering.contract)

    async def answer(request: Request) -> Response:
        incoming = Incoming(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await _body(request, cap),
        )
        if delay_s:
            await asyncio.sleep(delay_s)
        reply = answering.reply(incoming)
        headers = {**reply.headers, **({"Content-Type": reply.media_type} if reply.media_type else {})}
        return Response(content=reply.body, status_code=reply.status, headers=headers)

    return Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])


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
        self._socket = _listen(port)
        self.url = f"http://{_LOOPBACK}:{self._socket.getsockname()[1]}"
        app = application(Answering(contract, write_key, bearer), delay_s)
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", http="h11")
        self._server = uvicorn.Server(config)
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


def _listen(port: int) -> socket.socket:
    """A listening socket. Naming TCP lets asyncio switch off Nagle's delay of 40 ms on what it accepts."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise CannotJudge(f"no server can listen on {_LOOPBACK} port {port}: {error.strerror}") from None
    return listener


def _cap(contract: Contract) -> int:
    """How much of a body is read at all, in bytes: anything larger is too large for every limit."""
    limits = [contract.limit(ceiling).at_most for ceiling in Ceiling if contract.states(f"limits.{ceiling}")]
    return max(limits, default=0) + _ROOM


async def _body(request: Request, cap: int) -> bytes:
    """The body, or as much of it as fits under the cap."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > cap:
            break
    return bytes(body)
