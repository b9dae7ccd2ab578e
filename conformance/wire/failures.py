"""The details of transport failures, as they stand in reports."""

from __future__ import annotations

from conformance.core.text import truncate
from conformance.wire.foreign_protocols import describe_first_bytes

CLOSED_WITHOUT_ANSWER = "the connection was closed without an answer"
_MAX_REASON_LENGTH = 400
CLOSED_IN_ANSWER = "the connection was closed in the middle of an answer"


def timed_out(deadline_s: float) -> str:
    """No complete answer came before the deadline."""
    return f"no answer within {deadline_s:g} s"


def not_http(reason: object, first_bytes: bytes = b"") -> str:
    """The answer is not HTTP/1; `first_bytes` of the connection may say what it is."""
    return f"the answer is not HTTP: {describe_first_bytes(first_bytes) or truncate(str(reason), _MAX_REASON_LENGTH)}"


def tls_failed(reason: object) -> str:
    """The TLS handshake failed."""
    return f"the TLS handshake failed: {truncate(str(reason), _MAX_REASON_LENGTH)}"


def no_connection(host: str, port: int, reason: object) -> str:
    """No connection could be opened."""
    return f"no connection to {host} port {port}: {truncate(str(reason), _MAX_REASON_LENGTH)}"
