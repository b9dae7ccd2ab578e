"""Recovery: after a refused request, the next acceptable one is accepted, on every connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import (
    RECOVERY,
    closing_request,
    converse_raw,
    expect_kept_connection,
    expect_new_connection_accepted,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ALL_KINDS, EVENTS_AND_BATCHES, WITH_BODY, FirstPer
from conformance.core.errors import NotApplicable
from conformance.core.model import Parameter, TransportFailure
from conformance.requests import framings, send_on_one_connection
from conformance.requests.edge_cases import NUL_ESCAPES
from conformance.requests.raw_writers import write_standard
from conformance.requests.refused_requests import (
    REFUSED_BY_HEAD,
    REFUSED_JSON,
    REFUSED_ON_EVERY_PATH,
    REFUSED_ONCE_PER_KIND,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft, Step
    from conformance.requests.refused_requests import RefusedRequest
    from conformance.requests.steps import Steps

_MIN_REQUESTS = 4
_REQUEST_IN_BODY = b"GET /conformance-rest HTTP/1.1\r\nHost: conformance.example\r\n\r\n"
"""The body of a request that is refused; read as a request, it is answered as one."""


@check("robustness.recovery.{slug}", "After {description}, the next acceptable request is accepted.",
       fact=RECOVERY, kinds=ALL_KINDS, parameters=REFUSED_ON_EVERY_PATH)  # fmt: skip
@check("robustness.recovery.{slug}", "After {description}, the next acceptable request is accepted.",
       fact=RECOVERY, kinds=WITH_BODY, first_per=FirstPer.KIND, parameters=REFUSED_ONCE_PER_KIND)  # fmt: skip
def recovers_at_once(call: Call, refused: RefusedRequest) -> Steps:
    """A server that leaves the body on the connection reads it as the next request, and loses the next event."""
    expect.control((yield call.control_request()))
    yield from expect_kept_connection(call)
    _, after = yield from converse_raw(call, refused.description, refused.make_draft(call), closing_request(call))
    if after.failure is not TransportFailure.CLOSED:
        expect.accepted(after, f"an acceptable request on the same connection, after {refused.description},")
    yield from expect_new_connection_accepted(call, refused.description)
    return None


@check("robustness.recovery.late-{slug}", "After {description}, a body that comes late is not read as a request.",
       fact=RECOVERY, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND, parameters=REFUSED_BY_HEAD)  # fmt: skip
def reads_no_rest(call: Call, refused: RefusedRequest) -> Steps:
    """A server that refuses by the head alone has to read the body, or to close: the next answer is another's else."""
    expect.control((yield call.control_request()))
    yield from expect_kept_connection(call)
    draft = refused.make_draft(call)
    body = _REQUEST_IN_BODY.ljust(len(draft.build_request().body), b"a")
    late = draft.with_body_bytes(body).with_raw_writer(framings.write_body_late)
    first, after = yield from converse_raw(call, refused.description, late, closing_request(call))
    if expect.is_accepted(first):
        raise NotApplicable(f"{refused.description} is not refused: {first.summary}")
    if after.failure is not TransportFailure.CLOSED:
        subject = (
            f"an acceptable request on the same connection, after {refused.description} with a body that came late,"
        )
        expect.accepted(after, subject)
    return None


@dataclass(frozen=True, slots=True)
class RequestSeries(Parameter):
    """A bad request whose effects may appear late, and the number of acceptable requests after it."""

    make_draft: Callable[[Call], Draft]
    request_count: int


REQUEST_SERIES = (
    RequestSeries("series", REFUSED_JSON.description, REFUSED_JSON.make_draft, 12),
    RequestSeries(
        "series-odd", NUL_ESCAPES.description, lambda call: next(NUL_ESCAPES.make_drafts(call))[1], _MIN_REQUESTS
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
def recovers_for_series(call: Call, series: RequestSeries) -> Steps:
    """The effects of a bad request on a server may appear only some requests later."""
    for exchange in (yield from _send_series(call, series.request_count)):
        expect.control(exchange, f"one of {series.request_count} acceptable requests over one connection")
    yield series.make_draft(call).allowing_no_answer()
    answered_exchanges = yield from _send_series(call, series.request_count)
    for exchange in answered_exchanges:
        expect.accepted(exchange, f"one of {series.request_count} acceptable requests after {series.description}")
    for _ in range(max(_MIN_REQUESTS, series.request_count - len(answered_exchanges))):
        yield from expect_new_connection_accepted(call, series.description)
    return None


def _send_series(call: Call, count: int) -> Generator[Step, Exchange, list[Exchange]]:
    """Sends acceptable requests over one connection; the exchanges until it is closed."""
    drafts = (
        *(call.acceptable_request().with_raw_writer(write_standard) for _ in range(count - 1)),
        closing_request(call),
    )
    exchanges = yield from send_on_one_connection(*(draft.allowing_no_answer() for draft in drafts))
    return [exchange for exchange in exchanges if exchange.failure is not TransportFailure.CLOSED]
