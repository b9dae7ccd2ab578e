"""Judgements of statuses: what was accepted, what was refused, and with which status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.errors import Deviation, NoResponse, NotApplicable, Untestable
from conformance.core.model import TransportFailure
from conformance.core.statuses import SERVER_ERROR, TOO_MANY_REQUESTS
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Exchange, MeasuredSize
    from conformance.profile.facts import ExpectedResponse

LENGTH_REQUIRED = 411
_OK, _MULTI_STATUS, _MULTIPLE_CHOICES = 200, 207, 300
_REFUSAL_STATUSES = frozenset(range(400, SERVER_ERROR)) - {TOO_MANY_REQUESTS}


def is_accepted(exchange: Exchange) -> bool:
    """Whether an answer is a success of any kind, a partial one aside."""
    return _OK <= exchange.status < _MULTIPLE_CHOICES and exchange.status != _MULTI_STATUS


def measured_sizes(exchanges: Iterable[Exchange]) -> tuple[tuple[MeasuredSize, bool], ...]:
    """What was made to measure, and whether it was accepted; nothing of what was neither taken nor refused.

    A partial success refuses: what is too large is what it leaves out. A 429 is about something else, and a
    5xx is a failure of the server's own.
    """
    return tuple(
        (exchange.request.measured_size, is_accepted(exchange))
        for exchange in exchanges
        if exchange.request.measured_size is not None
        and (is_accepted(exchange) or exchange.status == _MULTI_STATUS or exchange.status in _REFUSAL_STATUSES)
    )


def control(exchange: Exchange, subject: str = "an acceptable request") -> None:
    """The acceptable twin was accepted. Raises Untestable if not."""
    if not is_accepted(exchange):
        raise Untestable(
            f"{subject} to {exchange.request.method} {exchange.request.path} must be accepted, "
            "or refusing an invalid one proves nothing",
            "was refused; look at the accept checks first",
            exchange=exchange,
            expected="a success",
        )


def require_http_1_1(exchange: Exchange) -> None:
    """The target may be sent a body in chunks. Raises Silent if not: HTTP/1.0 has none (RFC 9112, 6.1)."""
    control(exchange)
    if exchange.response and exchange.response.http_version < "HTTP/1.1":
        raise NotApplicable("the target answers as HTTP/1.0, which has no chunks")


def require_length_optional(exchange: Exchange) -> None:
    """The target does not insist on a Content-Length. Raises Silent if it does (RFC 9110 section 15.5.12)."""
    if exchange.status == LENGTH_REQUIRED:
        raise NotApplicable("the target insists on a Content-Length with a 411, as it may")


def require_chunks_supported(exchange: Exchange) -> None:
    """A small body in chunks was accepted. Raises Silent if not, or if the answer is that of HTTP/1.0."""
    require_supported(exchange, "a body in chunks")
    require_http_1_1(exchange)


def accepted(exchange: Exchange, subject: str) -> None:
    """The request was accepted, with whatever status of success."""
    if not is_accepted(exchange):
        raise Deviation(
            f"{subject} must be accepted",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a success",
        )


def require_supported(exchange: Exchange, subject: str) -> None:
    """A feature that the vendor does not promise is there. Raises Silent if not."""
    if not is_accepted(exchange):
        raise NotApplicable(f"{subject} is not supported here: {exchange.summary}")


def require_refused(exchange: Exchange) -> None:
    """The request was refused at all. Raises Silent if not: there is no refusal to look at."""
    if exchange.response is None or exchange.status < 400:
        raise NotApplicable(
            f"the target did not refuse the request, so there is no refusal to look at: {exchange.summary}"
        )


def status(exchange: Exchange, answer: ExpectedResponse, subject: str) -> str | None:
    """The status is one that the contract allows; a tolerated one comes back as a note.

    Where a success is among the allowed answers, any success will do: which one it has to be is what the
    checks of acceptance itself are about.
    """
    if exchange.status in answer.expect or _is_allowed_success(exchange, answer):
        return None
    for item in answer.tolerate:
        if exchange.status == item.status:
            return f"{item.status} is tolerated: {item.source}" + (f" ({item.source.says})" if item.source.says else "")
    raise Deviation(
        f"{subject} must be answered with {_join_statuses(answer.statuses)}",
        f"was answered with {exchange.summary}",
        exchange=exchange,
        expected=_join_statuses(answer.statuses),
        level=answer.level,
    )


def _is_allowed_success(exchange: Exchange, answer: ExpectedResponse) -> bool:
    """Whether an answer that may be a success, and is not about success itself, is one."""
    may_succeed = any(_OK <= item < _MULTIPLE_CHOICES and item != _MULTI_STATUS for item in answer.statuses)
    return may_succeed and answer.name != f"answers.{Condition.ACCEPTED}" and is_accepted(exchange)


def no_timeout(exchange: Exchange) -> None:
    """The target did not stay silent. Raises NoAnswer if it did: waiting once is enough."""
    if exchange.failure in {TransportFailure.TIMEOUT, TransportFailure.UNREACHABLE, TransportFailure.TLS}:
        raise NoResponse(f"no verdict: {exchange.failure_detail}", exchange=exchange)


def no_server_error(exchange: Exchange, subject: str) -> None:
    """A fault of the client was not answered as one of the server, and was answered at all."""
    if exchange.status >= SERVER_ERROR or exchange.response is None:
        raise Deviation(
            f"{subject} must not make the server fail",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="an answer below 500",
        )


def _join_statuses(statuses: Iterable[int]) -> str:
    """`400 or 401`."""
    return " or ".join(str(item) for item in dict.fromkeys(statuses))
