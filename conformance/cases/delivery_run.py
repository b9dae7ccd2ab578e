"""Delivery: what became of all events of a run, of every check, by the ledger; and repeats, order and latency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._delivery import (
    DELIVERED,
    NOT_KEPT,
    ONCE,
    UNCHANGED,
    expect_taken,
    marked_request,
)
from conformance.checks.catalogue import check
from conformance.checks.check import ALL_KINDS, BATCHES, EVENTS, FACT_OF_PARAMETER, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level, Parameter
from conformance.profile.facts import Rule
from conformance.requests.fields import require_pointer
from conformance.requests.steps import await_arrivals, read_ledger

if TYPE_CHECKING:
    from conformance.checks.check import CheckOptions
    from conformance.requests import Call
    from conformance.requests.steps import Steps

_OPTIONS: CheckOptions = {"needs_sink": True}
_DEDUPLICATED, _ORDER = f"rules.{Rule.DEDUPLICATED}", f"rules.{Rule.KEPT_ORDER}"
_IN_ORDER = 10


@dataclass(frozen=True, slots=True)
class _Fate(Parameter):
    """What may be wrong with events of the whole run: `kind` is that of the ledger's finding."""

    kind: str
    fact: str
    expected: str


_FATES = (
    _Fate("lost", "no accepted event of the whole run is lost", "missing", DELIVERED, "all of them in the sink"),
    _Fate("doubled", "no accepted event of the whole run is doubled", "doubled", ONCE, "each of them once in the sink"),
    _Fate(
        "refused",
        "no refused event of the whole run is stored",
        "kept though refused",
        NOT_KEPT,
        "none of them in the sink",
    ),
    _Fate(
        "altered", "no accepted event of the whole run is altered", "altered", UNCHANGED, "each of them as it was sent"
    ),
)


@check("delivery.run.{slug}", "{description}.", fact=FACT_OF_PARAMETER,
       kinds=ALL_KINDS, parameters=_FATES, **_OPTIONS)  # fmt: skip
def whole_run(call: Call, fate: _Fate) -> Steps:
    """What every other check has sent shows what one example does not: a loss in a thousand, or under load."""
    expect_taken((exchange := (yield call.control_request())), "an acceptable request")
    page = yield from read_ledger(str(call.operation))
    found = page.finding(fate.kind)
    if found is None:
        return f"{page.counts.get('sent', 0)} events were sent, and {page.counts.get('arrived', 0)} arrived"
    raise Deviation(
        "what becomes of the events of a whole run must be what their answers say",
        f"{found.count} of {page.counts.get('sent', 0)} events are {fate.kind}: {'; '.join(found.examples[:3])}",
        exchange=exchange,
        expected=fate.expected,
    )


@check("delivery.repeat.once", "An event that is sent again with the same id is stored once.",
       fact=_DEDUPLICATED, kinds=EVENTS, first_per=FirstPer.RUN, needs_sink=True)  # fmt: skip
def repeat_once(call: Call) -> Steps:
    """A client that got no answer sends the event again; only the id tells the server that it is the same."""
    require_pointer(call.contract.profile.pointers.message_id, "a message id")
    (mark,), draft = marked_request(call)
    expect_taken((yield draft), "an acceptable request")
    expect_taken((exchange := (yield draft)), "the same request again")
    arrivals = yield from await_arrivals(mark)
    count = len(arrivals.of(mark))
    if not count:
        raise NotApplicable("the event does not arrive: see delivery.event.arrives")
    if count == 1 or call.contract.fact(_DEDUPLICATED).level is Level.MAY:
        return f"an event that was sent twice is stored {'once' if count == 1 else f'{count} times'}"
    raise Deviation(
        "an event that is sent again with the same id must be stored once",
        f"doubled: it is in the sink {count} times",
        exchange=exchange,
        expected="once in the sink",
    )


@check("delivery.order.batch", "The order in which the events of a batch are stored is reported.", fact=_ORDER,
       kinds=BATCHES, observes=True, max_level=Level.MAY, needs_sink=True)  # fmt: skip
def batch_order(call: Call) -> Steps:
    """Who identifies a user before an event expects them in that order."""
    marks, draft = marked_request(call, _IN_ORDER)
    expect_taken((yield draft), "a batch")
    arrivals = yield from await_arrivals(*marks)
    places = [arrivals.of(mark)[0].position for mark in marks if arrivals.of(mark)]
    if len(places) < len(marks):
        raise NotApplicable("not all events arrive: see delivery.batch.arrives")
    return "they are stored in their order" if places == sorted(places) else "they are stored in another order"
