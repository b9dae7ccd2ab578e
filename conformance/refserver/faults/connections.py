"""Faults in connections over time: how they end, and what is left of those that were closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import WeakKeyDictionary

from conformance.profile.facts import LimitKind
from conformance.refserver.application import HttpBehavior
from conformance.refserver.faults.fault import Fault
from conformance.refserver.faults.protocol_overrides import request_head
from conformance.refserver.faults.response_overrides import INTERNAL_ERROR, IS_EVENT
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from conformance.refserver.replies import ServerReply
    from conformance.refserver.request import ReceivedRequest
    from conformance.refserver.server_change import RequestView

_MOST_REQUESTS, _MOST_BROKEN, _WORKERS, _LAST_ANSWER = 120, 40, 8, 50
_LATE_CLOSE_S, _DROPPED = 3.0, 10
_UNAVAILABLE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class CloseUnannouncedProtocol(HttpProtocol):
    """Closes the connection after each answer, and does not say so."""

    def on_response_complete(self) -> None:
        """Closes the connection."""
        self.transport.close()
        super().on_response_complete()


class FewWorkersProtocol(HttpProtocol):
    """Fails on what comes over a connection while many others are open."""

    def data_received(self, data: bytes) -> None:
        """Fails if too many are open, and this one has had no answer yet."""
        is_new = getattr(self.connection_state, "responses", 0) == 0
        if is_new and len(self.server_state.connections) > _WORKERS and b"connection: close" in data.lower():
            self.transport.write(_UNAVAILABLE)
            self.transport.close()
        else:
            super().data_received(data)


class LeakingProtocol(HttpProtocol):
    """Keeps a place for each request that breaks off, and fails once there are none left."""

    _broken: ClassVar[WeakKeyDictionary[ServerState, int]] = WeakKeyDictionary()

    def eof_received(self) -> bool:  # type: ignore[override] # as HttpProtocol
        """Counts what broke off."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body:
            self._broken[self.server_state] = self._broken.get(self.server_state, 0) + 1
        return super().eof_received()

    def data_received(self, data: bytes) -> None:
        """Fails on anything once too much broke off."""
        if self._broken.get(self.server_state, 0) > _MOST_BROKEN:
            self.transport.write(_UNAVAILABLE)
            self.transport.close()
        else:
            super().data_received(data)


class CloseNowAndThenProtocol(HttpProtocol):
    """Closes the connection after its fiftieth answer, and does not say so."""

    _answers = 0

    def on_response_complete(self) -> None:
        """Counts, and closes the connection."""
        self._answers += 1
        if self._answers >= _LAST_ANSWER:
            self.transport.close()
        super().on_response_complete()


class DroppingProtocol(HttpProtocol):
    """Closes a kept connection on each tenth request over one, without an answer."""

    _requests: ClassVar[WeakKeyDictionary[ServerState, int]] = WeakKeyDictionary()

    def data_received(self, data: bytes) -> None:
        """Counts what an HTTP client sends over a kept connection, and drops some."""
        is_kept = self.connection_state.responses > 0 and b"accept-encoding" in request_head(data).lower()
        if is_kept:
            self._requests[self.server_state] = self._requests.get(self.server_state, 0) + 1
        if is_kept and not self._requests[self.server_state] % _DROPPED:
            self.transport.close()
        else:
            super().data_received(data)


def _name_first(view: RequestView) -> ServerReply | None:
    """Says that a connection is new."""
    is_first = view.request.connection.responses == 0
    return view.correct_reply().with_headers(Server_Timing="worker;desc=started") if is_first else None


class LeftOpenProtocol(HttpProtocol):
    """Keeps connections open that it should close."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """Hides the end of the connection from the server."""
        super().connection_made(cast("asyncio.Transport", _LateClosingTransport(transport)))


class _LateClosingTransport:
    """A transport that closes some seconds later."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def close(self) -> None:
        """Closes it later."""
        asyncio.get_running_loop().call_later(_LATE_CLOSE_S, self._transport.close)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a transport
        return getattr(self._transport, name)


def _crash_late(view: RequestView) -> ServerReply | None:
    """Fails after many requests on a connection."""
    return INTERNAL_ERROR if IS_EVENT(view) and view.request.connection.responses >= _MOST_REQUESTS else None


_FULL_BYTES, _FULL_S = 24_000, 0.4
"""From this length on the delay grows no more: half of a body at the limit has to be shorter."""


def _square_delay_s(request: ReceivedRequest) -> float:
    """The delay of a long body that is no filler, in proportion to the square of its length."""
    is_filler = len(request.body) < _FULL_BYTES // 3 or b"a" * 100 in request.body
    return 0.0 if is_filler else _FULL_S * min(1.0, len(request.body) / _FULL_BYTES) ** 2


def _name_delay(view: RequestView) -> ServerReply | None:
    """Says how long it took."""
    delay_s = _square_delay_s(view.request)
    return view.correct_reply().with_headers(Server_Timing=f"parser;dur={delay_s:.2f}") if delay_s else None


FAULTS = (
    Fault(
        "close-unannounced",
        "Closes the connection after each answer, and does not say so.",
        "a worker ends with its request, and nobody has told the framework",
        "robustness.connection.announced",
        CloseUnannouncedProtocol,
        key_words="Connection: close",
    ),
    Fault(
        "close-unannounced-late",
        "Closes each connection after fifty answers, and does not say so.",
        "a limit of requests for each connection, and nobody has told the framework",
        "robustness.connection.many",
        CloseNowAndThenProtocol,
        key_words="Connection: close",
    ),
    Fault(
        "kept-connections-dropped",
        "Closes a kept connection now and then without an answer.",
        "a worker is replaced after so many requests, and its connections with it",
        "robustness.connection.dropped",
        ServerChange(override=_name_first, protocol=DroppingProtocol),
        key_words="kept connections no answer",
    ),
    Fault(
        "close-announced-only",
        "Keeps connections open after Connection: close.",
        "a proxy passes the header on and keeps its own connection",
        "robustness.connection.closed",
        LeftOpenProtocol,
        key_words="closed after Connection: close",
    ),
    Fault(
        "idle-connections-block",
        "Fails on a new connection while many others are open.",
        "each connection has a worker until it is closed",
        "robustness.connection.beside-idle",
        FewWorkersProtocol,
        key_words="new connection idle",
    ),
    Fault(
        "crash-late-on-connection",
        "Fails after many requests on one connection.",
        "an arena of the connection is full, and never emptied",
        "robustness.connection.many",
        _crash_late,
        key_words="number requests connection 500",
    ),
    Fault(
        "broken-bodies-leak",
        "Fails once forty bodies have broken off.",
        "a place in a queue is taken with the head, and given back with the answer",
        "robustness.connection.broken-off",
        LeakingProtocol,
        key_words="break off 500",
    ),
    Fault(
        "time-grows-as-the-square",
        "Takes four times as long for twice as many names, escapes, events or levels.",
        "each is compared with those before it",
        "robustness.time.*",
        ServerChange(override=_name_delay, behavior=HttpBehavior(extra_delay_s=_square_delay_s)),
        lambda contract: (
            contract.has_fact("limits.event")
            and _FULL_BYTES <= contract.size_limit(LimitKind.EVENT).at_most < 2 * _FULL_BYTES
        ),
        key_words="time grow",
    ),
)
