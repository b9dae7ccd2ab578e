"""Judgements of what became of a connection: silence, crashes, and where answers end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.errors import Deviation
from conformance.expect.statuses import is_accepted, no_server_error
from conformance.model import Level, Mishap

if TYPE_CHECKING:
    from conformance.model import Exchange, Response

_NO_CONTENT = 204
_UNKNOWN = frozenset({501, 505})
"""What a server says of methods and versions of HTTP that it does not know."""


def hang(exchange: Exchange, what: str) -> Deviation:
    """What is wrong with a target that answers all but one kind of request."""
    return Deviation(
        f"{what} is never answered, and an acceptable request is: {exchange.detail}",
        expected="an answer",
        received=exchange.outline,
    )


def no_crash(exchange: Exchange, what: str, *, may_close: bool = False) -> None:
    """A request of a kind that a server need not know did not bring it down.

    It may say that it knows no such method or version, and, where `may_close` is set, hang up.
    """
    is_closed = may_close and exchange.mishap is Mishap.CLOSED
    if exchange.status not in _UNKNOWN and not is_closed:
        no_server_error(exchange, what)


def no_success(exchange: Exchange, what: str) -> None:
    """Something that is no whole request was not taken for one."""
    if is_accepted(exchange):
        raise Deviation(
            f"{what} must not be accepted, and was answered with {exchange.outline}",
            expected="a refusal, or a closed connection",
            received=exchange.outline,
            level=Level.SHOULD,
        )


def no_answer(exchange: Exchange, what: str) -> None:
    """The connection was not kept: what was sent after the request was not answered."""
    if exchange.response is not None or exchange.mishap is Mishap.TIMEOUT:
        raise Deviation(
            f"after {what} the connection must be closed, and went on with {exchange.outline}",
            expected="a closed connection",
            received=exchange.outline,
            level=Level.SHOULD,
        )


def framed(exchange: Exchange, what: str) -> None:
    """An answer ends where its head says, in one way alone, and nothing comes after it."""
    wrong = "" if exchange.response else exchange.detail
    if exchange.stray:
        wrong = f"followed by {len(exchange.stray)} bytes that belong to no answer: {exchange.stray[:40]!r}"
    elif exchange.response:
        wrong = _misframed(exchange.response)
    if wrong:
        raise Deviation(
            f"the answer to {what} must be framed as HTTP asks, and is not: {wrong}",
            expected="an answer that ends where its head says",
            received=f"{exchange.outline}; {wrong}" if exchange.response else exchange.outline,
        )


def _misframed(response: Response) -> str:
    """What is wrong with the headers that say where an answer ends."""
    length, coding = response.header("content-length"), response.header("transfer-encoding")
    if length is not None and coding is not None:
        return "it has both a Content-Length and a Transfer-Encoding"
    if response.status == _NO_CONTENT and (coding is not None or length not in {None, "0"}):
        return "a 204 has no content, and its headers announce some"
    return ""
