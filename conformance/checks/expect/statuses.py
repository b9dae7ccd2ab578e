"""Assertions on statuses: accepted, refused, or answered with a certain status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.errors import Deviation, NoResponse
from conformance.core.model import TransportFailure
from conformance.core.statuses import MULTI_STATUS, SERVER_ERROR, TOO_MANY_REQUESTS
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Exchange, MeasuredSize
    from conformance.profile.facts import ExpectedResponse

_OK, _MULTIPLE_CHOICES = 200, 300
_REFUSAL_STATUSES = frozenset(range(400, SERVER_ERROR)) - {TOO_MANY_REQUESTS}


def is_accepted(exchange: Exchange) -> bool:
    """Whether the response is a success of any kind, but not a partial one (207)."""
    return _OK <= exchange.status < _MULTIPLE_CHOICES and exchange.status != MULTI_STATUS


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


def accepted(exchange: Exchange, subject: str) -> None:
    """The request was accepted, with any status of success. Raises Deviation if not."""
    if not is_accepted(exchange):
        raise Deviation(
            f"{subject} must be accepted",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a success",
        )


def status(exchange: Exchange, answer: ExpectedResponse, subject: str) -> str | None:
    """The status is one that the contract allows. Returns a note if it is only tolerated; raises Deviation if not.

    If a success is among the allowed statuses, any success will do: only the checks of acceptance are about
    which one it must be.
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
        )


def _join_statuses(statuses: Iterable[int]) -> str:
    """`400 or 401`."""
    return " or ".join(str(item) for item in dict.fromkeys(statuses))
