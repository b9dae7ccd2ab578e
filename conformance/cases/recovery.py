"""Recovery: after whatever was refused, the next acceptable request is accepted, on every connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.cases._steps import closing_request, converse_raw, expect_new_connection_accepted
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS_AND_BATCHES, PIXELS, WITH_BODY, FirstPer
from conformance.core.model import TransportFailure
from conformance.requests import content_codings, edge_cases, send_on_one_connection
from conformance.requests.invalid_cases import (
    INVALID_AUTHORIZATION,
    INVALID_JSON,
    NOT_UTF8,
    WRONG_KEY,
    oversized_request,
)
from conformance.requests.raw_writers import write_standard
from conformance.requests.wrong_routes import UNKNOWN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps

RECOVERY: Final = "rules.recovery"
ALL_KINDS: Final = WITH_BODY | PIXELS
_MIN_REQUESTS = 4


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request that is refused, and that a server has to get over."""

    slug: str
    description: str
    make: Callable[[Call], Draft]


REFUSED_ON_EVERY_PATH = (
    RefusedRequest("json", "invalid JSON", INVALID_JSON[0].make_draft),
    RefusedRequest("credentials", "missing credentials", INVALID_AUTHORIZATION[0].make_draft),
    RefusedRequest(
        "method",
        "a wrong method",
        lambda call: call.acceptable_request().with_method("PUT").with_body_bytes(b'{"conformance": "wrong method"}'),
    ),
)
REFUSED_ONCE_PER_KIND = (
    RefusedRequest("key", "an unknown key", WRONG_KEY[0].make_draft),
    RefusedRequest("path", "an unknown path", lambda call: call.acceptable_request().with_path(UNKNOWN_PATH)),
    RefusedRequest("size", "a body over the limit", oversized_request),
    RefusedRequest("gzip", "corrupt gzip", lambda call: content_codings.with_corrupt_gzip(call.acceptable_request())),
    RefusedRequest("utf8", "a body that is not UTF-8", NOT_UTF8[0].make_draft),
)


@check("robustness.recovery.{slug}", "After {description}, the next acceptable request is accepted.",
       fact=RECOVERY, kinds=ALL_KINDS, parameters=REFUSED_ON_EVERY_PATH)  # fmt: skip
@check("robustness.recovery.{slug}", "After {description}, the next acceptable request is accepted.",
       fact=RECOVERY, kinds=WITH_BODY, first_per=FirstPer.KIND, parameters=REFUSED_ONCE_PER_KIND)  # fmt: skip
def recovers_at_once(call: Call, refused_request: RefusedRequest) -> Steps:
    """A body that is left on the connection is read as the next request, and the next event is lost."""
    expect.control((yield call.control_request()))
    _, after = yield from converse_raw(
        call, refused_request.description, refused_request.make(call), closing_request(call)
    )
    if after.failure is not TransportFailure.CLOSED:
        expect.accepted(after, f"an acceptable request on the same connection, after {refused_request.description},")
    yield from expect_new_connection_accepted(call, refused_request.description)
    return None


@dataclass(frozen=True, slots=True)
class RequestSeries:
    """A request that a server may get over only in part, and how many acceptable ones will show it."""

    slug: str
    description: str
    make: Callable[[Call], Draft]
    request_count: int


REQUEST_SERIES = (
    RequestSeries("series", "invalid JSON", INVALID_JSON[0].make_draft, 12),
    RequestSeries(
        "series-odd", "a NUL escape", lambda call: next(edge_cases.EDGE_CASES[0].make_drafts(call))[1], _MIN_REQUESTS
    ),
)


@check(
    "robustness.recovery.{slug}",
    "After {description}, a series of acceptable requests is accepted.",
    fact=RECOVERY,
    kinds=EVENTS_AND_BATCHES,
    first_per=FirstPer.KIND,
    exclusive=True,
    parameters=REQUEST_SERIES,
)
def recovers_for_series(call: Call, request_series: RequestSeries) -> Steps:
    """What a server remembers of a bad request may come out only some requests later."""
    expect.control((yield call.control_request()))
    yield request_series.make(call).allowing_no_answer()
    drafts = (
        *(call.acceptable_request().with_raw_writer(write_standard) for _ in range(request_series.request_count - 1)),
        closing_request(call),
    )
    exchanges = yield from send_on_one_connection(*(draft.allowing_no_answer() for draft in drafts))
    answered_exchanges = [exchange for exchange in exchanges if exchange.failure is not TransportFailure.CLOSED]
    for exchange in answered_exchanges:
        expect.accepted(
            exchange, f"one of {request_series.request_count} acceptable requests after {request_series.description}"
        )
    for _ in range(max(_MIN_REQUESTS, request_series.request_count - len(answered_exchanges))):
        yield from expect_new_connection_accepted(call, request_series.description)
    return None
