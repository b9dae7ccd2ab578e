"""Assertions on statuses: accepted, refused, or answered with a certain status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.errors import Deviation, NoResponse
from conformance.core.model import TransportFailure, weaker_level
from conformance.core.statuses import CLIENT_ERROR, MULTI_STATUS, SERVER_ERROR, TOO_MANY_REQUESTS, UNAVAILABLE
from conformance.profile.facts import Condition, SizeLimit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Exchange, MeasuredSize, Source
    from conformance.profile.facts import ExpectedResponse, Fact

_OK, _MULTIPLE_CHOICES = 200, 300
NOT_SUPPORTED = frozenset({501, 505})
"""Statuses for unknown methods and versions of HTTP."""
_REFUSAL_STATUSES = frozenset(range(400, SERVER_ERROR)) - {TOO_MANY_REQUESTS}


def is_accepted(exchange: Exchange) -> bool:
    """Whether the response is a success of any kind, but not a partial one (207)."""
    return _OK <= exchange.status < _MULTIPLE_CHOICES and exchange.status != MULTI_STATUS


def is_refused(exchange: Exchange) -> bool:
    """Whether the response is a refusal of any kind, for which the target holds the client responsible."""
    return CLIENT_ERROR <= exchange.status < SERVER_ERROR


def measured_sizes(exchanges: Iterable[Exchange]) -> tuple[tuple[MeasuredSize, bool], ...]:
    """The sizes of requests built to hit a size limit, and whether each was accepted.

    A partial success (207) counts as refused, since it leaves out what is too large. A 429, a 5xx or no
    response says nothing about the size, so these are left out.
    """
    return tuple(
        (exchange.request.measured_size, is_accepted(exchange))
        for exchange in exchanges
        if exchange.request.measured_size is not None
        and (is_accepted(exchange) or exchange.status == MULTI_STATUS or exchange.status in _REFUSAL_STATUSES)
    )


def is_server_error(exchange: Exchange) -> bool:
    """Whether the response is a 5xx, or there was none. 501 and 505 refuse a method or a version, so they are none."""
    return exchange.response is None or (exchange.status >= SERVER_ERROR and exchange.status not in NOT_SUPPORTED)


def is_overloaded(exchange: Exchange) -> bool:
    """Whether the target refused a request for now, because it has too many (RFC 9110, section 15.6.4)."""
    response = exchange.response
    return response is not None and response.status == UNAVAILABLE and bool(response.header("retry-after"))


def accepted(exchange: Exchange, subject: str, *, fact: Fact | None = None) -> None:
    """The request was accepted, with any status of success. Raises Deviation if not.

    `fact` is the broken one, if it is not that of the check.
    """
    if not is_accepted(exchange):
        raise Deviation(
            f"{subject} must be accepted",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a success",
            level=fact.level if fact else None,
            sources=fact.sources if fact else (),
            is_server_error=is_server_error(exchange),
            subject=subject,
        )


def status(exchange: Exchange, answer: ExpectedResponse, subject: str, *, fact: Fact | None = None) -> str | None:
    """The status is one that the contract allows. Returns a note if it is only tolerated; raises Deviation if not.

    If a success is among the allowed statuses, any success will do: only the checks of acceptance are about
    which one it must be. `fact` is the broken one, if the answer is part of another promise.
    """
    if exchange.status in answer.expect or _is_allowed_success(exchange, answer):
        return None
    for item in answer.tolerate:
        if exchange.status == item.status:
            return f"{item.status} is tolerated: {item.source}" + (f" ({item.source.says})" if item.source.says else "")
    newer = _newer_sources(exchange, answer)
    hint = f"; the document may be stale, since {newer[0]} says: {newer[0].says}" if newer else ""
    raise Deviation(
        f"{subject} must be answered with {_join_statuses(answer.statuses)}",
        f"was answered with {exchange.summary}{hint}",
        exchange=exchange,
        expected=_join_statuses(answer.statuses),
        level=weaker_level(answer.level, fact.level) if fact else answer.level,
        sources=(*(fact or answer).sources, *newer),
        is_server_error=is_server_error(exchange),
        subject=subject,
    )


def _newer_sources(exchange: Exchange, answer: ExpectedResponse) -> tuple[Source, ...]:
    """The newer sources that allow larger bodies, if one was accepted that is too large by the document."""
    if isinstance(answer, SizeLimit) and answer.newer and is_accepted(exchange):
        return answer.newer.sources
    return ()


def _is_allowed_success(exchange: Exchange, answer: ExpectedResponse) -> bool:
    """Whether the response is a success, and the contract allows some success here."""
    may_succeed = any(_OK <= item < _MULTIPLE_CHOICES and item != MULTI_STATUS for item in answer.statuses)
    return may_succeed and answer.name != f"answers.{Condition.ACCEPTED}" and is_accepted(exchange)


def no_timeout(exchange: Exchange) -> None:
    """The target did not stay silent. Raises NoResponse if it did: an error, and no verdict."""
    if exchange.failure in {TransportFailure.TIMEOUT, TransportFailure.UNREACHABLE, TransportFailure.TLS}:
        raise NoResponse(f"no verdict: {exchange.failure_detail}", exchange=exchange)


def no_server_error(exchange: Exchange, subject: str) -> None:
    """An invalid request got a response, and no 5xx. Raises Deviation if not."""
    if exchange.status >= SERVER_ERROR or exchange.response is None:
        raise Deviation(
            f"{subject} must not make the server fail",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="an answer below 500",
            is_server_error=True,
            subject=subject,
        )


def _join_statuses(statuses: Iterable[int]) -> str:
    """`400 or 401`."""
    return " or ".join(str(item) for item in dict.fromkeys(statuses))
