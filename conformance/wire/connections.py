"""Fast sending of many small prepared requests over keep-alive connections, from one answer's callback to the next."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from conformance.core.model import TransportFailure
from conformance.wire import failures
from conformance.wire.budget import Budget, BudgetExhausted
from conformance.wire.foreign_protocols import describe_tls_error
from conformance.wire.prepared_request import PreparedRequest
from conformance.wire.raw_connection import TRAILING_WAIT_S
from conformance.wire.responses import PendingAnswer, Reply, ResponseReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.wire.target import TargetAddress
    from conformance.wire.throttle import Throttle

_DEADLINE_CHECK_S = 0.1
_CLOSING_S, _CLOSED_S = 1.0, 0.001
"""How long to wait for connections that are being opened, and for the event loop to close what is open, in seconds."""
UNRESPONSIVE_FAILURES = frozenset({TransportFailure.TIMEOUT, TransportFailure.UNREACHABLE, TransportFailure.TLS})


RequestT = TypeVar("RequestT", bound=PreparedRequest)


class _ConnectionProtocol(asyncio.Protocol):
    """The protocol of one TCP connection; its events are ignored once the Connection has replaced it."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Passes on received bytes."""
        if self._connection.protocol is self:
            self._connection.receive(data)

    def eof_received(self) -> None:
        """Handles the end of the target's side."""
        if self._connection.protocol is self:
            self._connection.handle_end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Handles the end of the connection."""
        self.eof_received()


class Connection(Generic[RequestT]):
    """A keep-alive connection with at most one request in flight; reopened when needed."""

    def __init__(self, connections: Connections[RequestT], number: int) -> None:
        self.number = number
        self.prepared: RequestT | None = None
        self.sent_at_s = 0.0
        self.protocol: _ConnectionProtocol | None = None
        self.bytes_after_response = b""
        self._connections = connections
        self._answer = PendingAnswer(connections.reader)
        self._is_fresh = True
        self.opening: asyncio.Task[None] | None = None

    def send(self, request: RequestT) -> None:
        """Sends a request, over a new TCP connection if there is none."""
        self.prepared = request
        self.sent_at_s = self._connections.loop.time()
        transport = self.protocol.transport if self.protocol else None
        if transport is None or transport.is_closing():
            self.opening = self._connections.loop.create_task(self._open())
        else:
            self._connections.queue_write(transport, request.data)

    async def _open(self) -> None:
        """Opens a TCP connection and sends the waiting request."""
        target = self._connections.target
        protocol = _ConnectionProtocol(self)
        try:
            await target.connect(self._connections.loop, lambda: protocol)
        except ssl.SSLError as error:
            self._complete(Reply.failed(TransportFailure.TLS, failures.tls_failed(describe_tls_error(error))))
        except OSError as error:
            detail = failures.no_connection(target.host, target.port, error.strerror or error)
            self._complete(Reply.failed(TransportFailure.UNREACHABLE, detail))
        else:
            self.protocol, self._is_fresh = protocol, True
            if self.prepared is None or protocol.transport is None:
                self.close()
            else:
                protocol.transport.write(self.prepared.data)

    def receive(self, data: bytes) -> None:
        """Handles received bytes; bytes without a request in flight close the connection."""
        request = self.prepared
        if request is None:
            self.bytes_after_response += data
            self.close()
            return
        with self._connections.passing_on_errors():
            reply = self._answer.feed(data, request.method)
            if reply is not None:
                self._complete(reply)

    def time_out(self) -> None:
        """Completes the request in flight with a timeout."""
        self._complete(Reply.failed(TransportFailure.TIMEOUT, failures.timed_out(self._connections.deadline_s)))

    def close(self) -> None:
        """Aborts the TCP connection."""
        protocol, self.protocol = self.protocol, None
        if protocol is not None and protocol.transport is not None:
            protocol.transport.abort()

    def handle_end(self) -> None:
        """Handles a closed connection: if it was reused and no answer came, it is replaced once."""
        request = self.prepared
        self.close()
        if request is None:
            return
        if self._answer.is_empty and not self._is_fresh:
            self.send(request)
            return
        with self._connections.passing_on_errors():
            reply = self._answer.feed(b"", request.method, at_eof=True)
            self._complete(reply or Reply.failed(TransportFailure.CLOSED, "the connection was closed"))

    def _complete(self, reply: Reply) -> None:
        """Passes on the reply to the request in flight, which triggers the next request."""
        request, self.prepared = self.prepared, None
        self.bytes_after_response = b""
        self._answer.clear()
        self._is_fresh = False
        if reply.head is None or not reply.head.keeps_alive or reply.bytes_after_response:
            self.close()
        if request is not None:
            self._connections.handle_reply(self, request, reply)


class Connections(Generic[RequestT]):
    """Keep-alive connections to one target over which prepared requests are sent.

    `deadline_s` bounds each request; `budget` and `throttle` hold for all of them together.
    """

    def __init__(
        self,
        target: TargetAddress,
        *,
        connections: int,
        deadline_s: float,
        throttle: Throttle | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.target = target
        self.deadline_s = deadline_s
        self.loop = asyncio.get_running_loop()
        self.reader = ResponseReader()
        self.sent_count = 0
        self._throttle = throttle
        self._budget = budget or Budget()
        self._connections = [Connection(self, number) for number in range(connections)]
        self._busy_count = 0
        self._pending_writes: list[tuple[asyncio.Transport, bytes]] = []
        self._paused_until_s = 0.0
        self._all_sent: asyncio.Future[None] | None = None
        self._next_request: Callable[[], RequestT | None] = lambda: None
        self._on_reply: Callable[[RequestT, Reply, int], None] = lambda *_: None

    async def send_all(
        self, next_request: Callable[[], RequestT | None], on_reply: Callable[[RequestT, Reply, int], None]
    ) -> None:
        """Sends requests until `next_request` returns None; `on_reply` gets the connection's number too."""
        self._next_request, self._on_reply = next_request, on_reply
        self._all_sent = self.loop.create_future()
        self._busy_count = len(self._connections)
        for connection in self._connections:
            self._send_next(connection)
        deadline_task = self.loop.create_task(self._enforce_deadlines())
        try:
            await self._all_sent
        finally:
            deadline_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await deadline_task

    async def send_in_order(self, requests: Sequence[RequestT], *, reads_trailing: bool = False) -> list[Reply]:
        """Sends requests one after the other over one new connection.

        With `reads_trailing`, bytes that follow the last answer are added to it. Raises BudgetExhausted.
        """
        connection = self._connections[0]
        connection.close()
        replies: list[Reply] = []
        remaining = iter(requests)
        all_connections, self._connections = self._connections, [connection]
        try:
            await self.send_all(lambda: next(remaining, None), lambda _, reply, __: replies.append(reply))
        finally:
            self._connections = all_connections
        if reads_trailing and connection.protocol is not None:
            await asyncio.sleep(TRAILING_WAIT_S)
        if len(replies) < len(requests):
            raise self._budget.exhausted or RuntimeError("requests are missing, but the budget is not used up")
        if connection.bytes_after_response:
            replies[-1] = replies[-1]._replace(bytes_after_response=connection.bytes_after_response)
        return replies

    def queue_write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Queues bytes and writes all queued ones in the next loop iteration: one wake-up of the target."""
        if not self._pending_writes:
            self.loop.call_soon(self._flush_writes)
        self._pending_writes.append((transport, data))

    def _flush_writes(self) -> None:
        """Writes what is queued; a connection closed meanwhile has been handled already."""
        writes, self._pending_writes = self._pending_writes, []
        for transport, data in writes:
            if not transport.is_closing():
                transport.write(data)

    def pause(self, seconds: float) -> None:
        """Sends nothing for some seconds."""
        self._paused_until_s = max(self._paused_until_s, self.loop.time() + seconds)

    async def aclose(self) -> None:
        """Closes every connection, and waits until the event loop has: an open one may outlive the loop otherwise."""
        for connection in self._connections:
            connection.prepared = None
            connection.close()
        opening = [item.opening for item in self._connections if item.opening and not item.opening.done()]
        for task in opening:
            task.cancel()
        if opening:
            await asyncio.wait(opening, timeout=_CLOSING_S)
        await asyncio.sleep(_CLOSED_S)

    def handle_reply(self, connection: Connection[RequestT], request: RequestT, reply: Reply) -> None:
        """Passes on a reply."""
        with self.passing_on_errors():
            self._on_reply(request, reply, connection.number)
            self._send_next(connection)

    @contextlib.contextmanager
    def passing_on_errors(self) -> Iterator[None]:
        """Where the event loop calls, an exception is passed on to `send_all`, which ends and raises it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised by `send_all`
            if self._all_sent is not None and not self._all_sent.done():
                self._all_sent.set_exception(error)

    def _send_next(self, connection: Connection[RequestT]) -> None:
        """Sends the next request over a connection, now or after a pause."""
        wait_s = self._paused_until_s - self.loop.time() if self._paused_until_s else 0.0
        if wait_s > 0:
            self.loop.call_later(wait_s, self._send_next, connection)
            return
        request = self._next_request()
        if request is None or not self._spend_budget(request):
            self._busy_count -= 1
            if not self._busy_count and self._all_sent is not None and not self._all_sent.done():
                self._all_sent.set_result(None)
            return
        self.sent_count += 1
        delay_s = self._throttle.reserve_turn_s() if self._throttle else 0.0
        if delay_s > 0:
            self.loop.call_later(delay_s, connection.send, request)
        else:
            connection.send(request)

    def _spend_budget(self, request: RequestT) -> bool:
        """Counts a request; False if the budget is used up."""
        try:
            self._budget.spend(len(request.data), request.events)
        except BudgetExhausted:
            return False
        return True

    async def _enforce_deadlines(self) -> None:
        """Completes requests after their deadline, without counting stalls of this client."""
        interval_s = min(_DEADLINE_CHECK_S, self.deadline_s)
        while True:
            before_s = self.loop.time()
            await asyncio.sleep(interval_s)
            stalled_s = max(0.0, self.loop.time() - before_s - 2 * interval_s)  # this client stood still
            for connection in self._connections:
                connection.sent_at_s += stalled_s
                if connection.prepared and connection.sent_at_s < self.loop.time() - self.deadline_s:
                    connection.time_out()
