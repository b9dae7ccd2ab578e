"""The wire: the one place that talks to a target. A request goes in, a redacted exchange comes out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import httpcore
import httpx

from conformance.model import Exchange, Mishap, Request, Response
from conformance.wire import decoding, raw
from conformance.wire.budget import Budget
from conformance.wire.raw import GONE, Heard
from conformance.wire.redaction import Redactor
from conformance.wire.sockets import TlsError
from conformance.wire.target import Target, parse
from conformance.wire.throttle import Throttle
from conformance.wire.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

__all__ = ["CROWD", "Budget", "Redactor", "Target", "Wire", "parse"]

USER_AGENT = "ingest-conformance"
CROWD = 16
"""The most requests that are ever in flight at once, unless the user asks for more."""
_FRAME_BYTES = 160
"""What a request has beside its path, its own headers and its body, in bytes, with some to spare."""
_GONE = (httpcore.ReadError, httpcore.WriteError)


@dataclass(slots=True)
class _Trail:
    """What httpcore tells of one attempt: whether it opened a connection, whether an answer began."""

    is_fresh: bool = False
    is_answered: bool = False

    async def note(self, event: str, _: Mapping[str, Any]) -> None:
        """Takes an event of httpcore's trace extension."""
        if event == "connection.connect_tcp.started":
            self.is_fresh = True
        elif event == "http11.receive_response_headers.complete":
            self.is_answered = True


@dataclass(slots=True, kw_only=True)
class Wire:
    """Sends requests to one target. `connections` is how many its user keeps in flight.

    `deadline_s` bounds a whole exchange, from opening the connection to the end of the answer. A reused
    connection that turns out closed is replaced once, silently; a fresh one that fails is a mishap. What is
    sent comes out of a `budget`, second attempts too; once that is used up, sending raises
    Exhausted.
    """

    target: Target
    redactor: Redactor
    connections: int = 8
    deadline_s: float = 10.0
    throttle: Throttle = field(default_factory=lambda: Throttle(None))
    budget: Budget = field(default_factory=Budget)
    sent: int = 0
    _pooled: Transport = field(init=False)
    _single: Transport = field(init=False)

    def __post_init__(self) -> None:
        backend = self.target.backend()
        self._pooled = Transport(tls=self.target.tls, backend=backend)
        self._single = Transport(tls=self.target.tls, backend=backend, keep_alive=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.renew()

    async def renew(self) -> None:
        """Closes every connection that is kept; what follows goes over new ones."""
        await self._pooled.aclose()
        await self._single.aclose()

    async def exchange(self, request: Request) -> Exchange:
        """Sends a request and reads its answer. Never raises for what the network or the target does.

        Raises Exhausted, and sends nothing, where the budget is used up.
        """
        request = replace(request, headers=(*self.target.headers, *request.headers))
        return self._exchange(request, await self.hear(request))

    async def hear(self, request: Request) -> Heard:
        """What comes of a request with all its headers; for who takes the secrets out later. Never raises."""
        self._spend(request)
        await self.throttle.wait()
        self.sent += 1
        response, mishap, detail = await self._attempt(request)
        return Heard(response=response, mishap=mishap, detail=detail, is_open=True)

    async def converse(
        self, requests: Sequence[Request], *, pipelined: bool = False, half_closed: bool = False
    ) -> list[Exchange]:
        """Sends requests over one connection of their own, byte by byte. Never raises, as `exchange`."""
        whole = [replace(item, headers=(*self.target.headers, *item.headers)) for item in requests]
        for request in whole:
            self._spend(request)
            await self.throttle.wait()
            self.sent += 1
        found: list[Heard] = []
        rest = GONE
        try:
            async with asyncio.timeout(self.deadline_s):
                await raw.converse(self.target, whole, found, pipelined=pipelined, half_closed=half_closed)
        except TimeoutError:
            rest = Heard(mishap=Mishap.TIMEOUT, detail=self._silence)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            mishap, detail = _diagnosed(error)
            rest = Heard(mishap=mishap, detail=detail)
        found += [rest] * (len(whole) - len(found))
        return [self._exchange(request, heard) for request, heard in zip(whole, found, strict=True)]

    def _exchange(self, request: Request, heard: Heard) -> Exchange:
        """What was sent and what came, without secrets."""
        return Exchange(
            request=self.redactor.request(request),
            url=f"{self.target.scheme}://{self.target.authority}{self.target.prefix}{request.path}",
            response=self.redactor.response(heard.response) if heard.response else None,
            mishap=heard.mishap,
            detail=self.redactor.text(heard.detail),
            stray=self.redactor.body(heard.stray),
            is_open=heard.is_open,
            is_continued=heard.is_continued,
        )

    def _spend(self, request: Request) -> None:
        """Takes a request out of the budget. Raises Exhausted."""
        pairs = (*request.headers, *request.query)
        head = (
            len(self.target.prefix) + len(request.path) + sum(len(name) + len(value) for name, value in pairs)
        )
        self.budget.spend(_FRAME_BYTES + head + 4 * len(pairs) + len(request.body), request.events)

    @property
    def _silence(self) -> str:
        return f"no answer within {self.deadline_s:g} s"

    async def _attempt(self, request: Request) -> tuple[Response | None, Mishap | None, str]:
        """The answer, or what went wrong and how."""
        try:
            async with asyncio.timeout(self.deadline_s):
                return await self._send(request), None, ""
        except TimeoutError:
            return None, Mishap.TIMEOUT, self._silence
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            return None, *_diagnosed(error)

    async def _send(self, request: Request) -> Response:
        trail = _Trail()
        try:
            return await self._once(self._pooled, request, trail)
        except (*_GONE, httpcore.RemoteProtocolError) as error:
            if trail.is_fresh or trail.is_answered or not (isinstance(error, _GONE) or _hung_up(error)):
                raise
        self._spend(request)
        return await self._once(self._single, request, _Trail())

    async def _once(self, transport: Transport, request: Request, trail: _Trail) -> Response:
        answer = await transport.handle_async_request(self._outgoing(request, trail))
        try:
            body, truncated = await decoding.read(answer)
        finally:
            await answer.aclose()
        return Response(
            status=answer.status_code,
            headers=tuple(
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw
            ),
            body=body,
            http_version=answer.extensions["http_version"].decode("latin-1"),
            truncated=truncated,
        )

    def _outgoing(self, request: Request, trail: _Trail) -> httpx.Request:
        target = self.target
        given = {name.lower() for name, _ in request.headers}
        usual = {
            "Host": target.authority,
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        headers = [
            *((name, value) for name, value in usual.items() if name.lower() not in given),
            *request.headers,
        ]
        url = httpx.URL(
            scheme=target.scheme, host=target.host, port=target.port, path=target.prefix + request.path
        )
        return httpx.Request(
            request.method,
            url.copy_merge_params(request.query) if request.query else url,
            headers=[(name.encode(), value.encode()) for name, value in headers],
            content=_pieces(request.body) if request.chunked else request.body,
            extensions={"trace": trail.note},
        )


def _diagnosed(error: Exception) -> tuple[Mishap, str]:
    """What an error of httpcore's means."""
    if isinstance(error, TlsError):
        return Mishap.TLS, f"the TLS handshake failed: {error}"
    if isinstance(error, httpcore.ConnectError):
        return Mishap.UNREACHABLE, str(error)
    if isinstance(error, _GONE) or _hung_up(error):
        return Mishap.CLOSED, "the connection was closed without an answer"
    return Mishap.NOT_HTTP, f"the answer is not HTTP: {error}"


def _hung_up(error: Exception) -> bool:
    """Whether an error of httpcore's says that the peer closed the connection instead of answering."""
    return str(error).startswith(("Server disconnected", "peer closed connection"))


async def _pieces(body: bytes, size: int = 16_384) -> AsyncIterator[bytes]:
    """A body in pieces, which httpx sends as chunks."""
    for start in range(0, len(body), size):
        yield body[start : start + size]
