"""Redirects: none loses the body of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._forms import join_deviations
from conformance.cases._steps import response_header
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import WITH_BODY
from conformance.core.errors import Deviation
from conformance.profile.facts import Rule

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps

_LOSES_BODY = frozenset({301, 302, 303})


@check("robustness.path.redirected", "A doubled slash, or one at the end, leads to no redirect that loses the body.",
       fact=f"rules.{Rule.REDIRECT}", kinds=WITH_BODY)  # fmt: skip
def redirected(call: Call) -> Steps:
    """Clients follow with a GET, get an answer to that, and take the event for delivered."""
    expect.control((yield call.control_request()))
    path = call.operation.path
    head, _, last = path.rpartition("/")
    deviations = []
    for variant in dict.fromkeys((f"{path}/", f"/{path}", f"{head}//{last}")):
        exchange = yield call.acceptable_request().with_path(variant).allowing_no_answer(may_time_out=True)
        if exchange.status in _LOSES_BODY:
            where = response_header(exchange, "location")
            deviations.append(
                Deviation(
                    f"a POST to {variant} must be accepted, refused, or redirected with 307 or 308",
                    f"was answered with {exchange.status} to {where!r}, after which clients may send a GET",
                    exchange=exchange,
                    expected="the answer to the event, 404, 307 or 308",
                )
            )
    if deviations:
        raise join_deviations(deviations)
    return None
