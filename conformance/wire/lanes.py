"""A fast way to send very many small requests: connections that are kept, bytes that are ready.

An answer is read where it arrives, in the callback of its connection, and the next request leaves from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from conformance.model import Mishap
from conformance.wire.answers import Reader, Reply
from conformance.wire.budget import Budget, Exhausted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.wire.target import Target
    from conformance.wire.throttle import Throttle

_TICK_S = 0.1
_STRAY_S = 0.02
"""How long a connection is watched for bytes that belong to no answer, in seconds."""
SILENT = frozenset({Mishap.TIMEOUT, Mishap.UNREACHABLE, Mishap.TLS})


class Shot(Protocol):
    """A request that is ready to be sent."""

    @property
    def data(self) -> bytes:
        """Its bytes."""

    @property
    def method(self) -> str:
        """Its method, on which it depends where the answer ends."""

    @property
    def events(self) -> int:
        """How many events are in it, at most."""


S = TypeVar("S", bound=Shot)


class _Line(asyncio.Protocol):
    """One connection of a lane; once the lane has left it, nothing that happens to it counts."""

    def __init__(self, lane: Lane[Any]) -> None:
        self._lane = lane
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a new connection."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Takes bytes."""
        if self._lane.line is self:
            self._lane.hear(data)

    def eof_received(self) -> None:
        """Takes the end of what the target has to say."""
        if self._lane.line is self:
            self._lane.end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Takes the end of the connection."""
        if self._lane.line is self:
            self._lane.end()


class Lane(Generic[S]):
    """One place for a request in flight, with a connection that is kept."""

    def __init__(self, lanes: Lanes[S], number: int) -> None:
        self.number = number
        self.shot: S | None = None
        self.since_s = 0.0
        self.line: _Line | None = None
        self.stray = b""
        self._lanes = lanes
        self._buffer = b""
        self._is_fresh = True
        self._opening: asyncio.Task[None] | None = None

    def fire(self, shot: S) -> None:
        """Sends a request, over a new connection if there is none."""
        self.shot = shot
        self.since_s = self._lanes.loop.time()
        transport = self.line.transport if self.line else None
        if transport is None or transport.is_closing():
            self._opening = self._lanes.loop.create_task(self._open())
        else:
            self._lanes.post(transport, shot.data)

    async def _open(self) -> None:
        """Opens a connection and sends what waits for it."""
        target = self._lanes.target
        line = _Line(self)
        try:
            await target.connect(self._lanes.loop, lambda: line)
        except ssl.SSLError as error:
            self._settle(Reply(mishap=Mishap.TLS, detail=f"the TLS handshake failed: {error}"))
        except OSError as error:
            detail = f"no connection to {target.host} port {target.port}: {error.strerror or error}"
            self._settle(Reply(mishap=Mishap.UNREACHABLE, detail=detail))
        else:
            self.line, self._is_fresh = line, True
            if self.shot is None or line.transport is None:
                self.close()
            else:
                line.transport.write(self.shot.data)

    def hear(self, data: bytes) -> None:
        """Takes bytes; what comes unasked ends the connection."""
        shot = self.shot
        if shot is None:
            self.stray += data
            self.close()
            return
        if self._buffer:
            data = self._buffer + data
        reply = self._lanes.reader.read(data, shot.method)
        if reply is None:
            self._buffer = data
        else:
            self._settle(reply)

    def expire(self) -> None:
        """Gives up on an answer that does not come."""
        detail = f"no answer within {self._lanes.deadline_s:g} s"
        self._settle(Reply(mishap=Mishap.TIMEOUT, detail=detail))

    def close(self) -> None:
        """Leaves the connection."""
        line, self.line = self.line, None
        if line is not None and line.transport is not None:
            line.transport.abort()

    def end(self) -> None:
        """The connection is over: one that was used before and said nothing is replaced once."""
        shot, data = self.shot, self._buffer
        is_fresh = self._is_fresh
        self.close()
        if shot is None:
            return
        if not data and not is_fresh:
            self.fire(shot)
        else:
            reply = self._lanes.reader.read(data, shot.method, is_over=True)
            self._settle(reply or Reply(mishap=Mishap.CLOSED, detail="the connection was closed"))

    def _settle(self, reply: Reply) -> None:
        """Hands on what came, and takes the next request."""
        shot, self.shot = self.shot, None
        self._buffer = self.stray = b""
        self._is_fresh = False
        if reply.head is None or not reply.head.keeps or reply.stray:
            self.close()
        if shot is not None:
            self._lanes.settled(self, shot, reply)


class Lanes(Generic[S]):
    """Some connections to one target, and the requests that go over them."""

    def __init__(
        self,
        target: Target,
        *,
        connections: int,
        deadline_s: float,
        throttle: Throttle | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.target = target
        self.deadline_s = deadline_s
        self.loop = asyncio.get_running_loop()
        self.reader = Reader()
        self.sent = 0
        self._throttle = throttle
        self._budget = budget or Budget()
        self._lanes = [Lane(self, number) for number in range(connections)]
        self._busy = 0
        self._outbox: list[tuple[asyncio.Transport, bytes]] = []
        self._held_until_s = 0.0
        self._done: asyncio.Future[None] | None = None
        self._next: Callable[[], S | None] = lambda: None
        self._take: Callable[[S, Reply, int], None] = lambda *_: None

    async def pour(self, supply: Callable[[], S | None], take: Callable[[S, Reply, int], None]) -> None:
        """Sends what is supplied until that is None, and hands each reply on, with its lane's number."""
        self._next, self._take = supply, take
        self._done = self.loop.create_future()
        self._busy = len(self._lanes)
        for lane in self._lanes:
            self._advance(lane)
        watch = self.loop.create_task(self._watch())
        try:
            await self._done
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def sequence(self, shots: Sequence[S], *, listens: bool = False) -> list[Reply]:
        """Sends requests one after the other over one new connection, and may listen a moment at its end.

        Raises Exhausted where the budget is used up.
        """
        lane = self._lanes[0]
        lane.close()
        found: list[Reply] = []
        supply = iter(shots)
        lanes, self._lanes = self._lanes, [lane]
        try:
            await self.pour(lambda: next(supply, None), lambda _, reply, __: found.append(reply))
        finally:
            self._lanes = lanes
        if listens and lane.line is not None:
            await asyncio.sleep(_STRAY_S)
        if len(found) < len(shots):
            raise Exhausted(f"no verdict: {self._budget.emptied}")
        if lane.stray:
            found[-1] = found[-1]._replace(stray=lane.stray)
        return found

    def post(self, transport: asyncio.Transport, data: bytes) -> None:
        """Sends bytes with all that are ready by now: waking a target once is cheaper than eight times."""
        if not self._outbox:
            self.loop.call_soon(self._flush)
        self._outbox.append((transport, data))

    def _flush(self) -> None:
        """Sends what is ready; a connection that has ended meanwhile was told to its lane."""
        ready, self._outbox = self._outbox, []
        for transport, data in ready:
            if not transport.is_closing():
                transport.write(data)

    def hold(self, seconds: float) -> None:
        """Lets nothing leave for so long."""
        self._held_until_s = max(self._held_until_s, self.loop.time() + seconds)

    def close(self) -> None:
        """Closes every connection."""
        for lane in self._lanes:
            lane.shot = None
            lane.close()

    def settled(self, lane: Lane[S], shot: S, reply: Reply) -> None:
        """Takes what came of a request. What taking it raises ends the pour."""
        try:
            self._take(shot, reply, lane.number)
            self._advance(lane)
        except Exception as fault:  # noqa: BLE001 - handed to who pours, none swallowed
            if self._done is not None and not self._done.done():
                self._done.set_exception(fault)

    def _advance(self, lane: Lane[S]) -> None:
        """Sends the next request on a lane, at once or when it may."""
        wait_s = self._held_until_s - self.loop.time() if self._held_until_s else 0.0
        if wait_s > 0:
            self.loop.call_later(wait_s, self._advance, lane)
            return
        shot = self._next()
        if shot is None or not self._pays(shot):
            self._busy -= 1
            if not self._busy and self._done is not None and not self._done.done():
                self._done.set_result(None)
            return
        self.sent += 1
        turn_s = self._throttle.turn_s() if self._throttle else 0.0
        if turn_s > 0:
            self.loop.call_later(turn_s, lane.fire, shot)
        else:
            lane.fire(shot)

    def _pays(self, shot: S) -> bool:
        """Takes a request out of the budget, if there is enough left; else it is the end of all requests."""
        try:
            self._budget.spend(len(shot.data), shot.events)
        except Exhausted:
            return False
        return True

    async def _watch(self) -> None:
        """Keeps the deadline of every request."""
        while True:
            await asyncio.sleep(min(_TICK_S, self.deadline_s))
            late_s = self.loop.time() - self.deadline_s
            for lane in self._lanes:
                if lane.shot is not None and lane.since_s < late_s:
                    lane.expire()
