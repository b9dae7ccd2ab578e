"""Requirements of a check: without them its promise can't be judged, and no Deviation follows.

`control` makes the check untestable; every `require_*` makes it not applicable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.expect.statuses import is_accepted
from conformance.core.errors import NotApplicable, Untestable

if TYPE_CHECKING:
    from conformance.core.model import Exchange

_LENGTH_REQUIRED = 411


def control(exchange: Exchange, subject: str = "an acceptable request") -> None:
    """The acceptable request, sent before an invalid one, was accepted. Raises Untestable if not."""
    if not is_accepted(exchange):
        raise Untestable(
            f"{subject} to {exchange.request.method} {exchange.request.path} must be accepted, "
            "or refusing an invalid one proves nothing",
            "was refused; look at the accept checks first",
            exchange=exchange,
            expected="a success",
        )


def require_supported(exchange: Exchange, subject: str) -> None:
    """A feature that the vendor does not promise is supported. Raises NotApplicable if not."""
    if not is_accepted(exchange):
        raise NotApplicable(f"{subject} is not supported here: {exchange.summary}")


def require_refused(exchange: Exchange) -> None:
    """The request was refused. Raises NotApplicable if not."""
    if exchange.response is None or exchange.status < 400:
        raise NotApplicable(
            f"the target did not refuse the request, so there is no refusal to look at: {exchange.summary}"
        )


def require_http_1_1(exchange: Exchange) -> None:
    """The target speaks HTTP/1.1, so it knows chunks (RFC 9112 section 6.1). Raises NotApplicable if not.

    Raises Untestable if the request, an acceptable one, was refused.
    """
    control(exchange)
    if exchange.response and exchange.response.http_version < "HTTP/1.1":
        raise NotApplicable("the target answers as HTTP/1.0, which has no chunks")


def require_length_optional(exchange: Exchange) -> None:
    """The target does not insist on a Content-Length (RFC 9110 section 15.5.12). Raises NotApplicable if it does."""
    if exchange.status == _LENGTH_REQUIRED:
        raise NotApplicable("the target insists on a Content-Length with a 411, as it may")


def require_chunks_supported(exchange: Exchange) -> None:
    """A small body in chunks was accepted, by HTTP/1.1. Raises NotApplicable if not."""
    require_supported(exchange, "a body in chunks")
    require_http_1_1(exchange)
