"""The HTTP client of a run: sends requests and returns redacted exchanges."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import h11
import httpcore
import httpx

from conformance.core.kept_connections import KeptConnections
from conformance.core.model import Exchange, Request, Response, TransportFailure
from conformance.wire import decoding, failures, raw_connection
from conformance.wire.budget import Budget
from conformance.wire.connection_limit import find_connection_limit
from conformance.wire.connection_trace import ConnectionTrace
from conformance.wire.deadline import client_deadline, conversation_s
from conformance.wire.head_limits import AnswerTooLong
from conformance.wire.raw_connection import CLOSED_WITHOUT_ANSWER, USER_AGENT, SendResult
from conformance.wire.sockets import AT_EOF, TlsError
from conformance.wire.throttle import Throttle
from conformance.wire.transport import Transport, split_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.wire.redaction import Redactor
    from conformance.wire.target import TargetAddress

MAX_IN_FLIGHT = 16
"""The most requests in flight at once, unless the user asks for more."""
_OVERHEAD_BYTES = 160
"""An upper bound of the bytes of a request besides its path, its own headers and its body."""
_LARGE_BODY_BYTES = 256 * 1024
"""From this size on, bodies are sent one at a time: several at once would only make each other late."""
LATE_S = 0.02
"""A new connection that this client left idle for longer, in seconds, may have been closed for that."""
_MAX_CONNECTIONS = 8
"""How many connections are opened for one request at most, if they are closed before its bytes arrive."""
_CLOSED_ERRORS = (httpcore.ReadError, httpcore.WriteError)


@dataclass(slots=True, kw_only=True)
class Wire:
    """Sends requests to one target.

    `connections` is how many requests its user keeps in flight. `deadline_s` bounds a whole exchange, from opening the
    connection to the end of the answer; time in which this process stood still does not count, and large bodies are
    sent one at a time. A reused connection that turns out to be closed is replaced once, and so is a new one that
    this client left idle; otherwise a new one that fails is a transport failure. Where the replacement can't be opened,
    the failure is that of the closed one, over which the request was sent. Every attempt counts towards
    `budget`; once it is used up, sending raises BudgetExhausted.
    """

    target: TargetAddress
    redactor: Redactor
    connections: int = 8
    deadline_s: float = 10.0
    throttle: Throttle = field(default_factory=lambda: Throttle(None))
    budget: Budget = field(default_factory=Budget)
    sent_count: int = 0
    kept: KeptConnections = field(default_factory=KeptConnections)
    _reusing_transport: Transport = field(init=False)
    _one_use_transport: Transport = field(init=False)
    _large_bodies: asyncio.Lock = field(default_factory=asyncio.Lock)
    _room: asyncio.Semaphore | None = None
    _looked_for_limit: bool = False
    connection_limit: int | None = None

    def __post_init__(self) -> None:
        backend = self.target.network_backend()
        self._reusing_transport = Transport(tls=self.target.tls, backend=backend)
        self._one_use_transport = Transport(tls=self.target.tls, backend=backend, keep_alive=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close_connections()

    async def close_connections(self) -> None:
        """Closes all idle connections; the next requests open new ones."""
        await self._reusing_transport.aclose()
        await self._one_use_transport.aclose()

    async def find_connection_limit(self) -> int | None:
        """How many connections the target keeps open at once, where it closes others; it is tried once, while idle.

        From then on, half of them are used for requests, so that there is room for those that were just closed.
        """
        if not self._looked_for_limit:
            self._looked_for_limit = True
            await self.close_connections()
            self.connection_limit = await find_connection_limit(self.target)
            if self.connection_limit:
                self.connections = min(self.connections, max(1, self.connection_limit // 2))
                self._room = asyncio.Semaphore(self.connections)
        return self.connection_limit

    def use_fewer_connections(self) -> int:
        """Halves `connections`, and returns what is left."""
        self.connections = max(1, self.connections // 2)
        return self.connections

    async def exchange(self, request: Request) -> Exchange:
        """Sends a request and reads its answer. Never raises for network errors.

        Raises BudgetExhausted, and sends nothing, if the budget is used up.
        """
        request = replace(request, headers=(*self.target.headers, *request.headers))
        return self._redact_exchange(request, await self.send_unredacted(request))

    async def send_unredacted(self, request: Request) -> SendResult:
        """Sends a request whose headers are complete; the result is not redacted. Raises BudgetExhausted only."""
        self._spend_budget(request)
        await self.throttle.wait()
        self.sent_count += 1
        async with self._room or contextlib.nullcontext(), self._turn_of(len(request.body)):
            started_s = time.monotonic()
            result = await self._send_within_deadline(request)
            return replace(result, stays_open=True, elapsed_s=time.monotonic() - started_s)

    async def exchange_on_one_connection(
        self, requests: Sequence[Request], *, pipelined: bool = False, half_closed: bool = False, pause_s: float = 0.0
    ) -> list[Exchange]:
        """Sends requests over one new connection, with pauses beside the deadline. Raises BudgetExhausted only."""
        complete_requests = [replace(item, headers=(*self.target.headers, *item.headers)) for item in requests]
        self._spend_all(complete_requests)
        for _ in complete_requests:
            await self.throttle.wait()
            self.sent_count += 1
        results: list[SendResult] = []
        unanswered, attempt = CLOSED_WITHOUT_ANSWER, 0
        try:
            async with (
                self._room or contextlib.nullcontext(),
                self._turn_of(sum(len(item.body) for item in complete_requests)),
                client_deadline(conversation_s(self.deadline_s, len(requests)) + pause_s * (len(requests) - 1)),
            ):
                for attempt in range(1, _MAX_CONNECTIONS + 1):
                    results.clear()
                    idle_s = await raw_connection.send_on_raw_connection(
                        self.target,
                        complete_requests,
                        results,
                        pipelined=pipelined,
                        half_closed=half_closed,
                        pause_s=pause_s,
                    )
                    if results[0] is not CLOSED_WITHOUT_ANSWER or (attempt > 1 and idle_s < LATE_S):
                        break
                    if attempt < _MAX_CONNECTIONS:
                        self._spend_all(complete_requests)
        except TimeoutError:
            unanswered = SendResult(failure=TransportFailure.TIMEOUT, failure_detail=self._timeout_detail)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            if attempt == 1 or not isinstance(error, httpcore.ConnectError):
                unanswered = _classify_error(error)
        results += [unanswered] * (len(complete_requests) - len(results))
        return [self._redact_exchange(*pair) for pair in zip(complete_requests, results, strict=True)]

    def _turn_of(self, body_bytes: int) -> contextlib.AbstractAsyncContextManager[object]:
        """Waits until no other large body is being sent, if this is one."""
        return self._large_bodies if body_bytes >= _LARGE_BODY_BYTES else contextlib.nullcontext()

    def _redact_exchange(self, request: Request, result: SendResult) -> Exchange:
        """The exchange without secrets."""
        return Exchange(
            request=self.redactor.redact_request(request),
            url=f"{self.target.scheme}://{self.target.authority}{self.target.prefix}{request.path}",
            response=self.redactor.redact_response(result.response) if result.response else None,
            failure=result.failure,
            failure_detail=self.redactor.redact_text(result.failure_detail),
            is_certificate_rejected=result.is_certificate_rejected,
            bytes_after_response=self.redactor.redact_body(result.bytes_after_response),
            stays_open=result.stays_open,
            got_100_continue=result.got_100_continue,
            is_left_open=result.is_left_open,
            elapsed_s=result.elapsed_s,
        )

    def _spend_all(self, requests: Sequence[Request]) -> None:
        """Counts the requests of a conversation. Raises BudgetExhausted."""
        for request in requests:
            self._spend_budget(request)

    def _spend_budget(self, request: Request) -> None:
        """Counts a request. Raises BudgetExhausted."""
        pairs = (*request.headers, *request.query)
        head_bytes = len(self.target.prefix) + len(request.path) + sum(len(name) + len(value) for name, value in pairs)
        self.budget.spend(_OVERHEAD_BYTES + head_bytes + 4 * len(pairs) + len(request.body), request.event_count)

    @property
    def _timeout_detail(self) -> str:
        return failures.timed_out(self.deadline_s)

    async def _send_within_deadline(self, request: Request) -> SendResult:
        """The response, or the failure that came instead."""
        try:
            async with client_deadline(self.deadline_s):
                return SendResult(response=await self._send_with_reconnect(request))
        except TimeoutError:
            return SendResult(failure=TransportFailure.TIMEOUT, failure_detail=self._timeout_detail)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            return _classify_error(error)

    async def _send_with_reconnect(self, request: Request) -> Response:
        transport, connections = self._reusing_transport, 1
        closed: Exception | None = None
        while True:
            trace = ConnectionTrace()
            try:
                return await self._send_over(transport, request, trace)
            except httpcore.ConnectError as error:
                raise closed or error from None
            except (*_CLOSED_ERRORS, httpcore.RemoteProtocolError) as error:
                if isinstance(error.__cause__, h11.RemoteProtocolError):
                    raise httpcore.RemoteProtocolError(failures.not_http(error, trace.first_bytes)) from error.__cause__
                is_closed = isinstance(error, _CLOSED_ERRORS) or _is_closed_by_peer(error)
                is_stale = not trace.opened_connection or trace.idle_s > LATE_S
                if trace.received_head or not is_closed or not is_stale or connections == _MAX_CONNECTIONS:
                    raise
                closed, self.kept.closed = error, self.kept.closed + (not trace.opened_connection)
            finally:
                self.kept.used += not trace.opened_connection
            self._spend_budget(request)
            transport, connections = self._one_use_transport, connections + 1

    async def _send_over(self, transport: Transport, request: Request, trace: ConnectionTrace) -> Response:
        response = await transport.handle_async_request(self._to_httpx(request, trace))
        try:
            body, truncated = await decoding.read_body(response)
        except httpcore.RemoteProtocolError as error:
            if response.extensions["network_stream"].get_extra_info(AT_EOF):
                raise httpcore.ReadError(failures.CLOSED_IN_ANSWER) from error
            raise
        finally:
            await response.aclose()
        return Response(
            status=response.status_code,
            headers=decoding.headers_to_text(response.headers.raw),
            body=body,
            http_version=response.extensions["http_version"].decode("latin-1"),
            truncated=truncated,
        )

    def _to_httpx(self, request: Request, trace: ConnectionTrace) -> httpx.Request:
        target = self.target
        given_names = {name.lower() for name, _ in request.headers}
        default_headers = {
            "Host": target.authority,
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        headers = [
            *((name, value) for name, value in default_headers.items() if name.lower() not in given_names),
            *request.headers,
        ]
        return httpx.Request(
            request.method,
            _build_url(target.scheme, target.host, target.port, target.prefix + request.path, request.query),
            headers=[(name.encode(), value.encode()) for name, value in headers],
            content=split_body(request.body) if request.chunked else request.body,
            extensions={"trace": trace.record},
        )


@lru_cache(maxsize=256)
def _build_url(scheme: str, host: str, port: int, path: str, query: tuple[tuple[str, str], ...]) -> httpx.URL:
    """The URL of a request; most requests of a run share a few, and httpx parses each anew."""
    url = httpx.URL(scheme=scheme, host=host, port=port, path=path)
    return url.copy_merge_params(query) if query else url


def _classify_error(error: Exception) -> SendResult:
    """The failure that an error of httpcore's stands for."""
    if isinstance(error, TlsError):
        return SendResult(
            failure=TransportFailure.TLS,
            failure_detail=failures.tls_failed(error),
            is_certificate_rejected=error.is_certificate_rejected,
        )
    if isinstance(error, httpcore.ConnectError):
        return SendResult(failure=TransportFailure.UNREACHABLE, failure_detail=str(error))
    if isinstance(error, _CLOSED_ERRORS) or _is_closed_by_peer(error):
        return CLOSED_WITHOUT_ANSWER
    return SendResult(failure=TransportFailure.NOT_HTTP, failure_detail=str(error))


def _is_closed_by_peer(error: Exception) -> bool:
    """Whether httpcore missed the head of an answer, rather than h11 failing to parse it."""
    return not isinstance(error, AnswerTooLong) and not isinstance(error.__cause__, h11.RemoteProtocolError)
