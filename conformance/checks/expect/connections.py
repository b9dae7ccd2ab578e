"""Assertions on connections: silence, crashes, and framing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.expect.statuses import NOT_SUPPORTED, is_accepted, no_server_error
from conformance.core.errors import Deviation
from conformance.core.model import Level, TransportFailure

if TYPE_CHECKING:
    from conformance.core.model import Exchange, Response

_NO_CONTENT = 204


def hang_deviation(exchange: Exchange, subject: str) -> Deviation:
    """The deviation of a target that never answers one kind of request."""
    return Deviation(
        f"{subject} must be answered, as an acceptable request is",
        f"was not: {exchange.failure_detail}",
        exchange=exchange,
        expected="an answer",
        is_server_error=True,
        subject=subject,
    )


def no_crash(exchange: Exchange, subject: str, *, may_close: bool = False) -> None:
    """A request that a server need not understand did not make it fail. Raises Deviation if it did.

    The server may answer 501 or 505 and, with `may_close`, close the connection.
    """
    is_closed = may_close and exchange.failure is TransportFailure.CLOSED
    if exchange.status not in NOT_SUPPORTED and not is_closed:
        no_server_error(exchange, subject)


def no_success(exchange: Exchange, subject: str) -> None:
    """An incomplete or malformed request was not accepted. Raises Deviation if it was."""
    if is_accepted(exchange):
        raise Deviation(
            f"{subject} must not be accepted",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a refusal, or a closed connection",
            level=Level.SHOULD,
            subject=subject,
        )


def no_answer(exchange: Exchange, subject: str) -> None:
    """The connection was closed: a second request on it got no response. Raises Deviation if not."""
    if exchange.response is not None or exchange.failure is TransportFailure.TIMEOUT:
        raise Deviation(
            f"after {subject} the connection must be closed",
            f"went on with {exchange.summary}",
            exchange=exchange,
            expected="a closed connection",
            level=Level.SHOULD,
        )


def well_framed(exchange: Exchange, subject: str) -> None:
    """The response ends where its head says, and no bytes follow it. Raises Deviation if not."""
    framing_error = "" if exchange.response else exchange.failure_detail
    if exchange.bytes_after_response:
        stray = exchange.bytes_after_response
        framing_error = f"followed by {len(stray)} bytes that belong to no answer: {stray[:40]!r}"
    elif exchange.response:
        framing_error = _find_framing_error(exchange.response)
    if framing_error:
        raise Deviation(
            f"the answer to {subject} must be framed as HTTP asks",
            f"is not: {framing_error}",
            exchange=exchange,
            expected="an answer that ends where its head says",
            received=f"{exchange.summary}; {framing_error}" if exchange.response else None,
        )


def _find_framing_error(response: Response) -> str:
    """What is wrong with the headers that say where a response ends; empty if nothing."""
    length, coding = response.header("content-length"), response.header("transfer-encoding")
    if length is not None and coding is not None:
        return "it has both a Content-Length and a Transfer-Encoding"
    if response.status == _NO_CONTENT and (coding is not None or length not in {None, "0"}):
        return "a 204 has no content, and its headers announce some"
    return ""
