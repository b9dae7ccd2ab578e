"""Refused requests: one of each kind, for checks of refusals as such and of the requests that follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import Parameter
from conformance.requests import content_codings
from conformance.requests.invalid_cases import ARRAY_BODY, NOT_UTF8, TRUNCATED_JSON, oversized_request
from conformance.requests.invalid_credentials import MISSING_CREDENTIALS, UNKNOWN_KEY_CASE
from conformance.requests.wrong_routes import UNKNOWN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft


@dataclass(frozen=True, slots=True)
class RefusedRequest(Parameter):
    """A request that is refused, with whatever status. `shared_slug`: that of the same request among invalid cases."""

    make_draft: Callable[[Call], Draft]
    shared_slug: str = ""


REFUSED_JSON = RefusedRequest("json", "invalid JSON", TRUNCATED_JSON.make_draft, TRUNCATED_JSON.slug)
REFUSED_CREDENTIALS = RefusedRequest(
    "credentials", "missing credentials", MISSING_CREDENTIALS.make_draft, MISSING_CREDENTIALS.slug
)
REFUSED_KEY = RefusedRequest("key", "an unknown key", UNKNOWN_KEY_CASE.make_draft, UNKNOWN_KEY_CASE.slug)
REFUSED_SIZE = RefusedRequest("size", "a body over the limit", oversized_request)

REFUSALS = (REFUSED_JSON, REFUSED_CREDENTIALS, REFUSED_KEY, REFUSED_SIZE)
"""The refusals that every client may meet."""
STACK_TRACE_TRIGGERS = (
    *REFUSALS,
    RefusedRequest("array", ARRAY_BODY.description, ARRAY_BODY.make_draft),
    RefusedRequest("invalid-utf8", NOT_UTF8.description, NOT_UTF8.make_draft),
)
REFUSED_ON_EVERY_PATH = (
    REFUSED_JSON,
    REFUSED_CREDENTIALS,
    RefusedRequest("method", "a wrong method", lambda call: call.acceptable_request().with_method("PUT")),
)
REFUSED_ONCE_PER_KIND = (
    REFUSED_KEY,
    RefusedRequest("path", "an unknown path", lambda call: call.acceptable_request().with_path(UNKNOWN_PATH)),
    REFUSED_SIZE,
    RefusedRequest("gzip", "corrupt gzip", lambda call: content_codings.with_corrupt_gzip(call.acceptable_request())),
    RefusedRequest("utf8", NOT_UTF8.description, NOT_UTF8.make_draft),
)
REFUSED_BY_HEAD = (REFUSED_CREDENTIALS, REFUSED_KEY, REFUSED_SIZE)
"""Those that a server may refuse before it has seen their bodies."""
