"""Delivery: accepted events arrive in the sink once each, and refused ones never do. Only in runs with a sink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._delivery import (
    DELIVERED,
    NOT_KEPT,
    expect_absent,
    expect_arrived,
    expect_taken,
    marked_event,
    marked_request,
    marks_in,
)
from conformance.cases.sdk import SDK_PARAMETERS
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ALL_KINDS, BATCHES, EVENTS, EVENTS_AND_BATCHES, WITH_BODY, FirstPer, Tier
from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Parameter
from conformance.core.statuses import MULTI_STATUS
from conformance.requests import send_concurrently
from conformance.requests.content_codings import with_gzip
from conformance.requests.steps import await_arrivals

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.cases.sdk import SdkParameter
    from conformance.checks.check import CheckOptions
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps

_OPTIONS: CheckOptions = {"needs_sink": True}
_BATCH_EVENTS, _AT_ONCE = 5, 32


@check("delivery.event.arrives", "An accepted event arrives in the sink, once.",
       fact=DELIVERED, kinds=ALL_KINDS, needs_sink=True, tier=Tier.GENTLE)  # fmt: skip
def arrives(call: Call) -> Steps:
    """A success makes a client forget the event: if it does not arrive, nobody has it any more."""
    marks, draft = marked_request(call)
    expect_taken((exchange := (yield draft)), "an acceptable request")
    yield from expect_arrived(call, exchange, marks, "an accepted event")
    return None


@check("delivery.batch.arrives", "Every event of an accepted batch arrives in the sink, once.",
       fact=DELIVERED, kinds=BATCHES, **_OPTIONS)  # fmt: skip
def batch_arrives(call: Call) -> Steps:
    """SDKs send batches; an event that is lost from one has no answer of its own."""
    pairs = [marked_event(call, name) for name in call.contract.batch_types()]
    pairs += [marked_event(call) for _ in range(_BATCH_EVENTS)]
    draft = call.acceptable_request().with_events(*(event for _, event in pairs))
    expect_taken((exchange := (yield draft)), "a batch with events of all types")
    yield from expect_arrived(call, exchange, [mark for mark, _ in pairs], "every event of an accepted batch")
    return None


@check("delivery.gzip.arrives", "An accepted event in gzip arrives in the sink, once.",
       fact=DELIVERED, kinds=WITH_BODY, **_OPTIONS)  # fmt: skip
def gzip_arrives(call: Call) -> Steps:
    """SDKs compress their batches; what can't be read after the answer is lost."""
    marks, draft = marked_request(call, _BATCH_EVENTS)
    expect_taken((exchange := (yield with_gzip(draft))), "a request in gzip")
    yield from expect_arrived(call, exchange, marks, "an accepted event in gzip")
    return None


@check("delivery.chunked.arrives", "An accepted event in chunks arrives in the sink, once.",
       fact=DELIVERED, kinds=WITH_BODY, **_OPTIONS)  # fmt: skip
def chunked_arrives(call: Call) -> Steps:
    """Clients that stream send no Content-Length."""
    marks, draft = marked_request(call, _BATCH_EVENTS)
    expect_taken((exchange := (yield draft.with_chunked_encoding())), "a request in chunks")
    yield from expect_arrived(call, exchange, marks, "an accepted event in chunks")
    return None


@check("delivery.concurrency.arrives", "Events that are sent at once all arrive in the sink, once each.",
       fact=DELIVERED, kinds=EVENTS_AND_BATCHES, tier=Tier.BURST, first_per=FirstPer.KIND, needs_sink=True)  # fmt: skip
def concurrency_arrives(call: Call) -> Steps:
    """Events come from many clients; a store that loses some under load loses them after their success."""
    pairs = [marked_request(call, _BATCH_EVENTS) for _ in range(_AT_ONCE)]
    exchanges = yield from send_concurrently(*(draft.allowing_no_answer() for _, draft in pairs))
    taken = [
        (exchange, mark)
        for (marks, _), exchange in zip(pairs, exchanges, strict=True)
        if expect.is_accepted(exchange)
        for mark in marks
    ]
    if not taken:
        raise NotApplicable("no request is accepted")
    marks = [mark for _, mark in taken]
    yield from expect_arrived(call, taken[0][0], marks, "every event that was accepted among others")
    return None


@check("delivery.size.arrives", "An accepted event at its size limit arrives in the sink, once.",
       fact=DELIVERED, needs="limits.event", kinds=EVENTS, needs_sink=True)  # fmt: skip
def limit_arrives(call: Call) -> Steps:
    """Columns and messages have limits of their own, often smaller ones than the body of a request."""
    limit = call.contract.body_size_limit(call.operation)
    marks, draft = marked_request(call)
    draft = draft.with_body_size(limit.largest_accepted, size_unit=limit.unit)
    expect_taken((exchange := (yield draft)), "an event at its limit")
    yield from expect_arrived(call, exchange, marks, "an accepted event at its size limit")
    return None


@check("delivery.sdk.{slug}", "The events of {description} arrive in the sink, once each.", fact=DELIVERED,
       kinds=EVENTS_AND_BATCHES, parameters=SDK_PARAMETERS, tier=Tier.GENTLE, needs_sink=True)  # fmt: skip
def sdk_arrives(call: Call, sdk_parameter: SdkParameter) -> Steps:
    """An SDK reports its events as delivered after a success, whatever has become of them."""
    if not call.contract.has_fact(sdk_parameter.fact):
        raise NotApplicable("it is no SDK of this vendor")
    for request in sdk_parameter.requests(call):
        draft = request.documented_only().to_draft()
        marks = marks_in(call, draft)
        if not marks:
            raise NotApplicable("its events have no ids")
        expect_taken((exchange := (yield draft)), f"a request of {sdk_parameter.description}")
        yield from expect_arrived(call, exchange, marks, f"every event of {sdk_parameter.description}")
    return None


@dataclass(frozen=True, slots=True)
class _Refusal(Parameter):
    """A kind of request that is refused."""

    make: Callable[[Call, Draft], Draft]


def _without_user(call: Call, draft: Draft) -> Draft:
    return draft.without_fields(*call.contract.identity_pointers(call.operation.event_type).values())


def _oversized(call: Call, draft: Draft) -> Draft:
    limit = call.contract.body_size_limit(call.operation)
    return draft.with_body_size(limit.smallest_refused, size_unit=limit.unit)


def _unknown_key(call: Call, draft: Draft) -> Draft:
    return draft.with_credentials(call.credentials(key="conformance-unknown-key"))


def _cut_off(call: Call, draft: Draft) -> Draft:
    del call
    return draft.with_json_bytes(lambda body: body[:-1])


_REFUSALS = (
    _Refusal("key", "an event with an unknown key", make=_unknown_key),
    _Refusal("identity", "an event without a user", make=_without_user),
    _Refusal("size", "an event over its limit", make=_oversized),
    _Refusal("json", "an event whose JSON is cut off", make=_cut_off),
)


@check("delivery.refused.{slug}", "{description} that is refused does not arrive.", fact=NOT_KEPT,
       kinds=EVENTS_AND_BATCHES, parameters=_REFUSALS, **_OPTIONS)  # fmt: skip
def refused(call: Call, refusal: _Refusal) -> Steps:
    """After a refusal a client corrects the event and sends it again, or counts it as lost."""
    marks, draft = marked_request(call)
    exchange = yield refusal.make(call, draft)
    if not expect.is_refused(exchange):
        raise NotApplicable(f"{refusal.description} is not refused: {exchange.summary}")
    yield from expect_absent(call, exchange, marks, f"{refusal.description} that was refused")
    return None


@check("delivery.batch.partly-bad", "Of a batch with one bad event, what arrives is what the answer says.",
       fact=NOT_KEPT, kinds=BATCHES, **_OPTIONS)  # fmt: skip
def partly_bad(call: Call) -> Steps:
    """A client sends a refused batch again: what was stored of it is then there twice. Of a 207 the rest is lost."""
    pairs = [marked_event(call) for _ in range(3)]
    bad = pairs[1][1]
    for pointer in call.contract.identity_pointers(call.operation.event_type).values():
        bad = pointers.remove(bad, pointer)
    draft = call.acceptable_request().with_events(pairs[0][1], bad, pairs[2][1])
    exchange = yield draft
    good, marks = [pairs[0][0], pairs[2][0]], tuple(mark for mark, _ in pairs)
    if expect.is_refused(exchange):
        yield from expect_absent(call, exchange, marks, "a batch that was refused for one bad event")
        return "it is refused as a whole, and nothing of it arrives"
    if exchange.status != MULTI_STATUS and not expect.is_accepted(exchange):
        raise NotApplicable(f"a batch with one bad event is answered with {exchange.summary}")
    if expect.is_accepted(exchange):
        arrivals = yield from await_arrivals(*good, absent=(pairs[1][0],))
        arrived = sum(bool(arrivals.of(mark)) for mark in marks)
        return f"it is accepted, and {arrived} of its three events arrive"
    yield from expect_arrived(call, exchange, good, "a good event beside a bad one")
    yield from expect_absent(call, exchange, (pairs[1][0],), "the bad event of a batch")
    return "it is accepted in part, and its good events arrive"
