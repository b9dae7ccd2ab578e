"""The preflight with which a browser asks whether a page of another site may send an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.requests.credentials import NO_CREDENTIALS
from conformance.requests.wrong_routes import request_with_method

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

ORIGIN = "https://conformance.example"
"""A site that no server knows."""


def cors_preflight(call: Call, origin: str = ORIGIN, asked: Iterable[str] = ("authorization", "content-type")) -> Draft:
    """The request that a browser sends before a page of `origin` may send an event. It has no credentials.

    `asked` are the headers of the event's request that need permission, in lower case and sorted.
    """
    return (
        request_with_method(call, "OPTIONS")
        .with_credentials(NO_CREDENTIALS)
        .with_header("Origin", origin)
        .with_header("Access-Control-Request-Method", call.operation.method)
        .with_header("Access-Control-Request-Headers", ",".join(asked))
    )
