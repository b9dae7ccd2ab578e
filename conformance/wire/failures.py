"""The details of transport failures, as they stand in reports."""

from __future__ import annotations

CLOSED_WITHOUT_ANSWER = "the connection was closed without an answer"
CLOSED_IN_ANSWER = "the connection was closed in the middle of an answer"


def timed_out(deadline_s: float) -> str:
    """No complete answer came before the deadline."""
    return f"no answer within {deadline_s:g} s"


def not_http(reason: object) -> str:
    """The answer is not HTTP."""
    return f"the answer is not HTTP: {reason}"


def tls_failed(reason: object) -> str:
    """The TLS handshake failed."""
    return f"the TLS handshake failed: {reason}"


def no_connection(host: str, port: int, reason: object) -> str:
    """No connection could be opened."""
    return f"no connection to {host} port {port}: {reason}"
